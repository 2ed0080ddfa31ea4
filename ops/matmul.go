package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// matmulOps are the matrix products.
func matmulOps() []Op {
	return []Op{
		{Name: "MatMul", Versions: []Version{
			{Since: 1, MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newMatMul(floats)},
			{Since: 9, MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newMatMul(floats | wideInts)},
			{Since: 13, MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newMatMul(floatsBF | wideInts)},
		}},
		{Name: "Gemm", Versions: []Version{
			{Since: 1, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newGemmOld},
			{Since: 6, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newGemmOld},
			{Since: 7, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newGemm(floats)},
			{Since: 9, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newGemm(floats | wideInts)},
			{Since: 11, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newGemm(floats | wideInts)},
			{Since: 13, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newGemm(floatsBF | wideInts)},
		}},
	}
}

// matmul is numpy's matmul: matrices in the last two dimensions, the others
// broadcast; a vector is a row on the left and a column on the right.
type matmul struct {
	types   dtypes
	weights kernel.WeightType
	packed  *kernel.PackedB // input 1, if that is one constant matrix
	b       tensor.Shape    // its shape
	bType   tensor.DType
}

func newMatMul(types dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &matmul{types: types}, nil }
}

func (k *matmul) WithWeights(t kernel.WeightType) Prepacker {
	w := *k
	w.weights = t
	return &w
}

// Prepack packs a right-hand side that is one matrix.
func (k *matmul) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	b := consts[1]
	if b == nil || b.Rank() < 2 || b.Len() == 0 || b.Len() != b.Dim(b.Rank()-2)*b.Dim(b.Rank()-1) {
		return nil, nil, nil
	}
	w, err := packMatrix(memory, k.weights, b, false, b.Dim(b.Rank()-2), b.Dim(b.Rank()-1), 1)
	if err != nil || w == nil {
		return nil, nil, err
	}
	return &matmul{types: k.types, packed: w, b: b.Shape(), bType: b.DType()}, []int{1}, nil
}

// packMatrix packs alpha times the (k, n) matrix b, given as (n, k) if trans,
// as weights of type t.
// It is nil for types that are not computed in float32.
func packMatrix(memory Allocator, t kernel.WeightType, b *tensor.Tensor, trans bool, k, n int, alpha float32) (*kernel.PackedB, error) {
	switch b.DType() {
	case tensor.Float32, tensor.Float16, tensor.BFloat16:
	default:
		return nil, nil
	}
	room := kernel.RoomForB(t, k, n)
	if b.DType() != tensor.Float32 {
		room.Passing += 4 * b.Len()
	}
	if alpha != 1 {
		room.Passing += 4 * b.Len()
	}
	if err := reserveRoom(memory, room); err != nil {
		return nil, err
	}
	defer memory.Release(room.Passing)
	data, err := float32s(b)
	if err != nil {
		return nil, err
	}
	if alpha != 1 {
		scaled := make([]float32, len(data))
		kernel.MulScalar(scaled, data, alpha)
		data = scaled
	}
	ld := n
	if trans {
		ld = k
	}
	return kernel.PackBAs(t, trans, k, n, data, ld), nil
}

// reserveRoom reserves all of a room; what passes is to be released.
func reserveRoom(memory Allocator, r kernel.Room) error {
	if r.Kept > math.MaxInt-r.Passing {
		r.Kept = math.MaxInt - r.Passing
	}
	return memory.Reserve(r.Kept + r.Passing)
}

// matmulShape is the shape of the product of a and b, written to dst, which has
// room for MaxRank extents. Extents may be Unknown.
func matmulShape(dst, a, b []int) ([]int, error) {
	for i, s := range [2][]int{a, b} {
		if len(s) == 0 {
			return nil, fmt.Errorf("input %d: has rank 0, expected at least 1", i)
		}
	}
	ka, kb := a[len(a)-1], b[max(len(b)-2, 0)]
	if ka != kb && ka >= 0 && kb >= 0 {
		return nil, fmt.Errorf("shapes %v and %v have no matrix product", tensor.Shape(slices.Clone(a)), tensor.Shape(slices.Clone(b)))
	}
	shape, err := broadcastDims(dst, a[:max(len(a)-2, 0)], b[:max(len(b)-2, 0)])
	if err != nil {
		return nil, err
	}
	if len(a) > 1 {
		shape = append(shape, a[len(a)-2])
	}
	if len(b) > 1 {
		shape = append(shape, b[len(b)-1])
	}
	return shape, nil
}

func (k *matmul) check(a, b tensor.DType) error {
	if err := k.types.check(0, a); err != nil {
		return err
	}
	return sameType(1, b, a)
}

func (k *matmul) Infer(c *Infer) error {
	a, b := c.In(0), c.In(1)
	if k.packed != nil {
		b = Shaped(k.bType, k.b...)
	}
	if err := k.check(a.DType, b.DType); err != nil {
		return err
	}
	dt := a.DType
	if dt == tensor.Undefined {
		dt = b.DType
	}
	return inferProduct(c, dt, a, b)
}

// inferProduct states output 0 as the matrix product of a and b.
func inferProduct(c *Infer, dt tensor.DType, a, b Fact) error {
	c.Set(0, Unranked(dt))
	if !a.Ranked || !b.Ranked {
		return nil
	}
	shape, err := matmulShape(nil, a.Shape, b.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(dt, shape...))
	return nil
}

func (k *matmul) Run(c *Ctx) error {
	if k.packed != nil {
		return k.runPacked(c)
	}
	a, b := c.In(0), c.In(1)
	if err := k.check(a.DType(), b.DType()); err != nil {
		return err
	}
	var dims [tensor.MaxRank + 2]int
	shape, err := matmulShape(dims[:0], a.Shape(), b.Shape())
	if err != nil {
		return err
	}
	switch a.DType() {
	case tensor.Int32:
		return matmulOf[int32](c, a, b, shape)
	case tensor.Int64:
		return matmulOf[int64](c, a, b, shape)
	case tensor.Uint32:
		return matmulOf[uint32](c, a, b, shape)
	case tensor.Uint64:
		return matmulOf[uint64](c, a, b, shape)
	case tensor.Float64:
		return matmulOf[float64](c, a, b, shape)
	case tensor.Float32:
		return matmulOf[float32](c, a, b, shape)
	}
	x, err := reals[float32](c, a)
	if err != nil {
		return err
	}
	w, err := reals[float32](c, b)
	if err != nil {
		return err
	}
	y, err := outReal[float32](c, 0, a.DType(), shape...)
	if err != nil {
		return err
	}
	if err := multiply(c, x, w, y.data, a.Shape(), b.Shape()); err != nil {
		return err
	}
	y.done()
	return nil
}

func matmulOf[T number](c *Ctx, a, b *tensor.Tensor, shape []int) error {
	y, err := c.Out(0, a.DType(), shape...)
	if err != nil {
		return err
	}
	return multiply(c, tensor.Of[T](a), tensor.Of[T](b), tensor.Of[T](y), a.Shape(), b.Shape())
}

func (k *matmul) runPacked(c *Ctx) error {
	a := c.In(0)
	if err := k.check(a.DType(), k.bType); err != nil {
		return err
	}
	var dims [tensor.MaxRank + 2]int
	shape, err := matmulShape(dims[:0], a.Shape(), k.b)
	if err != nil {
		return err
	}
	x, err := reals[float32](c, a)
	if err != nil {
		return err
	}
	y, err := outReal[float32](c, 0, a.DType(), shape...)
	if err != nil {
		return err
	}
	inner, n := k.packed.Size()
	if err := packedRows(c, len(x)/inner, x, inner, k.packed, y.data, n, kernel.Epilogue{}); err != nil {
		return err
	}
	y.done()
	return nil
}

// packedRows is kernel.GemmPacked in pieces that take a fraction of a second, for
// weights that don't round all rows by one range.
func packedRows(c *Ctx, m int, x []float32, inner int, w *kernel.PackedB, y []float32, n int, e kernel.Epilogue) error {
	rows := rowsAtOnce[float32](m, n, inner)
	if err := c.Memory.Reserve(kernel.RoomToMultiplyPacked(min(rows, m), w)); err != nil {
		return err
	}
	for i := 0; i < m; i += rows {
		if err := c.Err(); err != nil {
			return err
		}
		kernel.GemmPacked(c.Pool(), min(rows, m-i), x[i*inner:], inner, w, y[i*n:], n, e)
	}
	return nil
}
