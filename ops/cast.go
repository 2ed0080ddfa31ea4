package ops

import (
	"errors"
	"fmt"
	"sync"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// castOps change the element type.
func castOps() []Op {
	v6 := numbers | boolType
	v9 := v6 | strType
	v13 := v9 | types(tensor.BFloat16)
	v19 := v13 | float8s
	v21 := v19 | int4s
	v23 := v21 | types(tensor.Float4E2M1)
	v24 := v23 | types(tensor.Float8E8M0)
	v25 := v24 | int2s
	like := func(since int, allowed dtypes) Version { return two(since, newCastLike(allowed, since)) }
	return []Op{
		{Name: "Cast", Versions: []Version{
			one(1, newCastNamed), one(6, newCast(v6, 6)), one(9, newCast(v9, 9)), one(13, newCast(v13, 13)),
			one(19, newCast(v19, 19)), one(21, newCast(v21, 21)), one(23, newCast(v23, 23)), one(24, newCast(v24, 24)), one(25, newCast(v25, 25)),
		}},
		{Name: "CastLike", Versions: []Version{
			like(15, v13), like(19, v19), like(21, v21), like(23, v23), like(24, v24), like(25, v25),
		}},
		{Name: "BitCast", Versions: []Version{one(26, newBitCast)}},
	}
}

// rounding is how a cast to a type of few bits treats what doesn't fit.
type rounding struct {
	saturate bool   // to float8: the largest value instead of infinity or NaN
	mode     string // to float8e8m0: up, down or nearest
}

func readRounding(a *Attrs, since int) (r rounding) {
	r = rounding{saturate: true, mode: "up"}
	if since >= 19 {
		r.saturate = a.Bool("saturate", true)
	}
	if since >= 24 {
		r.mode = a.Enum("round_mode", "up", "up", "down", "nearest")
	}
	return r
}

func newCast(allowed dtypes, since int) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		a.Require("to")
		k := &cast{to: a.DType("to", tensor.Undefined), from: allowed, rounding: readRounding(a, since)}
		if k.to != tensor.Undefined && !allowed.has(k.to) {
			a.Fail("to", "is %v, expected %v", k.to, allowed)
		}
		return k, nil
	}
}

// newCastNamed is version 1, which spells the type's name.
func newCastNamed(a *Attrs) (Kernel, error) {
	a.Require("to")
	name := a.String("to", "")
	for dt := tensor.Undefined; dt < 32; dt++ {
		if (numbers | boolType).has(dt) && upperName(dt) == name {
			return &cast{to: dt, from: numbers | boolType, rounding: rounding{saturate: true}}, nil
		}
	}
	a.Fail("to", "is %q, expected the name of an element type such as FLOAT", name)
	return nil, nil
}

func newCastLike(allowed dtypes, since int) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &cast{like: true, from: allowed, rounding: readRounding(a, since)}, nil
	}
}

// cast is y = x as another type: to, or with like the type of input 1.
type cast struct {
	to   tensor.DType
	like bool
	from dtypes
	rounding
}

func (k *cast) Infer(c *Infer) error {
	to := k.to
	if k.like {
		to = c.In(1).DType
		if err := k.from.check(1, to); err != nil {
			return err
		}
	}
	x := c.In(0)
	c.Set(0, Fact{DType: to, Shape: x.Shape, Ranked: x.Ranked})
	return k.from.check(0, x.DType)
}

func (k *cast) Run(c *Ctx) error {
	x, to := c.In(0), k.to
	if k.like {
		to = c.In(1).DType()
		if err := k.from.check(1, to); err != nil {
			return err
		}
	}
	if err := k.from.check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, to, x.Shape()...)
	if err != nil {
		return err
	}
	return castInto(c, y, x, k.rounding)
}

// castInto writes x's elements, converted, to y.
func castInto(c *Ctx, y, x *tensor.Tensor, r rounding) error {
	switch dt := x.DType(); {
	case dt == y.DType():
		return y.CopyFrom(x)
	case y.DType() == tensor.String && x.Len() > stringsAtOnce:
		return castToStrings(c, y, x, r)
	case dt == tensor.String:
		return parseInto(c, y, tensor.Of[string](x), r)
	}
	n := x.Len()
	var wide []float32
	if narrowFloat(x.DType()) && y.DType() != tensor.Float32 {
		var err error
		if wide, err = c.F32(n); err != nil {
			return err
		}
	}
	const grain = 1 << 14
	if p := c.Pool(); p.Threads() > 1 && n > grain && y.DType() != tensor.String {
		return castShared(p, grain, y, x, wide, r)
	}
	castPart(y, x, wide, r)
	return nil
}

// castShared is castPart of pieces that are worth a thread.
func castShared(p *kernel.Pool, grain int, y, x *tensor.Tensor, wide []float32, r rounding) error {
	n := x.Len()
	from, err := x.Reshaped(n)
	if err != nil {
		return err
	}
	to, err := y.Reshaped(n)
	if err != nil {
		return err
	}
	var once sync.Once
	var failed error
	p.For(n, grain, func(lo, hi int) {
		some, err := from.Rows(lo, hi)
		into, also := to.Rows(lo, hi)
		if err = errors.Join(err, also); err != nil {
			once.Do(func() { failed = err })
			return
		}
		part := wide
		if part != nil {
			part = part[lo:hi]
		}
		castPart(into, some, part, r)
	})
	return failed
}

// narrowFloat reports whether a type is a float of fewer bits than 32.
func narrowFloat(dt tensor.DType) bool { return dt.IsFloat() && dt.Size() < 4 }

// castPart is castInto of numbers; wide has room for those of a narrow float that
// become others than float32.
func castPart(y, x *tensor.Tensor, wide []float32, r rounding) {
	switch dt := x.DType(); {
	case dt == tensor.Bool, dt == tensor.Uint4, dt == tensor.Uint2:
		castFrom(y, sameWidth[uint8](x), dt, r)
	case dt == tensor.Int4, dt == tensor.Int2:
		castFrom(y, sameWidth[int8](x), dt, r)
	case narrowFloat(dt) && y.DType() == tensor.Float32:
		widen(tensor.Of[float32](y), x)
	case narrowFloat(dt):
		widen(wide, x)
		castFrom(y, wide, dt, r)
	default:
		pick(dt, castOf[float32], castOf[float64], castOf[int8], castOf[int16], castOf[int32], castOf[int64],
			castOf[uint8], castOf[uint16], castOf[uint32], castOf[uint64])(y, x, r)
	}
}

// castToStrings is castInto within the limit, some elements at a time.
func castToStrings(c *Ctx, y, x *tensor.Tensor, r rounding) error {
	const text = 24 // bytes of a number
	n := x.Len()
	flat, err := x.Reshaped(n)
	if err != nil {
		return err
	}
	out := tensor.Of[string](y)
	for lo := 0; lo < n; lo += stringsAtOnce {
		if err := c.Err(); err != nil {
			return err
		}
		hi := min(lo+stringsAtOnce, n)
		if err := c.Memory.Reserve(text * (hi - lo)); err != nil {
			return err
		}
		some, err := flat.Rows(lo, hi)
		if err != nil {
			return err
		}
		if err := castInto(c, tensor.Must(out[lo:hi], hi-lo), some, r); err != nil {
			return err
		}
	}
	return nil
}

func castOf[S number](y, x *tensor.Tensor, r rounding) {
	castFrom(y, tensor.Of[S](x), x.DType(), r)
}

// castFrom converts numbers, which came from type dt, to y's type.
func castFrom[S number](y *tensor.Tensor, x []S, dt tensor.DType, r rounding) {
	switch y.DType() {
	case tensor.Bool:
		kernel.NonZero(tensor.Of[bool](y), x)
	case tensor.Float16:
		kernel.ConvertToF16(tensor.Of[tensor.F16](y), x)
	case tensor.BFloat16:
		kernel.ConvertToBF16(tensor.Of[tensor.BF16](y), x)
	case tensor.Float8E4M3FN:
		kernel.MapTo(tensor.Of[tensor.F8E4M3](y), x, func(v S) tensor.F8E4M3 { return tensor.ToF8E4M3(float64(v), r.saturate) })
	case tensor.Float8E4M3FNUZ:
		kernel.MapTo(tensor.Of[tensor.F8E4M3UZ](y), x, func(v S) tensor.F8E4M3UZ { return tensor.ToF8E4M3UZ(float64(v), r.saturate) })
	case tensor.Float8E5M2:
		kernel.MapTo(tensor.Of[tensor.F8E5M2](y), x, func(v S) tensor.F8E5M2 { return tensor.ToF8E5M2(float64(v), r.saturate) })
	case tensor.Float8E5M2FNUZ:
		kernel.MapTo(tensor.Of[tensor.F8E5M2UZ](y), x, func(v S) tensor.F8E5M2UZ { return tensor.ToF8E5M2UZ(float64(v), r.saturate) })
	case tensor.Float8E8M0:
		mode := kernel.RoundUp
		switch r.mode {
		case "down":
			mode = kernel.RoundDown
		case "nearest":
			mode = kernel.RoundNearest
		}
		kernel.MapTo(sameWidth[uint8](y), x, func(v S) uint8 { return kernel.PowerOfTwo(float32(v), mode, r.saturate) })
	case tensor.Float4E2M1:
		kernel.MapTo(tensor.Of[tensor.F4E2M1](y), x, func(v S) tensor.F4E2M1 {
			if v != v {
				return 8 // -0: the type has no NaN
			}
			return tensor.ToF4E2M1(float64(v))
		})
	case tensor.Uint4:
		kernel.LowBits(sameWidth[uint8](y), x, 4, false)
	case tensor.Uint2:
		kernel.LowBits(sameWidth[uint8](y), x, 2, false)
	case tensor.Int4:
		kernel.LowBits(sameWidth[int8](y), x, 4, true)
	case tensor.Int2:
		kernel.LowBits(sameWidth[int8](y), x, 2, true)
	case tensor.String:
		formatInto(tensor.Of[string](y), x, dt)
	default:
		pick(y.DType(), toOf[float32, S], toOf[float64, S], toOf[int8, S], toOf[int16, S], toOf[int32, S], toOf[int64, S],
			toOf[uint8, S], toOf[uint16, S], toOf[uint32, S], toOf[uint64, S])(y, x)
	}
}

func toOf[T, S number](y *tensor.Tensor, x []S) { kernel.ConvertTo(tensor.Of[T](y), x) }

func newBitCast(a *Attrs) (Kernel, error) {
	a.Require("to")
	k := &bitCast{to: a.DType("to", tensor.Undefined)}
	if k.to == tensor.String {
		a.Fail("to", "is string, which has no bits")
	}
	return k, nil
}

// bitCast is the bits of x read as another type of the same width.
type bitCast struct{ to tensor.DType }

func (k *bitCast) check(from tensor.DType) error {
	if from != tensor.Undefined && (from == tensor.String || from.Bits() != k.to.Bits()) {
		return fmt.Errorf("input 0: has type %v, expected one of %d bits like %v", from, k.to.Bits(), k.to)
	}
	return nil
}

func (k *bitCast) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Fact{DType: k.to, Shape: x.Shape, Ranked: x.Ranked})
	return k.check(x.DType)
}

func (k *bitCast) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.check(x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, k.to, x.Shape()...)
	if err != nil {
		return err
	}
	copy(y.Bytes(), x.Bytes())
	switch bits := k.to.Bits(); { // below eight bits the rest of the byte depends on the sign
	case k.to == tensor.Bool:
		kernel.NonZero(tensor.Of[bool](y), x.Bytes())
	case bits < 8 && k.to.IsSigned():
		kernel.LowBits(sameWidth[int8](y), sameWidth[int8](x), bits, true)
	case bits < 8:
		kernel.LowBits(sameWidth[uint8](y), x.Bytes(), bits, false)
	}
	return nil
}
