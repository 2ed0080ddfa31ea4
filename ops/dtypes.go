package ops

import (
	"fmt"
	"strings"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// dtypes is a set of element types, such as a version of an operator takes.
type dtypes uint32

func types(list ...tensor.DType) (s dtypes) {
	for _, dt := range list {
		s |= 1 << dt
	}
	return s
}

// The sets that the operators' type lists are made of.
var (
	floats64  = types(tensor.Float32, tensor.Float64)
	floats    = floats64 | types(tensor.Float16)
	floatsBF  = floats | types(tensor.BFloat16)
	signed    = types(tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64)
	unsigned  = types(tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64)
	integers  = signed | unsigned
	wideInts  = types(tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64)
	numbers   = floats | integers
	numbersBF = floatsBF | integers
	boolType  = types(tensor.Bool)
	strType   = types(tensor.String)
	float8s   = types(tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ)
	int4s     = types(tensor.Int4, tensor.Uint4)
	int2s     = types(tensor.Int2, tensor.Uint2)
	complexes = types(tensor.Complex64, tensor.Complex128)
)

func (s dtypes) has(dt tensor.DType) bool { return dt < 32 && s&(1<<dt) != 0 }

func (s dtypes) String() string {
	var names []string
	for dt := tensor.Undefined; dt < 32; dt++ {
		if s.has(dt) {
			names = append(names, dt.String())
		}
	}
	return strings.Join(names, ", ")
}

// check refuses input i if its type is known and not in the set.
func (s dtypes) check(i int, dt tensor.DType) error {
	if dt == tensor.Undefined || s.has(dt) {
		return nil
	}
	return fmt.Errorf("input %d: has type %v, expected %v", i, dt, s)
}

// sameType refuses input i if its type differs from input 0's.
func sameType(i int, dt, first tensor.DType) error {
	if dt == tensor.Undefined || first == tensor.Undefined || dt == first {
		return nil
	}
	return fmt.Errorf("input %d: has type %v, expected %v like input 0", i, dt, first)
}

// number is the set of Go types that arithmetic happens in.
type number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// pick is the instance of a generic function for element type dt; the zero F
// where dt is none of the ten.
func pick[F any](dt tensor.DType, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 F) (f F) {
	switch dt {
	case tensor.Float32:
		return f32
	case tensor.Float64:
		return f64
	case tensor.Int8:
		return i8
	case tensor.Int16:
		return i16
	case tensor.Int32:
		return i32
	case tensor.Int64:
		return i64
	case tensor.Uint8:
		return u8
	case tensor.Uint16:
		return u16
	case tensor.Uint32:
		return u32
	case tensor.Uint64:
		return u64
	}
	return f
}

// isHalf reports whether dt is one of the 16-bit types that are computed in
// float32 and rounded once.
func isHalf(dt tensor.DType) bool { return dt == tensor.Float16 || dt == tensor.BFloat16 }

// widen writes the elements of t, which has a floating-point type of at most 32
// bits, to dst.
func widen(dst []float32, t *tensor.Tensor) {
	switch t.DType() {
	case tensor.Float16:
		kernel.F16ToF32(dst, tensor.Of[tensor.F16](t))
	case tensor.BFloat16:
		kernel.BF16ToF32(dst, tensor.Of[tensor.BF16](t))
	case tensor.Float8E4M3FN:
		kernel.MapTo(dst, tensor.Of[tensor.F8E4M3](t), tensor.F8E4M3.Float32)
	case tensor.Float8E4M3FNUZ:
		kernel.MapTo(dst, tensor.Of[tensor.F8E4M3UZ](t), tensor.F8E4M3UZ.Float32)
	case tensor.Float8E5M2:
		kernel.MapTo(dst, tensor.Of[tensor.F8E5M2](t), tensor.F8E5M2.Float32)
	case tensor.Float8E5M2FNUZ:
		kernel.MapTo(dst, tensor.Of[tensor.F8E5M2UZ](t), tensor.F8E5M2UZ.Float32)
	case tensor.Float8E8M0:
		kernel.MapTo(dst, tensor.Of[tensor.F8E8M0](t), tensor.F8E8M0.Float32)
	case tensor.Float4E2M1:
		kernel.MapTo(dst, tensor.Of[tensor.F4E2M1](t), tensor.F4E2M1.Float32)
	default:
		copy(dst, tensor.Of[float32](t))
	}
}

// narrow rounds src to t's type, which is float16, bfloat16 or float32.
func narrow(t *tensor.Tensor, src []float32) {
	switch t.DType() {
	case tensor.Float16:
		kernel.F32ToF16(tensor.Of[tensor.F16](t), src)
	case tensor.BFloat16:
		kernel.F32ToBF16(tensor.Of[tensor.BF16](t), src)
	default:
		copy(tensor.Of[float32](t), src)
	}
}

// inFloat32 calls run with every 16-bit input widened to float32 and rounds
// its float32 outputs to half. It is the way of operators that need no speed
// in 16 bits; run must be right for float32.
func inFloat32(c *Ctx, half tensor.DType, run func(*Ctx) error) error {
	wide := *c
	wide.Inputs = make([]tensor.Value, len(c.Inputs))
	for i := range c.Inputs {
		wide.Inputs[i] = c.Inputs[i]
		if t := c.In(i); t != nil && isHalf(t.DType()) {
			w, err := c.Memory.New(tensor.Float32, t.Shape())
			if err != nil {
				return err
			}
			widen(tensor.Of[float32](w), t)
			wide.Inputs[i] = w
		}
	}
	wide.Outputs = make([]tensor.Value, len(c.Outputs))
	if err := run(&wide); err != nil {
		return err
	}
	for i, v := range wide.Outputs {
		t, ok := v.(*tensor.Tensor)
		if !ok || t.DType() != tensor.Float32 {
			if v != nil {
				if err := c.SetOut(i, v); err != nil {
					return err
				}
			}
			continue
		}
		y, err := c.Out(i, half, t.Shape()...)
		if err != nil {
			return err
		}
		narrow(y, tensor.Of[float32](t))
	}
	return nil
}
