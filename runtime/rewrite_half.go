package runtime

import (
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// widening is the name under which WithoutRewrite turns off that graphs of
// float16 are computed in float32.
const widening = "half-precision"

// computesWide are operators that lose nothing in float32: kernels compute them
// there anyway.
var computesWide = map[string]bool{
	"Abs": true, "Add": true, "Attention": true, "AveragePool": true, "BatchNormalization": true, "Clip": true, "Conv": true, "ConvTranspose": true,
	"Div": true, "Einsum": true, "Elu": true, "Erf": true, "Exp": true, "GRU": true, "Gelu": true, "Gemm": true, "GlobalAveragePool": true,
	"GlobalMaxPool": true, "GroupNormalization": true, "HardSigmoid": true, "HardSwish": true, "InstanceNormalization": true, "LSTM": true,
	"LayerNormalization": true, "LeakyRelu": true, "Log": true, "LogSoftmax": true, "MatMul": true, "Max": true, "MaxPool": true, "Mean": true,
	"Min": true, "Mish": true, "Mul": true, "Neg": true, "PRelu": true, "Pow": true, "RMSNormalization": true, "RNN": true, "Reciprocal": true,
	"ReduceL2": true, "ReduceMax": true, "ReduceMean": true, "ReduceMin": true, "ReduceSum": true, "Relu": true, "Selu": true, "Sigmoid": true,
	"SimplifiedLayerNormalization": true, "Softmax": true, "Softplus": true, "Sqrt": true, "Sub": true, "Sum": true, "Swish": true, "Tanh": true, "Where": true,

	"com.microsoft.Attention": true, "com.microsoft.BiasGelu": true, "com.microsoft.FastGelu": true, "com.microsoft.FusedConv": true,
	"com.microsoft.FusedMatMul": true, "com.microsoft.Gelu": true, "com.microsoft.MultiHeadAttention": true, "com.microsoft.QuickGelu": true,
	"com.microsoft.SkipLayerNormalization": true, "com.microsoft.SkipSimplifiedLayerNormalization": true,
}

// movesWide are operators that move values of any type, in float32 if those are
// there.
var movesWide = map[string]bool{
	"Concat": true, "Expand": true, "Flatten": true, "Gather": true, "Identity": true, "Pad": true, "Reshape": true, "Shape": true, "Size": true, "Slice": true,
	"Split": true, "Squeeze": true, "Tile": true, "Transpose": true, "Unsqueeze": true,
}

// A widener computes in float32 what a graph has in float16, as ONNX Runtime
// does on a CPU: values are rounded to float16 where something else reads them,
// such as the graph's outputs, and not after every node. Kernels would widen and
// round at every node, and no other rewrite has a form for it.
type widener struct {
	*work
	nodes []*node
	wide  map[int]int // the float32 slot for a slot of float16
	casts map[onnx.DataType]*node
}

// widen is true if it changed anything.
func (w *work) widen() bool {
	if w.unpacked || slices.Contains(w.config.without, widening) || w.config.set.Replaced("", "Cast") {
		return false
	}
	h := &widener{work: w, wide: map[int]int{}, casts: map[onnx.DataType]*node{}}
	for _, to := range []onnx.DataType{onnx.Float, onnx.Float16} {
		const opset = 13
		p := &onnx.Node{OpType: "Cast", Inputs: []string{"x"}, Outputs: []string{"y"}, Attributes: []*onnx.Attribute{onnx.AttrInt("to", int64(to))}}
		k, v, err := w.config.set.Bind(p, opset, nil)
		if err != nil {
			return false
		}
		h.casts[to] = &node{proto: p, opset: opset, version: v, kernel: k}
	}
	for _, n := range w.g.nodes {
		if !h.visit(n) {
			h.nodes = append(h.nodes, n)
		}
	}
	if len(h.wide) == 0 {
		return false
	}
	w.g.nodes = h.nodes
	return true
}

func (h *widener) half(s int) bool { return s >= 0 && h.facts[s].DType == tensor.Float16 }

// visit adds n's form in float32, if it has one to add.
func (h *widener) visit(n *node) bool {
	name := n.proto.OpType
	switch n.proto.Domain {
	case "", "ai.onnx":
	default:
		name = n.proto.Domain + "." + name
	}
	if n.is("Cast") && onnx.DataType(attrInt(n, "to")) == onnx.Float {
		if s, ok := h.wide[n.in[0]]; ok && len(n.out) == 1 {
			h.replace(n.out[0], s)
			return true
		}
		return false
	}
	if n.replaced || n.packed != 0 || len(n.bodies) > 0 || len(n.captures) > 0 || !computesWide[name] && !movesWide[name] {
		return false
	}
	halves, made := 0, 0
	for _, s := range n.in {
		if s >= 0 && h.facts[s].DType == tensor.Undefined {
			return false
		}
		if _, ok := h.wide[s]; ok {
			made++
		}
		if h.half(s) {
			halves++
		}
	}
	if halves == 0 || made == 0 && movesWide[name] || h.infer(n) != nil {
		return false
	}
	in := slices.Clone(n.in)
	for i, s := range n.in {
		if h.half(s) {
			if in[i] = h.widened(n, s); in[i] < 0 {
				return false
			}
		}
	}
	return h.add(n, in)
}

// widened is the slot of s in float32, -1 if there is no room for it.
func (h *widener) widened(n *node, s int) int {
	if f, ok := h.wide[s]; ok {
		return f
	}
	name := h.g.slots[s] + ".float32"
	if v := h.value(s); v != nil {
		if h.memory.lay(4*int64(v.Len())) != nil {
			return -1
		}
		f, err := tensor.Zeros(tensor.Float32, v.Shape()...)
		if err != nil {
			return -1
		}
		kernel.F16ToF32(tensor.Of[float32](f), tensor.Of[tensor.F16](v))
		h.wide[s] = h.constant(name, f)
		return h.wide[s]
	}
	f := h.newSlot(name, ops.Fact{})
	h.cast(n, s, f, onnx.Float)
	h.wide[s] = f
	return f
}

// add adds n with other inputs, if that is right. Its outputs of float16 are
// rounded ones of float32, for those who read them.
func (h *widener) add(n *node, in []int) bool {
	m, p := *n, *n.proto
	m.proto, m.in, m.out, m.signature = &p, in, slices.Clone(n.out), ""
	for i, s := range n.out {
		if h.half(s) {
			m.out[i] = h.newSlot(h.g.slots[s]+".float32", ops.Fact{})
		}
	}
	p.Inputs, p.Outputs = h.names(m.in), h.names(m.out)
	if h.infer(&m) != nil {
		return false
	}
	for i, s := range m.out {
		if s >= 0 && s != n.out[i] && h.facts[s].DType != tensor.Float32 {
			return false
		}
	}
	h.nodes = append(h.nodes, &m)
	for i, s := range m.out {
		if s >= 0 && s != n.out[i] {
			h.cast(n, s, n.out[i], onnx.Float16)
			h.wide[n.out[i]] = s
		}
	}
	return true
}

func (h *widener) names(slots []int) []string {
	names := make([]string, len(slots))
	for i, s := range slots {
		names[i] = h.name(s)
	}
	return names
}

// cast adds a node that converts.
func (h *widener) cast(n *node, from, to int, dt onnx.DataType) {
	c := *h.casts[dt]
	p := *c.proto
	p.Name, p.Inputs, p.Outputs = n.proto.Name, h.names([]int{from}), h.names([]int{to})
	c.proto, c.graph, c.index, c.id, c.in, c.out = &p, n.graph, n.index, n.id, []int{from}, []int{to}
	h.nodes = append(h.nodes, &c)
	_ = h.infer(&c)
}
