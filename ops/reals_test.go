package ops

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/tensor"
)

// randomOf makes a tensor of small random values that every type holds exactly
// (multiples of 1/8 below 4; whole numbers for integers).
func randomOf(r *rand.Rand, dt tensor.DType, shape ...int) *tensor.Tensor {
	n := tensor.Shape(shape).Len()
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(r.IntN(63)-31) / 8
	}
	return tensorOf(dt, v, shape...)
}

// tensorOf makes a tensor of type dt from float64s.
func tensorOf(dt tensor.DType, v []float64, shape ...int) *tensor.Tensor {
	t, err := tensor.Zeros(dt, shape...)
	if err != nil {
		panic(err)
	}
	switch dt {
	case tensor.Float64:
		copy(tensor.Of[float64](t), v)
	case tensor.Int32:
		fillInts[int32](t, v)
	case tensor.Int64:
		fillInts[int64](t, v)
	case tensor.Uint32:
		fillInts[uint32](t, v)
	case tensor.Uint64:
		fillInts[uint64](t, v)
	case tensor.Int8:
		fillInts[int8](t, v)
	case tensor.Uint8:
		fillInts[uint8](t, v)
	case tensor.Int16:
		fillInts[int16](t, v)
	case tensor.Uint16:
		fillInts[uint16](t, v)
	default:
		round(t, v)
	}
	return t
}

func fillInts[T number](t *tensor.Tensor, v []float64) {
	for i, x := range v {
		tensor.Of[T](t)[i] = T(int64(x))
	}
}

// floatsOf is t's elements as float64s.
func floatsOf(t testing.TB, x *tensor.Tensor) []float64 {
	t.Helper()
	switch x.DType() {
	case tensor.Int32:
		return fromInts[int32](x)
	case tensor.Int64:
		return fromInts[int64](x)
	case tensor.Uint32:
		return fromInts[uint32](x)
	case tensor.Uint64:
		return fromInts[uint64](x)
	case tensor.Int8:
		return fromInts[int8](x)
	case tensor.Uint8:
		return fromInts[uint8](x)
	}
	v, err := realCopy[float64](x)
	require.NoError(t, err)
	return v
}

func fromInts[T number](t *tensor.Tensor) []float64 {
	out := make([]float64, t.Len())
	for i, v := range tensor.Of[T](t) {
		out[i] = float64(v)
	}
	return out
}

// precision is what one rounding of a result of type dt may cost, relative to
// the largest element.
func precision(dt tensor.DType) float64 {
	switch dt {
	case tensor.Float64:
		return 1e-14
	case tensor.Float32:
		return 2e-6
	case tensor.Float16:
		return 1e-3
	case tensor.BFloat16:
		return 8e-3
	}
	return 0
}
