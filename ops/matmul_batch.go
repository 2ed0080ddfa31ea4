package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// batched is a product of batches of matrices, (m, k) x (k, n). It is kept from
// run to run so that warm runs don't allocate.
type batched[T number] struct {
	a, b, y        []T
	transA, transB bool
	alpha          T
	m, k, n        int
	pool           *kernel.Pool // for each product, when the batches are few
	rank           int
	dims           [tensor.MaxRank]int // of the batches
	aStep, bStep   [tensor.MaxRank]int // from matrix to matrix in each, in matrices; 0 repeats
	each           func(lo, hi int)
}

// multiply computes y = a x b as matmulShape has it.
func multiply[T number](c *Ctx, a, b, y []T, aShape, bShape []int) error {
	s := batchedOf[T](c)
	s.a, s.b, s.y, s.transA, s.transB, s.alpha = a, b, y, false, false, 1
	s.m, s.n, s.k = 1, 1, aShape[len(aShape)-1]
	if r := len(aShape); r > 1 {
		s.m = aShape[r-2]
	}
	if r := len(bShape); r > 1 {
		s.n = bShape[r-1]
	}
	return s.run(c, aShape[:max(len(aShape)-2, 0)], bShape[:max(len(bShape)-2, 0)])
}

func batchedOf[T number](c *Ctx) *batched[T] {
	fresh := func() any {
		s := &batched[T]{}
		s.each = s.products
		return s
	}
	s, ok := c.Local(fresh).(*batched[T])
	if !ok { // a node whose last run was with another type
		s = fresh().(*batched[T])
		*c.Kept = s
	}
	return s
}

// run multiplies all batches; aBatch and bBatch broadcast.
func (s *batched[T]) run(c *Ctx, aBatch, bBatch []int) error {
	defer s.release()
	count, err := s.plan(aBatch, bBatch)
	if err != nil || count == 0 {
		return err
	}
	if len(s.b) == s.k*s.n && !s.transA { // one right-hand side for all rows
		s.m, s.rank, count = s.m*count, 0, 1
	}
	s.pool = c.Pool()
	room := kernel.RoomToMultiply(tensor.DTypeOf[T]().Size(), s.transA, s.transB, s.m, s.n, s.k, s.alpha != 1)
	if count < s.pool.Threads() || rowsAtOnce[T](s.m, s.n, s.k) < s.m {
		if err := c.Memory.Reserve(room); err != nil {
			return err
		}
		for i := range count {
			if err := s.product(c, i); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.Memory.Reserve(room * s.pool.Threads()); err != nil {
		return err
	}
	s.pool = nil
	c.Pool().For(count, max(1, 1<<15/max(s.m*s.n*s.k, 1)), s.each)
	return c.Err()
}

// plan works out the steps from batch to batch and their number.
func (s *batched[T]) plan(aBatch, bBatch []int) (int, error) {
	var dims [tensor.MaxRank]int
	shape, err := tensor.Broadcast(dims[:0], aBatch, bBatch)
	if err != nil {
		return 0, err
	}
	s.rank = copy(s.dims[:], shape)
	batchSteps(s.aStep[:s.rank], aBatch)
	batchSteps(s.bStep[:s.rank], bBatch)
	return tensor.Shape(shape).Len(), nil
}

// batchSteps writes how far apart consecutive matrices of each batch dimension
// are for an operand with the given batch shape, aligned right.
func batchSteps(steps, batch []int) {
	clear(steps)
	n := 1
	for i := len(batch) - 1; i >= 0; i-- {
		if batch[i] != 1 {
			steps[i+len(steps)-len(batch)] = n
		}
		n *= batch[i]
	}
}

func (s *batched[T]) products(lo, hi int) {
	lda, ldb := s.strides()
	for i := lo; i < hi; i++ {
		a, b, y := s.operands(i)
		gemm(s.pool, s.transA, s.transB, s.m, s.n, s.k, s.alpha, a, lda, b, ldb, 0, y, s.n)
	}
}

// product is product i, which can be cancelled.
func (s *batched[T]) product(c *Ctx, i int) error {
	lda, ldb := s.strides()
	a, b, y := s.operands(i)
	return gemmRows(c, s.transA, s.transB, s.m, s.n, s.k, s.alpha, a, lda, b, ldb, 0, y, s.n)
}

func (s *batched[T]) strides() (lda, ldb int) {
	lda, ldb = s.k, s.n
	if s.transA {
		lda = s.m
	}
	if s.transB {
		ldb = s.k
	}
	return lda, ldb
}

// operands are the matrices of product i.
func (s *batched[T]) operands(i int) (a, b, y []T) {
	ai, bi, rest := 0, 0, i
	for d := s.rank - 1; d >= 0; d-- {
		at := rest % s.dims[d]
		rest /= s.dims[d]
		ai += at * s.aStep[d]
		bi += at * s.bStep[d]
	}
	return s.a[ai*s.m*s.k:], s.b[bi*s.k*s.n:], s.y[i*s.m*s.n:]
}

// release forgets the operands, which belong to one run.
func (s *batched[T]) release() { s.a, s.b, s.y, s.pool = nil, nil, nil, nil }

// gemmRows is gemm within the memory limit and the time that a cancelled run may
// go on for: so many rows at a time.
func gemmRows[T number](c *Ctx, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, y []T, ldy int) error {
	if err := c.Memory.Reserve(kernel.RoomToMultiply(tensor.DTypeOf[T]().Size(), transA, transB, m, n, k, alpha != 1)); err != nil {
		return err
	}
	step := lda
	if transA {
		step = 1
	}
	rows := rowsAtOnce[T](m, n, k)
	for i := 0; i < m; i += rows {
		if err := c.Err(); err != nil {
			return err
		}
		gemm(c.Pool(), transA, transB, min(rows, m-i), n, k, alpha, a[min(i*step, len(a)):], lda, b, ldb, beta, y[min(i*ldy, len(y)):], ldy)
	}
	return nil
}

// rowsAtOnce is how many of m rows of a product take a fraction of a second.
func rowsAtOnce[T number](m, n, k int) int {
	work, least := 1<<26, 8
	if tensor.DTypeOf[T]() == tensor.Float32 {
		work, least = 1<<31-1, 48
	}
	if each := max(n, 1) * max(k, 1); m > 1 && each > work/m {
		return min(m, max(work/each, least)/least*least)
	}
	return max(m, 1)
}

// gemm is the fastest of kernel's products for T.
func gemm[T number](p *kernel.Pool, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	switch a := any(a).(type) {
	case []float32:
		kernel.Gemm(p, transA, transB, m, n, k, float32(alpha), a, lda, any(b).([]float32), ldb, float32(beta), any(c).([]float32), ldc)
	case []float64:
		kernel.GemmF64(p, transA, transB, m, n, k, float64(alpha), a, lda, any(b).([]float64), ldb, float64(beta), any(c).([]float64), ldc)
	default:
		kernel.GemmOf(p, transA, transB, m, n, k, alpha, any(a).([]T), lda, b, ldb, beta, c, ldc)
	}
}
