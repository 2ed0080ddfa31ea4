package ops

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// ofInt is a text as it reads where an int holds no more than 32 bits, if that is
// so here: larger numbers become the largest.
func ofInt(text string) string {
	if strconv.IntSize == 64 {
		return text
	}
	return digits.ReplaceAllStringFunc(text, func(n string) string {
		if _, err := strconv.Atoi(n); err != nil {
			return strconv.Itoa(math.MaxInt)
		}
		return n
	})
}

var digits = regexp.MustCompile(`\d+`)

// heap is an Allocator without a limit.
type heap struct{}

func (heap) New(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	return tensor.Zeros(dt, shape...)
}
func (heap) Reserve(int) error { return nil }
func (heap) Release(int)       {}

// node is a node with as many named inputs and outputs as given.
func node(opType string, inputs, outputs int, attrs ...*onnx.Attribute) *onnx.Node {
	n := &onnx.Node{OpType: opType, Attributes: attrs}
	for i := range inputs {
		n.Inputs = append(n.Inputs, "x"+string(rune('0'+i)))
	}
	for i := range outputs {
		n.Outputs = append(n.Outputs, "y"+string(rune('0'+i)))
	}
	return n
}

// run binds n at the given opset of its domain and runs it; a nil input is
// absent. Whatever Infer says beforehand, with and without knowing the inputs'
// values, must hold for what Run makes, and memory laid out by it must give the
// same result: every test of an operator is a test of that too.
func run(t testing.TB, n *onnx.Node, opset int64, inputs ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	t.Helper()
	values := make([]tensor.Value, len(inputs))
	for i, in := range inputs {
		if in != nil {
			values[i] = in
		} else if i < len(n.Inputs) {
			n.Inputs[i] = ""
		}
	}
	out, err := runValues(t, n, opset, values...)
	if err != nil {
		return nil, err
	}
	tensors := make([]*tensor.Tensor, len(out))
	for i, v := range out {
		tensors[i], _ = v.(*tensor.Tensor)
	}
	return tensors, nil
}

func runValues(t testing.TB, n *onnx.Node, opset int64, inputs ...tensor.Value) ([]tensor.Value, error) {
	t.Helper()
	k, _, err := Standard().Bind(n, opset, nil)
	if err != nil {
		return nil, err
	}
	c := testCtx(n, inputs)
	if err := k.Run(c); err != nil {
		return nil, err
	}
	for _, known := range []bool{true, false} {
		facts, has := make([]Fact, len(inputs)), make([]bool, len(inputs))
		for i, v := range inputs {
			has[i] = v != nil
			if x, ok := v.(*tensor.Tensor); ok {
				facts[i] = FactOf(x)
				if !known {
					facts[i].Value = nil
				}
			}
		}
		inf := NewInfer(facts, has, len(n.Outputs))
		require.NoError(t, k.Infer(inf), "Infer refuses what Run accepts")
		again := testCtx(n, inputs)
		for i, f := range inf.Outputs() {
			y, ok := c.Outputs[i].(*tensor.Tensor)
			if !ok {
				continue
			}
			requireFact(t, f, y)
			if f.Known() {
				laid, err := tensor.Zeros(f.DType, f.Shape...)
				require.NoError(t, err)
				for j := range laid.Bytes() {
					laid.Bytes()[j] = 0x5a // what is not written shows
				}
				again.Outputs[i] = laid
			}
		}
		require.NoError(t, k.Run(again), "Run into memory laid out by Infer")
		for i := range c.Outputs {
			y, ok := c.Outputs[i].(*tensor.Tensor)
			if !ok {
				continue
			}
			z := again.Outputs[i].(*tensor.Tensor)
			require.Equal(t, y.Bytes(), z.Bytes(), "output %d differs in memory laid out beforehand", i)
		}
	}
	requirePrepacked(t, k, n, inputs, c.Outputs)
	return c.Outputs, nil
}

// requirePrepacked holds a Prepacker with every input but the first constant to
// the results it gave without, up to the rounding that another order of sums
// makes.
func requirePrepacked(t testing.TB, k Kernel, n *onnx.Node, inputs, want []tensor.Value) {
	t.Helper()
	p, ok := k.(Prepacker)
	if !ok || len(inputs) == 0 {
		return
	}
	consts := make([]*tensor.Tensor, len(inputs))
	facts, has := make([]Fact, len(inputs)), make([]bool, len(inputs))
	for i, v := range inputs {
		has[i] = v != nil
		if x, ok := v.(*tensor.Tensor); ok {
			facts[i] = FactOf(x)
			if i > 0 {
				consts[i] = x
			}
		}
	}
	packed, drop, err := p.Prepack(consts, heap{})
	require.NoError(t, err, "Prepack")
	if packed == nil {
		require.Empty(t, drop)
		return
	}
	left := slices.Clone(inputs)
	for _, i := range drop {
		left[i], facts[i], has[i] = nil, Fact{}, false
	}
	inf := NewInfer(facts, has, len(n.Outputs))
	require.NoError(t, packed.Infer(inf), "Infer once packed")
	c := testCtx(n, left)
	require.NoError(t, packed.Run(c), "Run once packed")
	for i, v := range want {
		if y, ok := v.(*tensor.Tensor); ok {
			requireFact(t, inf.Outputs()[i], y)
			requireClose(t, y, c.Outputs[i].(*tensor.Tensor), "packed, output %d", i)
		}
	}
}

// requireClose compares tensors up to a few units in the last place of their
// type, relative to the largest element.
func requireClose(t testing.TB, want, got *tensor.Tensor, msg string, args ...any) {
	t.Helper()
	require.Equal(t, want.String(), got.String(), append([]any{msg}, args...)...)
	if !want.DType().IsFloat() {
		require.Equal(t, want.Bytes(), got.Bytes(), append([]any{msg}, args...)...)
		return
	}
	eps := map[tensor.DType]float64{tensor.Float64: 1e-14, tensor.Float32: 1e-6, tensor.Float16: 2e-3, tensor.BFloat16: 2e-2}[want.DType()]
	w, err := realCopy[float64](want)
	require.NoError(t, err)
	g, err := realCopy[float64](got)
	require.NoError(t, err)
	requireNear(t, w, g, eps)
}

// requireNear compares floats up to eps relative to the largest that is finite,
// NaN being equal to NaN.
func requireNear(t testing.TB, want, got []float64, eps float64) {
	t.Helper()
	require.Len(t, got, len(want))
	largest := 1.0
	for _, v := range want {
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			largest = max(largest, math.Abs(v))
		}
	}
	for i, v := range want {
		if v == got[i] || math.IsNaN(v) && math.IsNaN(got[i]) {
			continue
		}
		if !(math.Abs(v-got[i]) <= eps*largest) {
			require.Failf(t, "differs", "element %d of %d: want %v, got %v", i, len(want), v, got[i])
		}
	}
}

// requireFact holds what was said of an output against what it became.
func requireFact(t testing.TB, f Fact, y *tensor.Tensor) {
	t.Helper()
	if f.DType != tensor.Undefined {
		require.Equal(t, y.DType(), f.DType, "Infer's type")
	}
	if f.Ranked {
		require.Len(t, f.Shape, y.Rank(), "Infer's rank")
		for i, d := range f.Shape {
			if d != Unknown {
				require.Equal(t, y.Dim(i), d, "Infer's extent %d", i)
			}
		}
	}
}

func testCtx(n *onnx.Node, inputs []tensor.Value) *Ctx {
	c := &Ctx{Inputs: inputs, Outputs: make([]tensor.Value, len(n.Outputs)), Wanted: make([]bool, len(n.Outputs)),
		Context: context.Background(), Memory: heap{}, Seed: 1}
	for i, name := range n.Outputs {
		c.Wanted[i] = name != ""
	}
	return c
}

// f32 and i64 make tensors for tests.
func f32(data []float32, shape ...int) *tensor.Tensor { return tensor.Must(data, shape...) }
func i64(data []int64, shape ...int) *tensor.Tensor   { return tensor.Must(data, shape...) }

func TestIdentity(t *testing.T) {
	x := f32([]float32{1, 2, 3}, 3)
	y, err := run(t, node("Identity", 1, 1), 13, x)
	require.NoError(t, err)
	require.Equal(t, x.Bytes(), y[0].Bytes())
}

func TestBindRefuses(t *testing.T) {
	for _, c := range []struct {
		node *onnx.Node
		want string
	}{
		{node("NoSuchOp", 1, 1), `operator NoSuchOp: unsupported`},
		{&onnx.Node{OpType: "Foo", Domain: "my.domain"}, `operator Foo of domain "my.domain": unsupported`},
		{node("Identity", 2, 1), `has 2 inputs, expected 1`},
		{node("Identity", 1, 0), `has 0 outputs, expected 1`},
		{node("Identity", 1, 1, onnx.AttrInt("axis", 1)), `attribute "axis": unsupported`},
	} {
		_, _, err := Standard().Bind(c.node, 13, nil)
		require.EqualError(t, err, c.want)
	}
}

// Inputs that are left out at the end count as not there, whatever the file
// writes for them.
func TestBindIgnoresAbsentTail(t *testing.T) {
	n := node("Einsum", 2, 1, onnx.AttrString("equation", "ij,jk->ik"))
	n.Inputs[1] = ""
	_, _, err := Standard().Bind(n, 12, nil)
	require.EqualError(t, err, `attribute "equation": has 2 operands, the node has 1 inputs`)
	n = node("Attention", 6, 1)
	n.Inputs[3], n.Inputs[5] = "", ""
	_, _, err = Standard().Bind(n, 23, nil)
	require.EqualError(t, err, "inputs 4 and 5, the past's keys and values, must be given together")
}
