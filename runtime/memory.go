package runtime

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// budget is the memory of one run. It implements ops.Allocator.
type budget struct {
	limit int64 // 0: none
	used  int64
}

func (b *budget) New(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	size := max(dt.Size(), 1)
	if dt == tensor.String {
		size = 16
	}
	n, err := tensor.CheckShape(shape, size)
	if err != nil {
		return nil, err
	}
	if err := b.Reserve(n * size); err != nil {
		return nil, err
	}
	return tensor.Zeros(dt, shape...)
}

func (b *budget) Reserve(n int) error {
	b.used += int64(n)
	if b.limit > 0 && b.used > b.limit {
		return fmt.Errorf("%w: %d bytes are allowed, %d more than the %d in use were asked for", ErrMemoryLimit, b.limit, n, b.used-int64(n))
	}
	return nil
}
