package tensor

import "math"

// floatFormat is a binary floating-point format of at most 16 bits.
type floatFormat struct {
	exp, man int    // bits of exponent and mantissa
	bias     int    // of the exponent
	inf      bool   // the highest exponent is for infinities and NaNs, as in IEEE 754
	nan      uint16 // pattern of a NaN without its sign; 0 if there is none
	uz       bool   // no negative zero: its pattern is the only NaN
}

// The formats of ONNX below 32 bits; see "Float stored in 8 bits" in ONNX's
// technical documentation, and the OCP Microscaling specification for
// Float4E2M1 and Float8E8M0.
var (
	f16Format    = floatFormat{exp: 5, man: 10, bias: 15, inf: true, nan: 0x7e00}
	e4m3Format   = floatFormat{exp: 4, man: 3, bias: 7, nan: 0x7f}
	e4m3uzFormat = floatFormat{exp: 4, man: 3, bias: 8, nan: 0x80, uz: true}
	e5m2Format   = floatFormat{exp: 5, man: 2, bias: 15, inf: true, nan: 0x7f}
	e5m2uzFormat = floatFormat{exp: 5, man: 2, bias: 16, nan: 0x80, uz: true}
	e2m1Format   = floatFormat{exp: 2, man: 1, bias: 1}
)

// decode is the value of bit pattern b.
func (f floatFormat) decode(b uint16) float32 {
	sign := float32(1)
	if b>>(f.exp+f.man)&1 != 0 {
		sign = -1
	}
	e := int(b >> f.man & (1<<f.exp - 1))
	m := int(b & (1<<f.man - 1))
	top := 1<<f.exp - 1
	switch {
	case f.uz && b == f.nan:
		return float32(math.NaN())
	case f.inf && e == top && m == 0:
		return sign * float32(math.Inf(1))
	case f.inf && e == top:
		return float32(math.NaN())
	case f.nan != 0 && !f.inf && !f.uz && b&(1<<(f.exp+f.man)-1) == f.nan:
		return float32(math.NaN())
	case e == 0:
		return sign * float32(math.Ldexp(float64(m), 1-f.bias-f.man))
	}
	return sign * float32(math.Ldexp(float64(m+1<<f.man), e-f.bias-f.man))
}

// largest is the pattern of the largest finite value.
func (f floatFormat) largest() uint16 {
	all := uint16(1<<(f.exp+f.man) - 1)
	switch {
	case f.inf:
		return uint16((1<<f.exp-1)<<f.man) - 1
	case f.uz || f.nan == 0:
		return all
	}
	return all - 1
}

// encode rounds v to the nearest value of the format, ties to even. What lies
// beyond the largest finite value becomes that value if saturate is true, else
// infinity or, where there is none, NaN.
func (f floatFormat) encode(v float64, saturate bool) uint16 {
	signBit := uint16(1) << (f.exp + f.man)
	sign := uint16(0)
	if math.Signbit(v) {
		sign = signBit
	}
	if math.IsNaN(v) {
		if f.uz {
			return f.nan
		}
		if f.nan == 0 { // no NaN in the format: the largest, as ONNX's reference casts it
			return f.largest()
		}
		return f.nan | sign
	}
	beyond := func() uint16 {
		switch {
		case saturate || f.nan == 0:
			return sign | f.largest()
		case f.inf:
			return sign | uint16((1<<f.exp-1)<<f.man)
		case f.uz:
			return f.nan
		}
		return sign | f.nan
	}
	if math.IsInf(v, 0) {
		return beyond()
	}
	a := math.Abs(v)
	if a == 0 {
		if f.uz {
			return 0
		}
		return sign
	}
	_, e := math.Frexp(a) // a = frac * 2^e, frac in [0.5, 1)
	e--                   // a = 1.xxx * 2^e
	e = max(e, 1-f.bias)
	q := math.RoundToEven(math.Ldexp(a, f.man-e)) // units of the last place at exponent e
	if q >= float64(int(2)<<f.man) {
		q /= 2
		e++
	}
	var bits int
	if q < float64(int(1)<<f.man) {
		bits = int(q) // subnormal
	} else {
		bits = (e+f.bias)<<f.man + int(q) - 1<<f.man
	}
	if bits > int(f.largest()) {
		return beyond()
	}
	if bits == 0 && f.uz {
		return 0
	}
	return sign | uint16(bits)
}

// table8 are the values of all patterns of a format of at most 8 bits.
func table8(f floatFormat) (t [256]float32) {
	for i := range t {
		t[i] = f.decode(uint16(i))
	}
	return t
}

var (
	e4m3Values   = table8(e4m3Format)
	e4m3uzValues = table8(e4m3uzFormat)
	e5m2Values   = table8(e5m2Format)
	e5m2uzValues = table8(e5m2uzFormat)
	e2m1Values   = table8(e2m1Format)
)

// Float32 is the value of h.
func (h F16) Float32() float32 {
	sign := uint32(h&0x8000) << 16
	e, m := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch {
	case e == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | m<<13)
	case e != 0:
		return math.Float32frombits(sign | (e+112)<<23 | m<<13)
	}
	v := float32(m) * (1.0 / (1 << 24))
	return math.Float32frombits(math.Float32bits(v) | sign)
}

// Float32 is the value of b.
func (b BF16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// Float32 is the value of b.
func (b F8E4M3) Float32() float32 { return e4m3Values[b] }

// Float32 is the value of b.
func (b F8E4M3UZ) Float32() float32 { return e4m3uzValues[b] }

// Float32 is the value of b.
func (b F8E5M2) Float32() float32 { return e5m2Values[b] }

// Float32 is the value of b.
func (b F8E5M2UZ) Float32() float32 { return e5m2uzValues[b] }

// Float32 is the value of b.
func (b F4E2M1) Float32() float32 { return e2m1Values[b&0xf] }

// Float32 is the value of b: 2^(b-127), NaN for 255.
func (b F8E8M0) Float32() float32 {
	if b == 0xff {
		return float32(math.NaN())
	}
	return float32(math.Ldexp(1, int(b)-127))
}

// ToF16 rounds v to the nearest float16, ties to even; what is too large
// becomes infinity.
func ToF16(v float64) F16 { return F16(f16Format.encode(v, false)) }

// ToBF16 rounds v to the nearest bfloat16, ties to even.
func ToBF16(v float32) BF16 {
	u := math.Float32bits(v)
	if v != v {
		return BF16(u>>16 | 0x40)
	}
	return BF16((u + 0x7fff + u>>16&1) >> 16)
}

// ToF8E4M3 rounds v to the nearest float8e4m3fn, ties to even. What is too
// large becomes the largest value if saturate is true, else NaN.
func ToF8E4M3(v float64, saturate bool) F8E4M3 { return F8E4M3(e4m3Format.encode(v, saturate)) }

// ToF8E4M3UZ is ToF8E4M3 for float8e4m3fnuz.
func ToF8E4M3UZ(v float64, saturate bool) F8E4M3UZ {
	return F8E4M3UZ(e4m3uzFormat.encode(v, saturate))
}

// ToF8E5M2 rounds v to the nearest float8e5m2, ties to even. What is too large
// becomes the largest value if saturate is true, else infinity.
func ToF8E5M2(v float64, saturate bool) F8E5M2 { return F8E5M2(e5m2Format.encode(v, saturate)) }

// ToF8E5M2UZ is ToF8E4M3 for float8e5m2fnuz.
func ToF8E5M2UZ(v float64, saturate bool) F8E5M2UZ {
	return F8E5M2UZ(e5m2uzFormat.encode(v, saturate))
}

// ToF4E2M1 rounds v to the nearest float4e2m1, ties to even, saturating.
func ToF4E2M1(v float64) F4E2M1 { return F4E2M1(e2m1Format.encode(v, true)) }
