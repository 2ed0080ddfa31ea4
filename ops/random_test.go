package ops

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// With a seed the numbers are those of numpy.random.RandomState(seed).
func TestSeedsMeanWhatTheyMeanInNumpy(t *testing.T) {
	shape := onnx.AttrInts("shape", 4)
	runCases(t, "", []opCase{
		{op: "RandomUniform", opset: 22, attrs: attrs(shape, onnx.AttrFloat("seed", 42)), want: tensors{vec[float32](0.37454012, 0.95071431, 0.73199394, 0.59865848)}},
		{op: "RandomUniform", opset: 22, name: "range and type", attrs: attrs(shape, onnx.AttrFloat("seed", 42), onnx.AttrFloat("low", -1), onnx.AttrFloat("high", 3), onnx.AttrInt("dtype", int64(tensor.Float64))),
			want: tensors{vec(4*0.3745401188473625-1, 4*0.9507143064099162-1, 4*0.7319939418114051-1, 4*0.5986584841970366-1)}},
		{op: "RandomNormal", opset: 22, attrs: attrs(shape, onnx.AttrFloat("seed", 7)), want: tensors{vec[float32](1.6905257, -0.46593737, 0.03282016, 0.40751628)}},
		{op: "RandomNormalLike", opset: 22, attrs: attrs(onnx.AttrFloat("seed", 7), onnx.AttrFloat("mean", 10), onnx.AttrFloat("scale", 2)), in: tensors{vec[float64](0, 0)}, want: tensors{vec(13.3810514, 9.06812526)}},
		{op: "RandomNormalLike", opset: 1, name: "of integers", in: tensors{vec[int64](0)}, err: `input 0: has type int64, expected float, float16, double`},
		{op: "RandomUniform", opset: 1, name: "no shape", err: `attribute "shape": is missing`},
		{op: "RandomUniform", opset: 1, name: "negative", attrs: attrs(onnx.AttrInts("shape", -4)), err: `attribute "shape": has extent -4, expected at least 0`},
		{op: "RandomUniform", opset: 1, name: "integers", attrs: attrs(shape, onnx.AttrInt("dtype", 7)), err: `attribute "dtype": is int64, expected float, float16, double`},
		{op: "Bernoulli", opset: 15, name: "certain", in: tensors{vec[float32](0, 1, 0, 1)}, want: tensors{vec[float32](0, 1, 0, 1)}},
		{op: "Bernoulli", opset: 15, name: "to bool", attrs: attrs(onnx.AttrInt("dtype", int64(tensor.Bool))), in: tensors{vec[float64](0, 1)}, want: tensors{vec(false, true)}},
		{op: "Multinomial", opset: 7, name: "certain", attrs: attrs(onnx.AttrInt("sample_size", 3)), in: tensors{mat(2, -inf32, 0, 5, -inf32)}, want: tensors{mat(2, int32(1), 1, 1, 0, 0, 0)}},
		{op: "Multinomial", opset: 7, name: "vector", in: tensors{vec[float32](1)}, err: `input 0: has rank 1, expected 2`},
	})
}

// Without a seed the run's seed decides: the same gives the same bits, another
// others.
func TestRunSeed(t *testing.T) {
	draw := func(seed uint64) []float32 {
		n := node("RandomUniform", 0, 1, onnx.AttrInts("shape", 100))
		k, v, err := Standard().Bind(n, 22, nil)
		require.NoError(t, err)
		require.True(t, v.Random)
		c := testCtx(n, nil)
		c.Seed = seed
		require.NoError(t, k.Run(c))
		return tensor.Of[float32](c.Outputs[0].(*tensor.Tensor))
	}
	require.Equal(t, draw(1), draw(1))
	require.NotEqual(t, draw(1), draw(2))
	require.NotEqual(t, draw(1), draw(1<<32))
}

func TestDistributions(t *testing.T) {
	const n = 40000
	moments := func(op string, in *tensor.Tensor, a ...*onnx.Attribute) (mean, variance float64) {
		inputs := tensors{}
		if in != nil {
			inputs = append(inputs, in)
		}
		out, err := run(t, node(op, len(inputs), 1, append(a, onnx.AttrFloat("seed", 3))...), 15, inputs...)
		require.NoError(t, err)
		x := floatsOf(t, out[0])
		for _, v := range x {
			mean += v / float64(len(x))
		}
		for _, v := range x {
			variance += (v - mean) * (v - mean) / float64(len(x))
		}
		return mean, variance
	}
	shape := onnx.AttrInts("shape", n)
	mean, variance := moments("RandomNormal", nil, shape, onnx.AttrFloat("mean", 1), onnx.AttrFloat("scale", 2))
	require.InDelta(t, 1, mean, 5*2/math.Sqrt(n))
	require.InDelta(t, 4, variance, 0.2)
	mean, variance = moments("RandomUniform", nil, shape)
	require.InDelta(t, 0.5, mean, 0.01)
	require.InDelta(t, 1.0/12, variance, 0.005)
	p := make([]float32, n)
	for i := range p {
		p[i] = 0.3
	}
	mean, _ = moments("Bernoulli", vec(p...))
	require.InDelta(t, 0.3, mean, 0.015)
	mean, _ = moments("Multinomial", mat(1, 0, float32(math.Log(3))), onnx.AttrInt("sample_size", n))
	require.InDelta(t, 0.75, mean, 0.015)
}

func TestDropout(t *testing.T) {
	x := make([]float32, 10000)
	for i := range x {
		x[i] = 1
	}
	train := tensor.Scalar(true)
	out, err := run(t, node("Dropout", 3, 2, onnx.AttrInt("seed", 5)), 13, vec(x...), tensor.Scalar[float32](0.2), train)
	require.NoError(t, err)
	kept := 0
	for i, keep := range tensor.Of[bool](out[1]) {
		if keep {
			kept++
			require.Equal(t, float32(1.25), tensor.Of[float32](out[0])[i])
		} else {
			require.Zero(t, tensor.Of[float32](out[0])[i])
		}
	}
	require.InDelta(t, 8000, kept, 200)
	y := vec[float32](3, 4)
	runCases(t, "", []opCase{
		{op: "Dropout", opset: 13, name: "inference", in: tensors{y, tensor.Scalar[float32](0.9)}, want: tensors{y, vec(true, true)}},
		{op: "Dropout", opset: 13, name: "ratio 0", in: tensors{y, tensor.Scalar[float32](0), train}, want: tensors{y, vec(true, true)}},
		{op: "Dropout", opset: 13, name: "ratio 1", in: tensors{y, tensor.Scalar[float32](1), train}, want: tensors{y}, err: `ratio is 1, expected 0 to below 1`},
		{op: "Dropout", opset: 10, name: "bool mask", attrs: attrs(onnx.AttrFloat("ratio", 0.9)), in: tensors{y}, want: tensors{y, vec(true, true)}},
		{op: "Dropout", opset: 7, name: "mask of its own type", in: tensors{half(3)}, want: tensors{half(3), half(1)}},
		{op: "Dropout", opset: 6, name: "test", attrs: attrs(onnx.AttrInt("is_test", 1)), in: tensors{y}, want: tensors{y}},
		{op: "Dropout", opset: 13, name: "ratio attribute", attrs: attrs(onnx.AttrFloat("ratio", 0.9)), in: tensors{y}, err: `attribute "ratio": unsupported`},
	})
}
