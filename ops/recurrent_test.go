package ops

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

var recurrentCases = []recurrentCase{
	{T: 1, B: 1, I: 1, H: 1},
	{T: 5, B: 3, I: 4, H: 6, states: true},
	{T: 5, B: 3, I: 4, H: 6, noBias: true, direction: "reverse"},
	{T: 4, B: 2, I: 3, H: 5, direction: "bidirectional", states: true},
	{T: 4, B: 3, I: 3, H: 5, direction: "bidirectional", states: true, layout: 1},
	{T: 4, B: 3, I: 3, H: 5, layout: 1, states: true},
	{T: 6, B: 4, I: 2, H: 3, lens: []int64{6, 3, 1, 0}, states: true},
	{T: 6, B: 4, I: 2, H: 3, lens: []int64{2, 6, 5, 0}, direction: "reverse"},
	{T: 6, B: 4, I: 2, H: 3, lens: []int64{4, 2, 5, 1}, direction: "bidirectional", states: true},
	{T: 6, B: 4, I: 2, H: 3, lens: []int64{4, 2, 5, 1}, direction: "bidirectional", states: true, layout: 1},
	{T: 5, B: 2, I: 3, H: 4, clip: 0.7, states: true},
	{T: 3, B: 2, I: 0, H: 4, states: true},
	{T: 2, B: 33, I: 3, H: 17, direction: "bidirectional"},
}

func TestRecurrent(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var cases []recurrentCase
	for _, op := range []string{"RNN", "GRU", "LSTM"} {
		for _, c := range recurrentCases {
			c.op = op
			cases = append(cases, c)
			if op == "GRU" {
				c.resetLast = 1
				cases = append(cases, c)
			}
			if op == "LSTM" {
				c.peepholes = true
				cases = append(cases, c)
				c.forget = 1
				cases = append(cases, c)
			}
		}
	}
	for _, act := range []string{"Relu", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus"} {
		cases = append(cases, recurrentCase{op: "RNN", T: 3, B: 2, I: 2, H: 3, acts: []string{act}},
			recurrentCase{op: "LSTM", T: 3, B: 2, I: 2, H: 3, acts: []string{"Sigmoid", "Tanh", act}, clip: 2},
			recurrentCase{op: "GRU", T: 3, B: 2, I: 2, H: 3, acts: []string{"Sigmoid", act}, clip: 2, direction: "reverse"})
	}
	cases = append(cases,
		recurrentCase{op: "LSTM", T: 4, B: 2, I: 3, H: 3, direction: "bidirectional", peepholes: true, states: true, clip: 1.5,
			acts:  []string{"HardSigmoid", "Tanh", "LeakyRelu", "Sigmoid", "ScaledTanh", "Elu"},
			alpha: []float32{0.3, 0.125, 1.5, 0.75}, beta: []float32{0.4, 0.6}},
		recurrentCase{op: "GRU", T: 4, B: 2, I: 3, H: 3, acts: []string{"HardSigmoid", "Affine"}, alpha: []float32{0.25}, clip: 3})
	for _, c := range cases {
		for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32, tensor.Float16, tensor.BFloat16} {
			t.Run(fmt.Sprintf("%v/%+v", dt, c), func(t *testing.T) {
				in := c.inputs(r, dt)
				got, err := run(t, c.node(), 22, in...)
				require.NoError(t, err)
				y, yh, yc := c.naive(t, in)
				eps := map[tensor.DType]float64{tensor.Float64: 1e-12, tensor.Float32: 1e-5, tensor.Float16: 1e-3, tensor.BFloat16: 8e-3}[dt]
				for i, want := range [][]float64{y, yh, yc}[:len(got)] {
					require.Equal(t, dt, got[i].DType())
					requireNear(t, want, floatsOf(t, got[i]), eps)
				}
			})
		}
	}
}

func TestRecurrentAlphaByPosition(t *testing.T) {
	c := recurrentCase{op: "LSTM", T: 3, B: 2, I: 2, H: 3, acts: []string{"Sigmoid", "LeakyRelu", "Elu"}}
	in := c.inputs(rand.New(rand.NewPCG(1, 9)), tensor.Float32)
	c.alpha = []float32{0.25, 0.5}
	consumed, err := run(t, c.node(), 14, in...)
	require.NoError(t, err)
	c.alpha = []float32{0, 0.25, 0.5}
	byPosition, err := run(t, c.node(), 14, in...)
	require.NoError(t, err)
	require.Equal(t, consumed[0].Bytes(), byPosition[0].Bytes())
}

func TestRecurrentWeightsWithoutDirection(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	for _, op := range []string{"RNN", "GRU", "LSTM"} {
		c := recurrentCase{op: op, T: 3, B: 2, I: 2, H: 3, states: true, peepholes: op == "LSTM"}
		in := c.inputs(r, tensor.Float32)
		want, err := run(t, c.node(), 7, in...)
		require.NoError(t, err)
		for i, x := range in {
			if i != inX && x != nil {
				in[i], err = x.Reshaped(x.Shape()[1:]...)
				require.NoError(t, err)
			}
		}
		got, err := run(t, c.node(), 7, in...)
		require.NoError(t, err)
		for i := range want {
			require.Equal(t, want[i].Bytes(), got[i].Bytes())
		}
	}
}

func TestRecurrentStatesOfAnotherBatch(t *testing.T) {
	for _, layout := range []int{0, 1} {
		for _, direction := range []string{"forward", "bidirectional"} {
			c := recurrentCase{op: "LSTM", T: 3, B: 4, I: 2, H: 3, layout: layout, direction: direction}
			D := c.directions()
			in := c.inputs(rand.New(rand.NewPCG(3, 9)), tensor.Float32)
			absent, err := run(t, c.node(), 14, in...)
			require.NoError(t, err)
			shape := func(batch int) []int {
				if layout == 1 {
					return []int{batch, D, c.H}
				}
				return []int{D, batch, c.H}
			}
			for _, batch := range []int{1, 2} { // baked zeros
				in[inH0], in[inC0] = f32(make([]float32, D*batch*c.H), shape(batch)...), f32(make([]float32, D*batch*c.H), shape(batch)...)
				got, err := run(t, c.node(), 14, in...)
				require.NoError(t, err)
				require.Equal(t, absent[0].Bytes(), got[0].Bytes())
			}
			one := randomOf(rand.New(rand.NewPCG(4, 9)), tensor.Float32, shape(1)...)
			all := make([]float32, D*c.B*c.H)
			for b := range c.B {
				for d := range D {
					from, to := d*c.H, (d*c.B+b)*c.H
					if layout == 1 {
						to = (b*D + d) * c.H
					}
					copy(all[to:], tensor.Of[float32](one)[from:from+c.H])
				}
			}
			in[inH0], in[inC0] = f32(all, shape(c.B)...), f32(all, shape(c.B)...)
			want, err := run(t, c.node(), 14, in...)
			require.NoError(t, err)
			in[inH0], in[inC0] = one, one
			got, err := run(t, c.node(), 14, in...)
			require.NoError(t, err)
			for i := range want {
				require.Equal(t, want[i].Bytes(), got[i].Bytes())
			}
			in[inC0] = randomOf(rand.New(rand.NewPCG(5, 9)), tensor.Float32, shape(2)...)
			_, err = run(t, c.node(), 14, in...)
			require.EqualError(t, err, "input 6: has batch 2 and the data have 4; a state of another batch must be all zeros or have batch 1")
		}
	}
}

func TestRecurrentEmptyAndUnwanted(t *testing.T) {
	c := recurrentCase{op: "LSTM", T: 0, B: 2, I: 2, H: 3, states: true}
	in := c.inputs(rand.New(rand.NewPCG(6, 9)), tensor.Float32)
	y, err := run(t, c.node(), 14, in...)
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{0, 1, 2, 3}, y[0].Shape())
	require.Equal(t, in[inH0].Bytes(), y[1].Bytes(), "after no step the state is the initial one")
	require.Equal(t, in[inC0].Bytes(), y[2].Bytes())

	c = recurrentCase{op: "GRU", T: 2, B: 2, I: 2, H: 3}
	n := c.node()
	in = c.inputs(rand.New(rand.NewPCG(6, 9)), tensor.Float32)
	both, err := run(t, n, 14, in...)
	require.NoError(t, err)
	n = c.node()
	n.Outputs[0] = ""
	last, err := run(t, n, 14, in...)
	require.NoError(t, err)
	require.Nil(t, last[0])
	require.Equal(t, both[1].Bytes(), last[1].Bytes())
}

func TestRecurrentManyStepsOnAPool(t *testing.T) {
	for _, op := range []string{"LSTM", "GRU"} {
		for _, layout := range []int{0, 1} {
			c := recurrentCase{op: op, T: 130, B: 65, I: 3, H: 16, direction: "bidirectional", layout: layout, peepholes: op == "LSTM"}
			in := c.inputs(rand.New(rand.NewPCG(7, 9)), tensor.Float64)
			for _, x := range in { // small weights: rounding must not grow over the steps
				if x != nil {
					for i, v := range floatsOf(t, x) {
						tensor.Of[float64](x)[i] = v / 8
					}
				}
			}
			y, yh, _ := c.naive(t, in)
			k, _, err := Standard().Bind(c.node(), 14, nil)
			require.NoError(t, err)
			values := make([]tensor.Value, len(in))
			for i, x := range in {
				if x != nil {
					values[i] = x
				}
			}
			var kept any
			for range 2 {
				ctx := testCtx(c.node(), values)
				ctx.Workers, ctx.Kept = kernel.NewPool(3), &kept
				require.NoError(t, k.Run(ctx))
				requireNear(t, y, floatsOf(t, ctx.Outputs[0].(*tensor.Tensor)), 1e-9)
				requireNear(t, yh, floatsOf(t, ctx.Outputs[1].(*tensor.Tensor)), 1e-9)
			}
		}
	}
}

func TestRecurrentRefuses(t *testing.T) {
	base := recurrentCase{op: "LSTM", T: 3, B: 2, I: 4, H: 5, states: true, peepholes: true}
	r := rand.New(rand.NewPCG(8, 9))
	x := func(shape ...int) *tensor.Tensor { return randomOf(r, tensor.Float32, shape...) }
	for _, c := range []struct {
		input int
		with  *tensor.Tensor
		want  string
	}{
		{inX, x(3, 2), "input 0: has rank 2, expected 3"},
		{inX, randomOf(r, tensor.Int32, 3, 2, 4), "input 0: has type int32, expected float, float16, double"},
		{inX, randomOf(r, tensor.BFloat16, 3, 2, 4), "input 0: has type bfloat16, expected float, float16, double"},
		{inW, x(1, 20, 3), "input 1: has shape (1, 20, 3), expected (1, 20, 4)"},
		{inW, x(2, 20, 4), "input 1: has shape (2, 20, 4), expected (1, 20, 4)"},
		{inW, randomOf(r, tensor.Float64, 1, 20, 4), "input 1: has type double, expected float like input 0"},
		{inR, x(1, 20, 4), "input 2: has shape (1, 20, 4), expected (1, 20, 5)"},
		{inR, x(20), "input 2: has shape (20), expected (1, 20, 5)"},
		{inB, x(1, 20), "input 3: has shape (1, 20), expected (1, 40)"},
		{inLens, i64([]int64{1, 2, 3}, 3), "input 4: has shape (3), expected (2)"},
		{inLens, i64([]int64{1, 4}, 2), "input 4: sequence 1 has length 4, expected 0 to 3"},
		{inLens, i64([]int64{-1, 1}, 2), "input 4: sequence 0 has length -1, expected 0 to 3"},
		{inLens, x(2), "input 4: has type float, expected int32, int64"},
		{inH0, x(2, 2, 5), "input 5: has shape (2, 2, 5), expected (1, -1, 5)"},
		{inH0, x(1, 3, 5), "input 5: has batch 3 and the data have 2; a state of another batch must be all zeros or have batch 1"},
		{inP, x(1, 10), "input 7: has shape (1, 10), expected (1, 15)"},
	} {
		in := base.inputs(r, tensor.Float32)
		in[c.input] = c.with
		_, err := run(t, base.node(), 14, in...)
		require.EqualError(t, err, c.want)
	}
	for _, c := range []struct {
		op    string
		opset int64
		attr  *onnx.Attribute
		want  string
	}{
		{"LSTM", 14, onnx.AttrString("direction", "sideways"), `attribute "direction": is "sideways", expected one of forward, reverse, bidirectional`},
		{"LSTM", 14, onnx.AttrInt("hidden_size", -3), `attribute "hidden_size": is -3, expected a positive number`},
		{"LSTM", 14, onnx.AttrFloat("clip", -1), `attribute "clip": is -1, expected a threshold above 0`},
		{"LSTM", 14, onnx.AttrInt("layout", 2), `attribute "layout": is 2, expected 0 or 1`},
		{"LSTM", 7, onnx.AttrInt("layout", 1), `attribute "layout": unsupported`},
		{"LSTM", 14, onnx.AttrInt("linear_before_reset", 1), `attribute "linear_before_reset": unsupported`},
		{"GRU", 1, onnx.AttrInt("linear_before_reset", 1), `attribute "linear_before_reset": unsupported`},
		{"LSTM", 14, onnx.AttrStrings("activations", "Tanh"), `attribute "activations": has 1 names, expected 3`},
		{"RNN", 14, onnx.AttrStrings("activations", "Swish"), `attribute "activations": has "Swish", which is no activation of a recurrent operator`},
		{"RNN", 7, onnx.AttrInt("output_sequence", 1), `attribute "output_sequence": unsupported`},
	} {
		_, _, err := Standard().Bind(node(c.op, 3, 1, c.attr), c.opset, nil)
		require.EqualError(t, err, c.want)
	}
}
