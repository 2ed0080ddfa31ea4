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
	return c.Local(func() any {
		s := &batched[T]{}
		s.each = s.products
		return s
	}).(*batched[T])
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
	if count < s.pool.Threads() {
		for i := range count {
			if err := c.Err(); err != nil {
				return err
			}
			s.products(i, i+1)
		}
		return nil
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
	lda, ldb := s.k, s.n
	if s.transA {
		lda = s.m
	}
	if s.transB {
		ldb = s.k
	}
	for i := lo; i < hi; i++ {
		ai, bi, rest := 0, 0, i
		for d := s.rank - 1; d >= 0; d-- {
			at := rest % s.dims[d]
			rest /= s.dims[d]
			ai += at * s.aStep[d]
			bi += at * s.bStep[d]
		}
		gemm(s.pool, s.transA, s.transB, s.m, s.n, s.k, s.alpha, s.a[ai*s.m*s.k:], lda, s.b[bi*s.k*s.n:], ldb, 0, s.y[i*s.m*s.n:], s.n)
	}
}

// release forgets the operands, which belong to one run.
func (s *batched[T]) release() { s.a, s.b, s.y, s.pool = nil, nil, nil, nil }

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
