package tensor

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/onnx"
)

// FromSparseONNX is the dense tensor that a SparseTensorProto describes: zero
// except at its indices, which are linear (nnz) or coordinates (nnz, rank), in
// rising order. A dense size above 1 GiB is refused.
func FromSparseONNX(p *onnx.SparseTensor) (*Tensor, error) {
	const limit = 1 << 30
	if p == nil || p.Values == nil || p.Indices == nil {
		return nil, fmt.Errorf("sparse tensor: values or indices are missing")
	}
	values, err := FromONNX(p.Values)
	if err != nil {
		return nil, err
	}
	indices, err := FromONNX(p.Indices)
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(p.Dims))
	for i, d := range p.Dims {
		if d < 0 {
			return nil, fmt.Errorf("sparse tensor: dimension %d has extent %d, expected at least 0", i, d)
		}
		if d > math.MaxInt {
			return nil, fmt.Errorf("sparse tensor: dimension %d has extent %d, which is more than memory can address", i, d)
		}
		shape[i] = int(d)
	}
	size := values.DType().Size()
	n, err := CheckShape(shape, max(size, 1))
	if err != nil {
		return nil, err
	}
	if size == 0 || n*size > limit {
		return nil, fmt.Errorf("sparse tensor: shape %v of %v is too large to make dense", Shape(shape), values.DType())
	}
	linear, err := linearIndices(indices, values.Len(), shape)
	if err != nil {
		return nil, err
	}
	dense, err := Zeros(values.DType(), shape...)
	if err != nil {
		return nil, err
	}
	last := -1
	for k, at := range linear {
		if at <= last || at >= n {
			return nil, fmt.Errorf("sparse tensor: index %d is %d, expected rising indices below %d", k, at, n)
		}
		last = at
		copy(dense.raw[at*size:(at+1)*size], values.raw[k*size:])
	}
	return dense, nil
}

func linearIndices(indices *Tensor, nnz int, shape []int) ([]int, error) {
	idx, err := Data[int64](indices)
	if err != nil {
		return nil, err
	}
	out := make([]int, nnz)
	switch {
	case indices.Rank() == 1 && len(idx) == nnz:
		for k, v := range idx {
			if v < 0 || v > math.MaxInt {
				return nil, fmt.Errorf("sparse tensor: index %d is %d, expected at least 0", k, v)
			}
			out[k] = int(v)
		}
	case indices.Rank() == 2 && indices.Dim(0) == nnz && indices.Dim(1) == len(shape):
		for k := range out {
			for j, extent := range shape {
				v := idx[k*len(shape)+j]
				if v < 0 || v >= int64(extent) {
					return nil, fmt.Errorf("sparse tensor: index %d has coordinate %d, expected 0 to %d", k, v, extent-1)
				}
				out[k] = out[k]*extent + int(v)
			}
		}
	default:
		return nil, fmt.Errorf("sparse tensor: indices have shape %v for %d values of rank %d", indices.Shape(), nnz, len(shape))
	}
	return out, nil
}
