package ops

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func seq(items ...*tensor.Tensor) *tensor.Sequence {
	s := &tensor.Sequence{Elem: tensor.Float32}
	for _, t := range items {
		s.Items = append(s.Items, t)
	}
	return s
}

// show writes a value so that tests can compare it.
func show(v tensor.Value) string {
	switch x := v.(type) {
	case *tensor.Tensor:
		switch x.DType() {
		case tensor.Float32:
			return fmt.Sprint(x, tensor.Of[float32](x))
		case tensor.Int64:
			return fmt.Sprint(x, tensor.Of[int64](x))
		case tensor.Bool:
			return fmt.Sprint(x, tensor.Of[bool](x))
		case tensor.String:
			return fmt.Sprintf("%v%q", x, tensor.Of[string](x))
		}
		return fmt.Sprint(x, x.Bytes())
	case *tensor.Sequence:
		text := x.Elem.String() + "{"
		for i, item := range x.Items {
			if i > 0 {
				text += "; "
			}
			text += show(item)
		}
		return text + "}"
	case *tensor.Optional:
		if x.Value == nil {
			return "optional{}"
		}
		return "optional{" + show(x.Value) + "}"
	}
	return fmt.Sprint(v)
}

func TestSequences(t *testing.T) {
	a, b, c := f32([]float32{1}, 1), f32([]float32{2, 3}, 2), f32([]float32{4}, 1)
	pos := func(p int64) *tensor.Tensor { return tensor.Scalar(p) }
	six := f32([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	for _, tc := range []struct {
		n     *onnx.Node
		opset int64
		in    []tensor.Value
		want  string // the output, or the error
	}{
		{node("SequenceEmpty", 0, 1), 11, nil, "float{}"},
		{node("SequenceEmpty", 0, 1, onnx.AttrInt("dtype", 7)), 11, nil, "int64{}"},
		{node("SequenceConstruct", 2, 1), 11, []tensor.Value{a, b}, "float{float(1) [1]; float(2) [2 3]}"},
		{node("SequenceConstruct", 2, 1), 11, []tensor.Value{a, pos(1)}, "input 1: has type int64, expected float like input 0"},
		{node("SequenceInsert", 2, 1), 11, []tensor.Value{seq(a, b), c}, "float{float(1) [1]; float(2) [2 3]; float(1) [4]}"},
		{node("SequenceInsert", 3, 1), 11, []tensor.Value{seq(a, b), c, pos(0)}, "float{float(1) [4]; float(1) [1]; float(2) [2 3]}"},
		{node("SequenceInsert", 3, 1), 11, []tensor.Value{seq(a, b), c, pos(-1)}, "float{float(1) [1]; float(1) [4]; float(2) [2 3]}"},
		{node("SequenceInsert", 3, 1), 11, []tensor.Value{seq(a, b), c, pos(3)}, "input 2: position 3 is out of range for a sequence of 2"},
		{node("SequenceInsert", 2, 1), 11, []tensor.Value{seq(a), pos(3)}, "input 1: has type int64, the sequence's is float"},
		{node("SequenceInsert", 2, 1), 11, []tensor.Value{a, a}, "input 0: is a tensor, expected a sequence"},
		{node("SequenceErase", 1, 1), 11, []tensor.Value{seq(a, b)}, "float{float(1) [1]}"},
		{node("SequenceErase", 2, 1), 11, []tensor.Value{seq(a, b), pos(-2)}, "float{float(2) [2 3]}"},
		{node("SequenceErase", 1, 1), 11, []tensor.Value{seq()}, "input 0: the sequence is empty"},
		{node("SequenceAt", 2, 1), 11, []tensor.Value{seq(a, b), tensor.Scalar[int32](-1)}, "float(2) [2 3]"},
		{node("SequenceAt", 2, 1), 11, []tensor.Value{seq(a, b), pos(2)}, "input 1: position 2 is out of range for a sequence of 2"},
		{node("SequenceLength", 1, 1), 11, []tensor.Value{seq(a, b)}, "int64() [2]"},
		{node("ConcatFromSequence", 1, 1, onnx.AttrInt("axis", -1)), 11, []tensor.Value{seq(a, b, c)}, "float(4) [1 2 3 4]"},
		{node("ConcatFromSequence", 1, 1, onnx.AttrInt("axis", 1), onnx.AttrInt("new_axis", 1)), 11, []tensor.Value{seq(b, b)}, "float(2, 2) [2 2 3 3]"},
		{node("ConcatFromSequence", 1, 1, onnx.AttrInt("axis", 0), onnx.AttrInt("new_axis", 1)), 11, []tensor.Value{seq(a, b)}, "input 0: item 1: has extent 2 at dimension 1, expected 1"},
		{node("ConcatFromSequence", 1, 1, onnx.AttrInt("axis", 0)), 11, []tensor.Value{seq()}, "input 0: the sequence is empty"},
		{node("SplitToSequence", 1, 1, onnx.AttrInt("axis", 1)), 11, []tensor.Value{six}, "float{float(2, 1) [1 4]; float(2, 1) [2 5]; float(2, 1) [3 6]}"},
		{node("SplitToSequence", 1, 1, onnx.AttrInt("keepdims", 0)), 11, []tensor.Value{six}, "float{float(3) [1 2 3]; float(3) [4 5 6]}"},
		{node("SplitToSequence", 2, 1, onnx.AttrInt("axis", -1)), 11, []tensor.Value{six, pos(2)}, "float{float(2, 2) [1 2 4 5]; float(2, 1) [3 6]}"},
		{node("SplitToSequence", 2, 1, onnx.AttrInt("axis", 1)), 11, []tensor.Value{six, i64([]int64{1, 0, 2}, 3)}, "float{float(2, 1) [1 4]; float(2, 0) []; float(2, 2) [2 3 5 6]}"},
		{node("SplitToSequence", 2, 1, onnx.AttrInt("axis", 1)), 11, []tensor.Value{six, i64([]int64{1, 1}, 2)}, "split sizes add up to 2, the extent is 3"},
		{node("SplitToSequence", 2, 1), 11, []tensor.Value{six, pos(0)}, "input 1: part length is 0, expected at least 1"},
		{node("Optional", 1, 1), 15, []tensor.Value{seq(a)}, "optional{float{float(1) [1]}}"},
		{node("OptionalHasElement", 1, 1), 15, []tensor.Value{&tensor.Optional{}}, "bool() [false]"},
		{node("OptionalHasElement", 1, 1), 18, []tensor.Value{a}, "bool() [true]"},
		{node("OptionalHasElement", 0, 1), 18, nil, "bool() [false]"},
		{node("OptionalGetElement", 1, 1), 15, []tensor.Value{&tensor.Optional{Value: a}}, "float(1) [1]"},
		{node("OptionalGetElement", 1, 1), 15, []tensor.Value{&tensor.Optional{}}, "input 0: the optional is empty"},
		{node("Optional", 0, 1), 15, nil, `attribute "type": is missing, and there is no input`},
	} {
		out, err := runValues(t, tc.n, tc.opset, tc.in...)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = show(out[0])
		}
		require.Equal(t, tc.want, got, tc.n.OpType)
	}
}

// What is inserted is shared, and the sequence inserted into stays as it was.
func TestSequencesAreImmutable(t *testing.T) {
	s := seq(f32([]float32{1}, 1), f32([]float32{2}, 1))
	_, err := runValues(t, node("SequenceInsert", 3, 1), 11, s, f32([]float32{9}, 1), tensor.Scalar[int64](0))
	require.NoError(t, err)
	_, err = runValues(t, node("SequenceErase", 2, 1), 11, s, tensor.Scalar[int64](0))
	require.NoError(t, err)
	require.Equal(t, "float{float(1) [1]; float(1) [2]}", show(s))
}

func TestSequenceMap(t *testing.T) {
	g := declares(typed(tensor.Float32))
	add := goBody{2, 1, func(in []tensor.Value) ([]tensor.Value, error) {
		a, b := tensor.Of[float32](in[0].(*tensor.Tensor)), tensor.Of[float32](in[1].(*tensor.Tensor))
		return []tensor.Value{f32([]float32{a[0] + b[0]}, 1)}, nil
	}}
	n := func() *onnx.Node { return node("SequenceMap", 2, 1, onnx.AttrGraph("body", g)) }
	one, two := f32([]float32{1}, 1), f32([]float32{2}, 1)
	bodies := map[*onnx.Graph]goBody{g: add}
	out, err := control(n(), 17, bodies, nil, seq(one, two), two)
	require.NoError(t, err)
	require.Equal(t, "float{float(1) [3]; float(1) [4]}", show(out[0]))
	out, err = control(n(), 17, bodies, nil, seq(one, two), seq(two, two))
	require.NoError(t, err)
	require.Equal(t, "float{float(1) [3]; float(1) [4]}", show(out[0]))
	_, err = control(n(), 17, bodies, nil, seq(one, two), seq(two))
	require.EqualError(t, err, "input 1: is a sequence of 1, expected 2 like input 0")
}
