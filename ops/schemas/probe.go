package schemas

import (
	"slices"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// given are attributes that an operator can't be bound without, where one of the
// plain values of [plain] isn't right.
var given = map[string][]*onnx.Attribute{
	"Cast":              {onnx.AttrInt("to", int64(onnx.Float)), onnx.AttrString("to", "FLOAT")},
	"RandomNormalLike":  {onnx.AttrInt("dtype", int64(onnx.Float))},
	"RandomUniformLike": {onnx.AttrInt("dtype", int64(onnx.Float))},
	"Reshape":           {onnx.AttrInts("shape", 1)},
	"LinearAttention":   {onnx.AttrString("update_rule", "linear")},
	"FeatureVectorizer": {onnx.AttrInts("inputdimensions", 1)},
	"Momentum":          {onnx.AttrString("mode", "standard")},
	"QLinearSoftmax":    {onnx.AttrInt("opset", 13)},
	"BitCast":           {onnx.AttrInt("to", int64(onnx.Float))},
	"Constant":          {onnx.AttrInts("value_ints", 1)},
	"Einsum":            {onnx.AttrString("equation", "...->...")},
	"BitShift":          {onnx.AttrString("direction", "LEFT")},
	"TfIdfVectorizer":   {onnx.AttrString("mode", "TF"), onnx.AttrInts("ngram_counts", 0), onnx.AttrInts("ngram_indexes", 0), onnx.AttrInts("pool_int64s", 1)},
	"RegexFullMatch":    {onnx.AttrString("pattern", "a")},
	"MaxRoiPool":        {onnx.AttrInts("pooled_shape", 1, 1)},
}

// forms are attributes of further forms of an operator, which take other types.
var forms = map[string][][]*onnx.Attribute{
	"GroupQueryAttention": {
		{onnx.AttrString("k_quant_type", "PER_TENSOR"), onnx.AttrString("v_quant_type", "PER_TENSOR"), onnx.AttrInt("kv_cache_bit_width", 8)},
		{onnx.AttrString("k_quant_type", "PER_TENSOR"), onnx.AttrString("v_quant_type", "PER_TENSOR"), onnx.AttrInt("kv_cache_bit_width", 4)},
	},
}

// plain is a value for an attribute of which nothing but the type is known.
func plain(name, kind string) *onnx.Attribute {
	switch kind {
	case "INT":
		return onnx.AttrInt(name, 1)
	case "FLOAT":
		return onnx.AttrFloat(name, 1)
	case "STRING":
		return onnx.AttrString(name, "a")
	case "INTS":
		return onnx.AttrInts(name, 1)
	case "FLOATS":
		return onnx.AttrFloats(name, 1)
	case "STRINGS":
		return onnx.AttrStrings(name, "a")
	}
	return nil
}

// node is one of s with n inputs and the attributes that must be given, or a
// second attribute beside those.
func (s *Schema) node(n int, extra string) *onnx.Node {
	node := &onnx.Node{OpType: s.Name, Domain: s.Domain}
	for i := range n {
		node.Inputs = append(node.Inputs, "in"+string(rune('a'+i)))
	}
	for i := range max(s.MinOut, 1) {
		node.Outputs = append(node.Outputs, "out"+string(rune('a'+i)))
	}
	have := map[string]bool{}
	for _, a := range given[s.Name] {
		if s.Attributes[a.Name].Type == a.Type.String() {
			node.Attributes = append(node.Attributes, a)
			have[a.Name] = true
		}
	}
	for name, a := range s.Attributes {
		if !have[name] && (a.Required || name == extra) {
			if at := plain(name, a.Type); at != nil {
				node.Attributes = append(node.Attributes, at)
			}
		}
	}
	return node
}

// ports are the inputs of a node of n inputs: the last one repeats if variadic.
func (s *Schema) ports(n int) []Port {
	var list []Port
	for i := range n {
		list = append(list, s.Inputs[min(i, len(s.Inputs)-1)])
	}
	return list
}

// Takes lists the element types that the operator takes for a type parameter: what
// its inference doesn't refuse. ok is false where that can't be found out: the
// operator has no tensor of that parameter among its inputs, or a subgraph, or
// can't be bound without knowing more.
func (s *Schema) Takes(set *ops.Set, param string) (list []tensor.DType, ok bool) {
	n, found := s.MinIn, false
	for i, p := range s.Inputs {
		if p.Type == param {
			found = true
			n = max(n, i+1)
			break
		}
	}
	if !found {
		return nil, false
	}
	for _, form := range append([][]*onnx.Attribute{nil}, forms[s.Name]...) {
		inputs := n
		if form != nil {
			inputs = min(s.MaxIn, len(s.Inputs))
		}
		node := s.node(inputs, "")
		node.Attributes = append(node.Attributes, form...)
		kernel, _, err := set.Bind(node, int64(s.Since), nil)
		if err != nil {
			continue
		}
		ok = true
		for _, dt := range s.Tensors(param) {
			// Other parameters' types may have to agree with this one.
			for _, prefer := range []tensor.DType{dt, tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Int8, tensor.Int32} {
				if !slices.Contains(list, dt) && s.infers(kernel, inputs, param, dt, prefer) {
					list = append(list, dt)
				}
			}
		}
	}
	return list, ok
}

func (s *Schema) infers(k ops.Kernel, n int, param string, dt, prefer tensor.DType) bool {
	facts, has := make([]ops.Fact, n), make([]bool, n)
	for i, p := range s.ports(n) {
		has[i] = true
		if p.Type == param {
			facts[i] = ops.Unranked(dt)
		} else if may := s.Tensors(p.Type); slices.Contains(may, prefer) {
			facts[i] = ops.Unranked(prefer)
		} else if len(may) > 0 {
			facts[i] = ops.Unranked(may[0])
		}
	}
	return k.Infer(ops.NewInfer(facts, has, max(s.MinOut, 1))) == nil
}

// Reads reports whether the operator knows the attribute. It may refuse the value
// it is tried with; ok is false where that can't be tried.
func (s *Schema) Reads(set *ops.Set, attribute string) (reads, ok bool) {
	if plain(attribute, s.Attributes[attribute].Type) == nil {
		return false, false
	}
	_, _, err := set.Bind(s.node(s.MinIn, attribute), int64(s.Since), nil)
	if err == nil {
		return true, true
	}
	// The reader's own sentence, of attributes that nobody read.
	unread := strings.HasPrefix(err.Error(), "attribute") && strings.HasSuffix(err.Error(), ": unsupported") && !strings.Contains(err.Error(), ": is ")
	return !(unread && strings.Contains(err.Error(), `"`+attribute+`"`)), true
}
