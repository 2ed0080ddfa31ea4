package tensor

// Float64s is a copy of t's elements as float64s, real parts before imaginary
// ones for complex types (so twice as many). Booleans are 0 and 1. It is nil
// for strings. Integers beyond 2^53 lose their last bits.
func Float64s(t *Tensor) []float64 {
	switch t.dtype {
	case Float32:
		return widen(Of[float32](t))
	case Float64:
		return append([]float64{}, Of[float64](t)...)
	case Int8:
		return widen(Of[int8](t))
	case Int16:
		return widen(Of[int16](t))
	case Int32:
		return widen(Of[int32](t))
	case Int64:
		return widen(Of[int64](t))
	case Uint8, Bool:
		return widen(Of[uint8](t))
	case Uint16:
		return widen(Of[uint16](t))
	case Uint32:
		return widen(Of[uint32](t))
	case Uint64:
		return widen(Of[uint64](t))
	case Uint4, Uint2:
		return widen(Of[uint8](t))
	case Int4, Int2:
		return widen(Of[int8](t))
	case Float16:
		return decoded(Of[F16](t))
	case BFloat16:
		return decoded(Of[BF16](t))
	case Float8E4M3FN:
		return decoded(Of[F8E4M3](t))
	case Float8E4M3FNUZ:
		return decoded(Of[F8E4M3UZ](t))
	case Float8E5M2:
		return decoded(Of[F8E5M2](t))
	case Float8E5M2FNUZ:
		return decoded(Of[F8E5M2UZ](t))
	case Float8E8M0:
		return decoded(Of[F8E8M0](t))
	case Float4E2M1:
		return decoded(Of[F4E2M1](t))
	case Complex64:
		out := make([]float64, 0, 2*t.Len())
		for _, v := range Of[complex64](t) {
			out = append(out, float64(real(v)), float64(imag(v)))
		}
		return out
	case Complex128:
		out := make([]float64, 0, 2*t.Len())
		for _, v := range Of[complex128](t) {
			out = append(out, real(v), imag(v))
		}
		return out
	}
	return nil
}

func widen[T float32 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](s []T) []float64 {
	out := make([]float64, len(s))
	for i, v := range s {
		out[i] = float64(v)
	}
	return out
}

func decoded[T interface{ Float32() float32 }](s []T) []float64 {
	out := make([]float64, len(s))
	for i, v := range s {
		out[i] = float64(v.Float32())
	}
	return out
}
