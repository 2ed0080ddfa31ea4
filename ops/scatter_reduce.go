package ops

import (
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// reducerOf combines numbers.
func reducerOf[T number](how reduction) func(a, b T) T {
	switch how {
	case "add":
		return func(a, b T) T { return a + b }
	case "mul":
		return func(a, b T) T { return a * b }
	case "max":
		return func(a, b T) T { return max(a, b) }
	}
	return func(a, b T) T { return min(a, b) }
}

// halfReducer combines 16-bit floats: in float32, rounded each time.
func halfReducer[T interface{ Float32() float32 }](how reduction, round func(float32) T) func(a, b T) T {
	f := reducerOf[float32](how)
	return func(a, b T) T { return round(f(a.Float32(), b.Float32())) }
}

func boolReducer(how reduction) func(a, b bool) bool {
	if how == "add" || how == "max" {
		return func(a, b bool) bool { return a || b }
	}
	return func(a, b bool) bool { return a && b }
}

func roundF16(v float32) tensor.F16 { return tensor.ToF16(float64(v)) }

// reduceElements is ScatterElements with a reduction.
func reduceElements(y, updates, idx *tensor.Tensor, on *kernel.Elements, how reduction) error {
	// A copy that may be on the heap, so that the plain ScatterElements isn't.
	e := kernel.Elements{Shape: slices.Clone(on.Shape), Strides: slices.Clone(on.Strides), Axis: on.Axis, Extent: on.Extent}
	switch y.DType() {
	case tensor.Float16:
		reduceElementsBy(y, updates, idx, &e, halfReducer(how, roundF16))
	case tensor.BFloat16:
		reduceElementsBy(y, updates, idx, &e, halfReducer(how, tensor.ToBF16))
	case tensor.Bool:
		reduceElementsBy(y, updates, idx, &e, boolReducer(how))
	default:
		f := pick(y.DType(), reduceNumbers[float32], reduceNumbers[float64], reduceNumbers[int8], reduceNumbers[int16], reduceNumbers[int32],
			reduceNumbers[int64], reduceNumbers[uint8], reduceNumbers[uint16], reduceNumbers[uint32], reduceNumbers[uint64])
		if f == nil {
			return Unsupportedf("attribute \"reduction\" %s for type %v", how, y.DType())
		}
		f(y, updates, idx, &e, how)
	}
	return nil
}

func reduceNumbers[T number](y, updates, idx *tensor.Tensor, e *kernel.Elements, how reduction) {
	reduceElementsBy(y, updates, idx, e, reducerOf[T](how))
}

func reduceElementsBy[T tensor.Elem](y, updates, idx *tensor.Tensor, e *kernel.Elements, f func(a, b T) T) {
	if idx.DType() == tensor.Int32 {
		kernel.ScatterElements(tensor.Of[T](y), tensor.Of[T](updates), tensor.Of[int32](idx), e, f)
		return
	}
	kernel.ScatterElements(tensor.Of[T](y), tensor.Of[T](updates), tensor.Of[int64](idx), e, f)
}

// reduceND is ScatterND with a reduction.
func reduceND(y, updates, idx *tensor.Tensor, on *kernel.Tuples, rows int, how reduction) error {
	t := kernel.Tuples{Dims: slices.Clone(on.Dims), Strides: slices.Clone(on.Strides), Inner: on.Inner,
		Batches: on.Batches, BatchStep: on.BatchStep, PerBatch: on.PerBatch}
	switch y.DType() {
	case tensor.Float16:
		reduceNDBy(y, updates, idx, &t, rows, halfReducer(how, roundF16))
	case tensor.BFloat16:
		reduceNDBy(y, updates, idx, &t, rows, halfReducer(how, tensor.ToBF16))
	case tensor.Bool:
		reduceNDBy(y, updates, idx, &t, rows, boolReducer(how))
	default:
		f := pick(y.DType(), reduceNumbersND[float32], reduceNumbersND[float64], reduceNumbersND[int8], reduceNumbersND[int16], reduceNumbersND[int32],
			reduceNumbersND[int64], reduceNumbersND[uint8], reduceNumbersND[uint16], reduceNumbersND[uint32], reduceNumbersND[uint64])
		if f == nil {
			return Unsupportedf("attribute \"reduction\" %s for type %v", how, y.DType())
		}
		f(y, updates, idx, &t, rows, how)
	}
	return nil
}

func reduceNumbersND[T number](y, updates, idx *tensor.Tensor, t *kernel.Tuples, rows int, how reduction) {
	reduceNDBy(y, updates, idx, t, rows, reducerOf[T](how))
}

func reduceNDBy[T tensor.Elem](y, updates, idx *tensor.Tensor, t *kernel.Tuples, rows int, f func(a, b T) T) {
	kernel.ScatterND(tensor.Of[T](y), tensor.Of[T](updates), tensor.Of[int64](idx), t, 1, rows, f)
}
