package emu

import "math"

// floats is an instruction on float32 values: a and b are the manual's first
// and second source, d what the destination holds before. The conversions keep
// a compiler from fusing.
func floats(opcode string) func(a, b, d float32) float32 {
	switch opcode {
	case "VADDPS":
		return func(a, b, _ float32) float32 { return a + b }
	case "VSUBPS":
		return func(a, b, _ float32) float32 { return a - b }
	case "VMULPS":
		return func(a, b, _ float32) float32 { return float32(a * b) }
	case "VDIVPS":
		return func(a, b, _ float32) float32 { return a / b }
	case "VMINPS": // b for NaN and for two zeros
		return func(a, b, _ float32) float32 {
			if a < b {
				return a
			}
			return b
		}
	case "VMAXPS":
		return func(a, b, _ float32) float32 {
			if a > b {
				return a
			}
			return b
		}
	case "VFMADD231PS":
		return fma
	case "VFMADD213PS":
		return func(a, b, d float32) float32 { return fma(a, d, b) }
	case "VFNMADD231PS":
		return func(a, b, d float32) float32 { return fma(-a, b, d) }
	case "VSCALEFPS":
		return func(a, b, _ float32) float32 { return scale(a, b) }
	}
	return nil
}

// words is an instruction on 32-bit words.
func words(opcode string) func(a, b uint32) uint32 {
	switch opcode {
	case "VPADDD":
		return func(a, b uint32) uint32 { return a + b }
	case "VPSUBD":
		return func(a, b uint32) uint32 { return a - b }
	case "VPMULLD":
		return func(a, b uint32) uint32 { return a * b }
	case "VPMAXSD":
		return func(a, b uint32) uint32 { return uint32(max(int32(a), int32(b))) }
	case "VPMINSD":
		return func(a, b uint32) uint32 { return uint32(min(int32(a), int32(b))) }
	case "VANDPS", "VPAND":
		return func(a, b uint32) uint32 { return a & b }
	case "VORPS":
		return func(a, b uint32) uint32 { return a | b }
	case "VXORPS", "VPXORD", "VPXOR":
		return func(a, b uint32) uint32 { return a ^ b }
	}
	return nil
}

// longs is an instruction on 64-bit words or float64 values, as floats is.
func longs(opcode string) func(a, b, d uint64) uint64 {
	on := func(f func(a, b, d float64) float64) func(a, b, d uint64) uint64 {
		return func(a, b, d uint64) uint64 {
			return math.Float64bits(f(math.Float64frombits(a), math.Float64frombits(b), math.Float64frombits(d)))
		}
	}
	switch opcode {
	case "VPADDQ":
		return func(a, b, _ uint64) uint64 { return a + b }
	case "VPSUBQ":
		return func(a, b, _ uint64) uint64 { return a - b }
	case "VADDPD":
		return on(func(a, b, _ float64) float64 { return a + b })
	case "VSUBPD":
		return on(func(a, b, _ float64) float64 { return a - b })
	case "VMULPD":
		return on(func(a, b, _ float64) float64 { return a * b })
	case "VDIVPD":
		return on(func(a, b, _ float64) float64 { return a / b })
	case "VMINPD": // b for NaN
		return on(func(a, b, _ float64) float64 {
			if a < b {
				return a
			}
			return b
		})
	case "VMAXPD":
		return on(func(a, b, _ float64) float64 {
			if a > b {
				return a
			}
			return b
		})
	case "VFMADD213PD":
		return on(func(a, b, d float64) float64 { return math.FMA(a, d, b) })
	case "VFMADD231PD":
		return on(func(a, b, d float64) float64 { return math.FMA(a, b, d) })
	case "VFNMADD231PD":
		return on(func(a, b, d float64) float64 { return math.FMA(-a, b, d) })
	}
	return nil
}

// fma is a*b + c, rounded once: the float64 sum is rounded to odd, which
// rounding to float32 then cannot round twice.
func fma(a, b, c float32) float32 {
	p := float64(a) * float64(b) // exact
	s := p + float64(c)
	t := s - p
	rest := (p - (s - t)) + (float64(c) - t)
	if rest > 0 || rest < 0 {
		if u := math.Float64bits(s); u&1 == 0 {
			if (rest > 0) == (s > 0) {
				u++
			} else {
				u--
			}
			s = math.Float64frombits(u)
		}
	}
	return float32(s)
}

// scale is a * 2**floor(b).
func scale(a, b float32) float32 {
	switch {
	case a != a || b != b:
		return float32(math.NaN())
	case math.IsInf(float64(b), -1) && math.IsInf(float64(a), 0), math.IsInf(float64(b), 1) && a == 0:
		return float32(math.NaN())
	}
	n := min(max(math.Floor(float64(b)), -400), 400)
	return float32(math.Ldexp(float64(a), int(n)))
}

// toInteger is a whole number; what does not fit is the indefinite integer.
func toInteger(r float64) uint32 {
	if r >= -1<<31 && r < 1<<31 {
		return uint32(int32(r))
	}
	return 1 << 31
}

func saturate(x int32, bits int) int32 {
	most := int32(1)<<(bits-1) - 1
	return min(max(x, -most-1), most)
}
