package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// gemmOp is y = alpha*op(a)*op(b) + beta*c for matrices, c broadcast to y.
type gemmOp struct {
	types          dtypes
	transA, transB bool
	alpha, beta    float32
	exactC         bool // before opset 7 without broadcast=1: c has y's shape

	weights kernel.WeightType
	packed  *kernel.PackedB // alpha times input 1, if that is constant
	bType   tensor.DType
	bias    []float32 // beta times input 2, if that is a constant row
}

func newGemm(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &gemmOp{types: types, transA: a.Bool("transA", false), transB: a.Bool("transB", false),
			alpha: a.Float("alpha", 1), beta: a.Float("beta", 1)}, nil
	}
}

func newGemmOld(a *Attrs) (Kernel, error) {
	k := &gemmOp{types: floats, transA: a.Int("transA", 0) != 0, transB: a.Int("transB", 0) != 0,
		alpha: a.Float("alpha", 1), beta: a.Float("beta", 1)}
	k.exactC = a.Int("broadcast", 0) == 0
	return k, nil
}

func (k *gemmOp) WithWeights(t kernel.WeightType) Prepacker {
	w := *k
	w.weights = t
	return &w
}

// Prepack packs a constant b, with alpha, and a constant row c, with beta.
func (k *gemmOp) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	b := consts[1]
	if b == nil || b.Rank() != 2 || b.Len() == 0 {
		return nil, nil, nil
	}
	inner, n := b.Dim(0), b.Dim(1)
	if k.transB {
		inner, n = n, inner
	}
	w, err := packMatrix(memory, k.weights, b, k.transB, inner, n, k.alpha)
	if err != nil || w == nil {
		return nil, nil, err
	}
	p, drop := *k, []int{1}
	p.packed, p.bType = w, b.DType()
	if len(consts) > 2 && consts[2] != nil && !k.exactC && consts[2].DType() == b.DType() {
		if p.bias, err = k.row(consts[2], n); err != nil {
			return nil, nil, err
		}
		if p.bias != nil {
			drop = append(drop, 2)
		}
	}
	return &p, drop, nil
}

// row is beta times c as a row of n, nil if c has several rows or doesn't fit.
func (k *gemmOp) row(c *tensor.Tensor, n int) ([]float32, error) {
	s := c.Shape()
	if len(s) > 2 || len(s) == 2 && s[0] != 1 || c.Len() != 1 && c.Len() != n {
		return nil, nil
	}
	data, err := float32s(c)
	if err != nil {
		return nil, err
	}
	row := make([]float32, n)
	kernel.Spread(row, data, 1, n, 0, min(c.Len()-1, 1))
	if k.beta == 0 {
		clear(row)
	}
	kernel.MulScalar(row, row, k.beta)
	return row, nil
}

// sizes are m, n and k of the product of a and b, which may have unknown extents.
func (k *gemmOp) sizes(a, b []int) (m, n, inner int, err error) {
	if err := checkRank(0, len(a), 2); err != nil {
		return 0, 0, 0, err
	}
	m, inner = a[0], a[1]
	if k.transA {
		m, inner = inner, m
	}
	var kb int
	if k.packed != nil {
		kb, n = k.packed.Size()
	} else {
		if err := checkRank(1, len(b), 2); err != nil {
			return 0, 0, 0, err
		}
		kb, n = b[0], b[1]
		if k.transB {
			kb, n = n, kb
		}
	}
	if inner >= 0 && kb >= 0 && inner != kb {
		return 0, 0, 0, fmt.Errorf("the product of (%d, %d) and (%d, %d) needs equal inner extents", m, inner, kb, n)
	}
	return m, n, max(inner, kb), nil
}

// checkC refuses a c that doesn't broadcast to (m, n).
func (k *gemmOp) checkC(c []int, m, n int) error {
	ok := len(c) <= 2
	if k.exactC {
		ok = len(c) == 2
	}
	for i, want := range [2]int{m, n} {
		if j := i - (2 - len(c)); ok && j >= 0 {
			ok = c[j] == want || c[j] < 0 || want < 0 || c[j] == 1 && !k.exactC
		}
	}
	if ok {
		return nil
	}
	return fmt.Errorf("input 2: shape %v does not broadcast to (%d, %d)", tensor.Shape(slices.Clone(c)), m, n)
}

func (k *gemmOp) check(a, b, c tensor.DType) error {
	if err := k.types.check(0, a); err != nil {
		return err
	}
	if err := sameType(1, b, a); err != nil {
		return err
	}
	return sameType(2, c, a)
}

func (k *gemmOp) Infer(c *Infer) error {
	a, b, add := c.In(0), c.In(1), c.In(2)
	if k.packed != nil {
		b = Unranked(k.bType)
	}
	if err := k.check(a.DType, b.DType, add.DType); err != nil {
		return err
	}
	if !a.Ranked || !b.Ranked && k.packed == nil {
		c.Set(0, Shaped(a.DType, Unknown, Unknown))
		return nil
	}
	m, n, _, err := k.sizes(a.Shape, b.Shape)
	if err != nil {
		return err
	}
	if add.Ranked && k.bias == nil {
		if err := k.checkC(add.Shape, m, n); err != nil {
			return err
		}
	}
	c.Set(0, Shaped(a.DType, m, n))
	return nil
}

func (k *gemmOp) Run(c *Ctx) error {
	switch dt := c.In(0).DType(); dt {
	case tensor.Int32:
		return gemmInt[int32](c, k)
	case tensor.Int64:
		return gemmInt[int64](c, k)
	case tensor.Uint32:
		return gemmInt[uint32](c, k)
	case tensor.Uint64:
		return gemmInt[uint64](c, k)
	case tensor.Float64:
		return gemmReal[float64](c, k)
	default:
		return gemmReal[float32](c, k)
	}
}

// prepare checks the inputs and returns the sizes; b is nil when packed.
func (k *gemmOp) prepare(c *Ctx) (a, b, add *tensor.Tensor, m, n, inner int, err error) {
	a = c.In(0)
	bType, bShape := k.bType, tensor.Shape(nil)
	if k.packed == nil {
		b = c.In(1)
		bType, bShape = b.DType(), b.Shape()
	}
	addType := tensor.Undefined
	if k.bias == nil {
		if add = c.In(2); add != nil {
			addType = add.DType()
		}
	}
	if err = k.check(a.DType(), bType, addType); err != nil {
		return
	}
	if m, n, inner, err = k.sizes(a.Shape(), bShape); err != nil {
		return
	}
	if add != nil {
		err = k.checkC(add.Shape(), m, n)
	}
	return
}

func gemmReal[T floating](c *Ctx, k *gemmOp) error {
	a, b, add, m, n, inner, err := k.prepare(c)
	if err != nil {
		return err
	}
	y, err := outReal[T](c, 0, a.DType(), m, n)
	if err != nil {
		return err
	}
	x, err := reals[T](c, a)
	if err != nil {
		return err
	}
	beta := T(0)
	if add != nil && k.beta != 0 {
		beta = T(k.beta)
		from, err := reals[T](c, add)
		if err != nil {
			return err
		}
		spreadC(y.data, from, add.Shape(), m, n)
	}
	if k.packed != nil {
		if err := k.runPacked(c, any(x).([]float32), any(y.data).([]float32), m, inner, float32(beta)); err != nil {
			return err
		}
	} else {
		w, err := reals[T](c, b)
		if err != nil {
			return err
		}
		lda, ldb := max(a.Dim(1), 1), max(b.Dim(1), 1)
		if err := gemmRows(c, k.transA, k.transB, m, n, inner, T(k.alpha), x, lda, w, ldb, beta, y.data, n); err != nil {
			return err
		}
	}
	y.done()
	return nil
}

func (k *gemmOp) runPacked(c *Ctx, x, y []float32, m, inner int, beta float32) error {
	if k.transA {
		t, err := c.F32(len(x))
		if err != nil {
			return err
		}
		kernel.Transpose2D(t, x, inner, m)
		x = t
	}
	_, n := k.packed.Size()
	return packedRows(c, m, x, inner, k.packed, y, n, kernel.Epilogue{Beta: beta, Bias: k.bias})
}

// spreadC fills y (m, n) with c, broadcast.
func spreadC[T any](y, c []T, shape []int, m, n int) {
	rowStep, colStep := 0, 0
	if r := len(shape); r > 0 && shape[r-1] != 1 {
		colStep = 1
	}
	if len(shape) == 2 && shape[0] != 1 {
		rowStep = shape[1]
	}
	kernel.Spread(y, c, m, n, rowStep, colStep)
}

// gemmInt is Gemm of integers. Where alpha and beta are integers too it wraps
// around as they do, else it rounds toward zero from float64.
func gemmInt[T int32 | int64 | uint32 | uint64](c *Ctx, k *gemmOp) error {
	a, b, add, m, n, inner, err := k.prepare(c)
	if err != nil {
		return err
	}
	out, err := c.Out(0, a.DType(), m, n)
	if err != nil {
		return err
	}
	y := tensor.Of[T](out)
	if add != nil {
		spreadC(y, tensor.Of[T](add), add.Shape(), m, n)
	} else {
		clear(y)
	}
	lda, ldb := max(a.Dim(1), 1), max(b.Dim(1), 1)
	if whole(k.alpha) && whole(k.beta) {
		return gemmRows(c, k.transA, k.transB, m, n, inner, T(int64(k.alpha)), tensor.Of[T](a), lda, tensor.Of[T](b), ldb, T(int64(k.beta)), y, n)
	}
	if err := c.Memory.Reserve(out.Len() * out.DType().Size()); err != nil {
		return err
	}
	p := make([]T, len(y))
	if err := gemmRows(c, k.transA, k.transB, m, n, inner, 1, tensor.Of[T](a), lda, tensor.Of[T](b), ldb, 0, p, n); err != nil {
		return err
	}
	kernel.Blend(y, float64(k.alpha), p, float64(k.beta), y)
	return nil
}

func whole(v float32) bool {
	return float64(v) == math.Trunc(float64(v)) && math.Abs(float64(v)) < 1<<62
}
