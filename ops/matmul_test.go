package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// naiveMatMul is numpy.matmul's definition by index in float64: element
// (batch, i, j) is the sum over l of a(batch, i, l) * b(batch, l, j), each
// operand's batch index taken modulo its extent.
func naiveMatMul(a, b []float64, as, bs []int) (y []float64, shape []int) {
	row, col := len(as) == 1, len(bs) == 1
	if row {
		as = []int{1, as[0]}
	}
	if col {
		bs = []int{bs[0], 1}
	}
	rank := max(len(as), len(bs))
	pad := func(s []int) []int {
		for len(s) < rank {
			s = append([]int{1}, s...)
		}
		return s
	}
	as, bs = pad(as), pad(bs)
	m, k, n := as[rank-2], as[rank-1], bs[rank-1]
	batches := 1
	for d := range rank - 2 {
		shape = append(shape, max(as[d], bs[d]))
		if as[d] == 0 || bs[d] == 0 {
			shape[d] = 0
		}
		batches *= shape[d]
	}
	for q := range batches {
		rest, aAt, bAt, aStep, bStep := q, 0, 0, 1, 1
		for d := rank - 3; d >= 0; d-- {
			at := rest % shape[d]
			rest /= shape[d]
			aAt += at % as[d] * aStep
			bAt += at % bs[d] * bStep
			aStep *= as[d]
			bStep *= bs[d]
		}
		for i := range m {
			for j := range n {
				var s float64
				for l := range k {
					s += a[(aAt*m+i)*k+l] * b[(bAt*k+l)*n+j]
				}
				y = append(y, s)
			}
		}
	}
	if !row {
		shape = append(shape, m)
	}
	if !col {
		shape = append(shape, n)
	}
	return y, shape
}

var gemmTypes = []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16,
	tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64}

func TestMatMul(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range []struct{ a, b []int }{
		{[]int{3, 4}, []int{4, 5}},
		{[]int{7}, []int{7}},
		{[]int{7}, []int{7, 2}},
		{[]int{2, 7}, []int{7}},
		{[]int{2, 3, 7}, []int{7}},
		{[]int{4}, []int{3, 4, 2}},
		{[]int{2, 3, 4}, []int{4, 5}},
		{[]int{3, 4}, []int{2, 4, 5}},
		{[]int{2, 3, 4}, []int{2, 4, 5}},
		{[]int{2, 1, 3, 4}, []int{5, 4, 2}},
		{[]int{1, 3, 4}, []int{6, 4, 2}},
		{[]int{2, 3, 2, 4}, []int{2, 1, 4, 3}},
		{[]int{2, 3}, []int{1, 1, 3, 2}},
		{[]int{0, 3}, []int{3, 2}},
		{[]int{2, 0}, []int{0, 3}},
		{[]int{2, 3}, []int{3, 0}},
		{[]int{0, 2, 3}, []int{1, 3, 2}},
		{[]int{1, 1}, []int{1, 1}},
		{[]int{33, 65}, []int{65, 70}},
	} {
		for _, dt := range gemmTypes {
			t.Run(fmt.Sprintf("%v%v%v", dt, tensor.Shape(s.a), tensor.Shape(s.b)), func(t *testing.T) {
				a, b := randomOf(r, dt, s.a...), randomOf(r, dt, s.b...)
				if dt.IsUnsigned() { // small enough that float64 holds the wrapped sums
					a, b = counting(r, dt, s.a), counting(r, dt, s.b)
				}
				want, shape := naiveMatMul(floatsOf(t, a), floatsOf(t, b), s.a, s.b)
				y, err := run(t, node("MatMul", 2, 1), 13, a, b)
				require.NoError(t, err)
				require.True(t, y[0].Shape().Equal(shape), "shape %v, want %v", y[0].Shape(), shape)
				require.Equal(t, dt, y[0].DType())
				requireNear(t, want, floatsOf(t, y[0]), precision(dt))
			})
		}
	}
}

func counting(r *rand.Rand, dt tensor.DType, shape []int) *tensor.Tensor {
	v := make([]float64, tensor.Shape(shape).Len())
	for i := range v {
		v[i] = float64(r.IntN(9))
	}
	return tensorOf(dt, v, shape...)
}

func TestMatMulKeepsNaNAndWraps(t *testing.T) {
	inf := float32(math.Inf(1))
	y, err := run(t, node("MatMul", 2, 1), 13, f32([]float32{0, 1}, 1, 2), f32([]float32{inf, 2}, 2, 1))
	require.NoError(t, err)
	require.True(t, math.IsNaN(float64(tensor.Of[float32](y[0])[0])), "0 x Inf is NaN")

	y, err = run(t, node("MatMul", 2, 1), 9, tensor.Must([]int32{math.MaxInt32, 1}, 1, 2), tensor.Must([]int32{2, 5}, 2, 1))
	require.NoError(t, err)
	require.Equal(t, []int32{3}, tensor.Of[int32](y[0]))
}

func TestMatMulManyBatchesOnAPool(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	a, b := randomOf(r, tensor.Float32, 5, 1, 30, 20), randomOf(r, tensor.Float32, 7, 20, 25)
	want, _ := naiveMatMul(floatsOf(t, a), floatsOf(t, b), a.Shape(), b.Shape())
	n := node("MatMul", 2, 1)
	k, _, err := Standard().Bind(n, 13, nil)
	require.NoError(t, err)
	c := testCtx(n, []tensor.Value{a, b})
	c.Workers = kernel.NewPool(3)
	require.NoError(t, k.Run(c))
	requireNear(t, want, floatsOf(t, c.Outputs[0].(*tensor.Tensor)), 2e-6)
}

func TestMatMulRefuses(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	for _, c := range []struct {
		opset int64
		a, b  *tensor.Tensor
		want  string
	}{
		{13, x(2, 3), x(4, 5), "shapes (2, 3) and (4, 5) have no matrix product"},
		{13, x(3), x(4), "shapes (3) and (4) have no matrix product"},
		{13, x(), x(4), "input 0: has rank 0, expected at least 1"},
		{13, x(4), x(), "input 1: has rank 0, expected at least 1"},
		{13, x(2, 2, 3), x(3, 3, 2), "shapes (2) and (3) do not broadcast"},
		{13, x(2, 3), tensor.Must(make([]float64, 6), 3, 2), "input 1: has type double, expected float like input 0"},
		{13, tensor.Must([]string{"a"}, 1), x(1), "input 0: has type string, expected float, int32, int64, float16, double, uint32, uint64, bfloat16"},
		{9, tensor.Must([]int8{1}, 1), x(1), "input 0: has type int8, expected float, int32, int64, float16, double, uint32, uint64"},
		{8, tensor.Must([]int32{1}, 1), x(1), "input 0: has type int32, expected float, float16, double"},
	} {
		_, err := run(t, node("MatMul", 2, 1), c.opset, c.a, c.b)
		require.EqualError(t, err, c.want)
	}
}

func naiveGemm(a, b, add []float64, as, bs, cs []int, transA, transB bool, alpha, beta float64) (y []float64, m, n int) {
	m, k, n := as[0], as[1], bs[1]
	if transA {
		m, k = k, m
	}
	if transB {
		n = bs[0]
	}
	for len(cs) < 2 {
		cs = append([]int{1}, cs...)
	}
	for i := range m {
		for j := range n {
			var s float64
			for l := range k {
				u, v := i*k+l, l*n+j
				if transA {
					u = l*m + i
				}
				if transB {
					v = j*k + l
				}
				s += a[u] * b[v]
			}
			s *= alpha
			if add != nil {
				s += beta * add[i%cs[0]*cs[1]+j%cs[1]]
			}
			y = append(y, s)
		}
	}
	return y, m, n
}

func TestGemm(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, dt := range gemmTypes {
		for _, trans := range []int64{0, 1, 2, 3} {
			for i, cShape := range [][]int{nil, {}, {1}, {5}, {1, 5}, {3, 1}, {3, 5}, {1, 1}} {
				as, bs := []int{3, 4}, []int{4, 5}
				if trans&1 != 0 {
					as = []int{4, 3}
				}
				if trans&2 != 0 {
					bs = []int{5, 4}
				}
				alpha, beta := 2.0, 3.0
				if !dt.IsInteger() {
					alpha, beta = 0.25, -1.5
				}
				a, b := counting(r, dt, as), counting(r, dt, bs)
				n, inputs := node("Gemm", 2, 1), []*tensor.Tensor{a, b}
				var add []float64
				if i > 0 {
					c := counting(r, dt, cShape)
					n, inputs = node("Gemm", 3, 1), append(inputs, c)
					add = floatsOf(t, c)
				}
				n.Attributes = []*onnx.Attribute{onnx.AttrInt("transA", trans&1), onnx.AttrInt("transB", trans>>1),
					onnx.AttrFloat("alpha", float32(alpha)), onnx.AttrFloat("beta", float32(beta))}
				y, err := run(t, n, 13, inputs...)
				require.NoError(t, err)
				want, m, cols := naiveGemm(floatsOf(t, a), floatsOf(t, b), add, as, bs, cShape, trans&1 != 0, trans&2 != 0, alpha, beta)
				require.True(t, y[0].Shape().Equal([]int{m, cols}))
				requireNear(t, want, floatsOf(t, y[0]), precision(dt))
			}
		}
	}
}

func TestGemmEdges(t *testing.T) {
	nan := float32(math.NaN())
	one := f32([]float32{1}, 1, 1)
	y, err := run(t, node("Gemm", 3, 1, onnx.AttrFloat("beta", 0)), 7, one, one, f32([]float32{nan}, 1, 1))
	require.NoError(t, err)
	require.Equal(t, []float32{1}, tensor.Of[float32](y[0]), "beta 0 leaves C out")

	y, err = run(t, node("Gemm", 3, 1), 13, f32(nil, 2, 0), f32(nil, 0, 2), f32([]float32{1, 2}, 2))
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 1, 2}, tensor.Of[float32](y[0]), "an empty sum is 0")

	y, err = run(t, node("Gemm", 3, 1, onnx.AttrFloat("alpha", 0.5), onnx.AttrFloat("beta", 1.5)), 9,
		tensor.Must([]int32{3}, 1, 1), tensor.Must([]int32{5}, 1, 1), tensor.Must([]int32{1}, 1))
	require.NoError(t, err)
	require.Equal(t, []int32{9}, tensor.Of[int32](y[0]), "7.5 + 1.5")
}

func TestGemmRefuses(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	for _, c := range []struct {
		opset   int64
		attrs   []*onnx.Attribute
		a, b, c *tensor.Tensor
		want    string
	}{
		{13, nil, x(2, 3), x(4, 5), x(5), "the product of (2, 3) and (4, 5) needs equal inner extents"},
		{13, nil, x(2, 3, 1), x(4, 5), x(5), "input 0: has rank 3, expected 2"},
		{13, nil, x(2, 3), x(3), x(5), "input 1: has rank 1, expected 2"},
		{13, nil, x(2, 3), x(3, 5), x(4), "input 2: shape (4) does not broadcast to (2, 5)"},
		{13, nil, x(2, 3), x(3, 5), x(1, 2, 5), "input 2: shape (1, 2, 5) does not broadcast to (2, 5)"},
		{6, nil, x(2, 3), x(3, 5), x(5), "input 2: shape (5) does not broadcast to (2, 5)"},
		{7, []*onnx.Attribute{onnx.AttrInt("broadcast", 1)}, x(2, 3), x(3, 5), x(5), `attribute "broadcast": unsupported`},
		{9, nil, x(2, 3), x(3, 5), nil, "has 2 inputs, expected 3"},
		{13, nil, x(2, 3), x(3, 5), tensor.Must([]float64{1}), "input 2: has type double, expected float like input 0"},
	} {
		_, err := run(t, node("Gemm", 3, 1, c.attrs...), c.opset, c.a, c.b, c.c)
		require.EqualError(t, err, c.want)
	}
	y, err := run(t, node("Gemm", 3, 1, onnx.AttrInt("broadcast", 1)), 6, f32([]float32{1}, 1, 1), f32([]float32{2}, 1, 1), f32([]float32{3}))
	require.NoError(t, err)
	require.Equal(t, []float32{5}, tensor.Of[float32](y[0]))
}
