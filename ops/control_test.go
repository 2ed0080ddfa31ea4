package ops

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// goBody is a subgraph written in Go.
type goBody struct {
	in, out int
	run     func(in []tensor.Value) ([]tensor.Value, error)
}

func (b goBody) NumInputs() int  { return b.in }
func (b goBody) NumOutputs() int { return b.out }
func (b goBody) Run(_ *Ctx, in []tensor.Value) ([]tensor.Value, error) {
	return b.run(in)
}

// declares is a graph that says of its outputs what types they have.
func declares(types ...*onnx.TensorType) *onnx.Graph {
	g := &onnx.Graph{}
	for _, t := range types {
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Type: &onnx.Type{Tensor: t}})
	}
	return g
}

func typed(dt tensor.DType, dims ...int64) *onnx.TensorType {
	s := &onnx.Shape{}
	for _, d := range dims {
		s.Dims = append(s.Dims, onnx.Dim{HasValue: d >= 0, Value: d})
	}
	return &onnx.TensorType{ElemType: onnx.DataType(dt), Shape: s}
}

// control runs a node whose subgraphs are the given bodies, in the order of
// its attributes.
func control(n *onnx.Node, opset int64, bodies map[*onnx.Graph]goBody, change func(*Ctx), in ...tensor.Value) ([]tensor.Value, error) {
	k, _, err := Standard().Bind(n, opset, func(g *onnx.Graph) (Body, error) { return bodies[g], nil })
	if err != nil {
		return nil, err
	}
	for i, v := range in {
		if v == nil {
			n.Inputs[i] = ""
		}
	}
	c := testCtx(n, in)
	if change != nil {
		change(c)
	}
	err = k.Run(c)
	return c.Outputs, err
}

func give(v ...tensor.Value) goBody {
	return goBody{0, len(v), func([]tensor.Value) ([]tensor.Value, error) { return v, nil }}
}

func TestIf(t *testing.T) {
	yes, no := declares(), declares()
	bodies := map[*onnx.Graph]goBody{yes: give(i64([]int64{1}, 1)), no: give(&tensor.Sequence{})}
	n := func() *onnx.Node {
		return node("If", 1, 1, onnx.AttrGraph("then_branch", yes), onnx.AttrGraph("else_branch", no))
	}
	out, err := control(n(), 13, bodies, nil, tensor.Scalar(true))
	require.NoError(t, err)
	require.Equal(t, []int64{1}, tensor.Of[int64](out[0].(*tensor.Tensor)))
	out, err = control(n(), 13, bodies, nil, tensor.Must([]bool{false}, 1))
	require.NoError(t, err)
	require.IsType(t, &tensor.Sequence{}, out[0])
	_, err = control(n(), 13, bodies, nil, tensor.Scalar[int64](1))
	require.EqualError(t, err, "input 0: is int64(), expected one bool")
	bodies[no] = give()
	_, err = control(n(), 13, bodies, nil, tensor.Scalar(true))
	require.EqualError(t, err, `attribute "else_branch": has 0 outputs, expected 1`)
}

// powers is a loop body: x doubles, and 2x is a scan output; it wants to go on
// while the iteration is below last.
func powers(last int64) goBody {
	return goBody{3, 3, func(in []tensor.Value) ([]tensor.Value, error) {
		it, x := scalar[int64](in[0].(*tensor.Tensor)), tensor.Of[float32](in[2].(*tensor.Tensor))
		double := f32([]float32{2 * x[0], 2 * x[1]}, 2)
		return []tensor.Value{tensor.Scalar(it < last), double, double}, nil
	}}
}

func TestLoop(t *testing.T) {
	g := declares(typed(tensor.Bool), typed(tensor.Float32, 2), typed(tensor.Float32, -1, 2))
	start := f32([]float32{1, -3}, 2)
	for _, c := range []struct {
		name    string
		trips   tensor.Value
		cond    tensor.Value
		last    int64
		carried []float32
		rows    int
	}{
		{"trips", tensor.Scalar[int64](3), nil, 100, []float32{8, -24}, 3},
		{"trips without a condition ignore the body's", tensor.Scalar[int64](3), nil, 0, []float32{8, -24}, 3},
		{"condition", nil, tensor.Scalar(true), 1, []float32{4, -12}, 2},
		{"both", tensor.Scalar[int64](9), tensor.Scalar(true), 2, []float32{8, -24}, 3},
		{"as many as an int64 counts", tensor.Scalar[int64](1<<63 - 1), tensor.Scalar(true), 19, []float32{1 << 20, -3 << 20}, 20},
		{"no trips", tensor.Scalar[int64](0), nil, 0, []float32{1, -3}, 0},
		{"negative trips", tensor.Scalar[int64](-5), nil, 0, []float32{1, -3}, 0},
		{"false at first", nil, tensor.Scalar(false), 0, []float32{1, -3}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := node("Loop", 3, 2, onnx.AttrGraph("body", g))
			if c.cond == nil {
				n.Inputs[1] = ""
			}
			out, err := control(n, 13, map[*onnx.Graph]goBody{g: powers(c.last)}, nil, c.trips, c.cond, start)
			require.NoError(t, err)
			require.Equal(t, c.carried, tensor.Of[float32](out[0].(*tensor.Tensor)))
			scan := out[1].(*tensor.Tensor)
			if c.rows == 0 {
				require.Equal(t, "float(0, 0, 2)", scan.String(), "the declared extents, 0 where they are open")
				return
			}
			require.Equal(t, fmt.Sprintf("float(%d, 2)", c.rows), scan.String())
			for i := range c.rows {
				require.Equal(t, float32(int(2)<<i), tensor.Of[float32](scan)[2*i])
			}
		})
	}
}

// meter is an allocator with a limit.
type meter struct{ left int }

var errLimit = errors.New("limit")

func (m *meter) New(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	if err := m.Reserve(tensor.Shape(shape).Len() * dt.Size()); err != nil {
		return nil, err
	}
	return tensor.Zeros(dt, shape...)
}

func (m *meter) Reserve(n int) error {
	if m.left -= n; m.left < 0 {
		return errLimit
	}
	return nil
}

func (m *meter) Release(n int) { m.left += n }

func TestLoopEnds(t *testing.T) {
	g := declares(typed(tensor.Bool), typed(tensor.Float32, 2), typed(tensor.Float32, 2))
	forever := func() *onnx.Node { return node("Loop", 3, 2, onnx.AttrGraph("body", g)) }
	bodies := map[*onnx.Graph]goBody{g: powers(1 << 62)}
	in := []tensor.Value{tensor.Scalar[int64](1 << 62), tensor.Scalar(true), f32([]float32{1, 2}, 2)}

	_, err := control(forever(), 13, bodies, func(c *Ctx) { c.Memory = &meter{1 << 16} }, in...)
	require.ErrorIs(t, err, errLimit, "scan outputs grow within the limit")

	ctx, cancel := context.WithCancel(context.Background())
	count := 0
	bodies[g] = goBody{3, 3, func(v []tensor.Value) ([]tensor.Value, error) {
		if count++; count == 1000 {
			cancel()
		}
		return powers(1 << 62).run(v)
	}}
	_, err = control(forever(), 13, bodies, func(c *Ctx) { c.Context = ctx }, in...)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1000, count)

	bodies[g] = goBody{3, 3, func(v []tensor.Value) ([]tensor.Value, error) {
		it := int(scalar[int64](v[0].(*tensor.Tensor)))
		grown, err := tensor.Zeros(tensor.Float32, it+1)
		return []tensor.Value{tensor.Scalar(true), v[2], grown}, err
	}}
	_, err = control(forever(), 13, bodies, nil, in...)
	require.EqualError(t, err, "the body's output 2: is float(2), in the iterations before it was float(1)")
}

// sums is a scan body: the state adds up the slices, and each sum is output.
var sums = goBody{2, 2, func(in []tensor.Value) ([]tensor.Value, error) {
	s, x := in[0].(*tensor.Tensor), in[1].(*tensor.Tensor)
	y := s.Clone()
	for i, v := range tensor.Of[float32](x) {
		tensor.Of[float32](y)[i] += v
	}
	return []tensor.Value{y, y}, nil
}}

func TestScan(t *testing.T) {
	g := declares(typed(tensor.Float32, 2), typed(tensor.Float32, 2))
	bodies := map[*onnx.Graph]goBody{g: sums}
	x := f32([]float32{1, 2, 3, 10, 20, 30}, 2, 3) // two sequences of three along axis 1
	for _, c := range []struct {
		name  string
		attrs []*onnx.Attribute
		last  []float32
		sums  *tensor.Tensor
	}{
		{"axis 1", []*onnx.Attribute{onnx.AttrInts("scan_input_axes", -1)},
			[]float32{6, 60}, f32([]float32{1, 10, 3, 30, 6, 60}, 3, 2)},
		{"backwards, joined along axis 1", []*onnx.Attribute{onnx.AttrInts("scan_input_axes", 1), onnx.AttrInts("scan_input_directions", 1), onnx.AttrInts("scan_output_axes", 1)},
			[]float32{6, 60}, f32([]float32{3, 5, 6, 30, 50, 60}, 2, 3)},
		{"joined backwards", []*onnx.Attribute{onnx.AttrInts("scan_input_axes", 1), onnx.AttrInts("scan_output_directions", 1)},
			[]float32{6, 60}, f32([]float32{6, 60, 3, 30, 1, 10}, 3, 2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := node("Scan", 2, 2, append(c.attrs, onnx.AttrGraph("body", g), onnx.AttrInt("num_scan_inputs", 1))...)
			out, err := control(n, 11, bodies, nil, f32([]float32{0, 0}, 2), x)
			require.NoError(t, err)
			require.Equal(t, c.last, tensor.Of[float32](out[0].(*tensor.Tensor)))
			require.Equal(t, c.sums.String(), out[1].(*tensor.Tensor).String())
			require.Equal(t, tensor.Of[float32](c.sums), tensor.Of[float32](out[1].(*tensor.Tensor)))
		})
	}

	n := node("Scan", 2, 2, onnx.AttrGraph("body", g), onnx.AttrInt("num_scan_inputs", 1))
	out, err := control(n, 11, bodies, nil, f32([]float32{7, 8}, 2), f32(nil, 0, 2))
	require.NoError(t, err, "nothing to scan")
	require.Equal(t, []float32{7, 8}, tensor.Of[float32](out[0].(*tensor.Tensor)))
	require.Equal(t, "float(0, 2)", out[1].(*tensor.Tensor).String())
}

// In opset 8 everything has a batch axis, and sequences have lengths of their
// own.
func TestScan8(t *testing.T) {
	g := declares(typed(tensor.Float32, 1), typed(tensor.Float32, 1))
	x := f32([]float32{1, 2, 3, 10, 20, 30}, 2, 3, 1)
	for _, c := range []struct {
		lens tensor.Value
		back int64
		last []float32
		sums []float32
	}{
		{nil, 0, []float32{6, 60}, []float32{1, 3, 6, 10, 30, 60}},
		{i64([]int64{1, 2}, 2), 0, []float32{1, 30}, []float32{1, 0, 0, 10, 30, 0}},
		{i64([]int64{3, 2}, 2), 1, []float32{6, 30}, []float32{3, 5, 6, 20, 30, 0}},
	} {
		n := node("Scan", 3, 2, onnx.AttrGraph("body", g), onnx.AttrInt("num_scan_inputs", 1), onnx.AttrInts("directions", c.back))
		if c.lens == nil {
			n.Inputs[0] = ""
		}
		out, err := control(n, 8, map[*onnx.Graph]goBody{g: sums}, nil, c.lens, f32([]float32{0, 0}, 2, 1), x)
		require.NoError(t, err)
		require.Equal(t, c.last, tensor.Of[float32](out[0].(*tensor.Tensor)))
		require.Equal(t, "float(2, 3, 1)", out[1].(*tensor.Tensor).String())
		require.Equal(t, c.sums, tensor.Of[float32](out[1].(*tensor.Tensor)))
	}
}

func TestControlRefuses(t *testing.T) {
	g := declares(typed(tensor.Bool), typed(tensor.Float32))
	body := func(in, out int) map[*onnx.Graph]goBody { return map[*onnx.Graph]goBody{g: {in: in, out: out}} }
	for _, c := range []struct {
		n    *onnx.Node
		in   int
		out  int
		want string
	}{
		{node("Loop", 3, 1, onnx.AttrGraph("body", g)), 2, 2, `attribute "body": takes 2 inputs, expected 3`},
		{node("Loop", 3, 3, onnx.AttrGraph("body", g)), 3, 2, `attribute "body": has 2 outputs, expected at least 4`},
		{node("Loop", 3, 1), 3, 2, `attribute "body": is missing`},
		{node("Scan", 2, 2, onnx.AttrGraph("body", g)), 2, 2, `attribute "num_scan_inputs": is missing`},
		{node("Scan", 2, 2, onnx.AttrGraph("body", g), onnx.AttrInt("num_scan_inputs", 3)), 2, 2, `attribute "num_scan_inputs": is 3, expected 1 to 2`},
		{node("Scan", 2, 2, onnx.AttrGraph("body", g), onnx.AttrInt("num_scan_inputs", 1), onnx.AttrInts("scan_input_directions", 2)), 2, 2, `attribute "scan_input_directions": is 2 at 0, expected 0 or 1`},
		{node("SequenceMap", 1, 1, onnx.AttrGraph("body", g)), 1, 2, `attribute "body": has 2 outputs, expected 1`},
	} {
		_, err := control(c.n, 17, body(c.in, c.out), nil)
		require.EqualError(t, err, c.want)
	}
}
