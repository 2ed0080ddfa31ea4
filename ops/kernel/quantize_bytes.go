package kernel

import (
	"math"
	"unsafe"
)

// A byteTask rounds reals to bytes, or the way back. Runs of elements with one
// scale are cut into pieces, which run in parallel.
type byteTask struct {
	v      *variant
	b      Blocks
	reals  []float32
	bytes  []uint8
	scale  []float32
	zero   []uint8 // nil for 0
	signed bool    // the bytes are
	back   bool

	length, per int // of runs: elements and pieces
}

const bytePiece = 1 << 12

// start does all of it, or nothing, and is false then, where runs are shorter
// than a vector.
func (t *byteTask) start(p *Pool) bool {
	runs, b := t.b.Outer*t.b.N, t.b
	if t.length = b.Inner; b.OuterStep == 0 && b.Step == 0 {
		runs, t.length = 1, runs*b.Inner
	}
	if b.InnerStep != 0 || t.length < t.v.lanes {
		return false
	}
	t.per = ceilDiv(t.length, bytePiece)
	units, grain := runs*t.per, max(1, 4*bytePiece/min(t.length, bytePiece))
	if inlined(p, units, grain) {
		t.run(0, units)
		return true
	}
	shared := *t
	p.For(units, grain, shared.run)
	return true
}

func (t *byteTask) run(lo, hi int) {
	flip := uint8(0)
	if t.signed {
		flip = 1 << 7 // makes them count from 0 on
	}
	for u := lo; u < hi; u++ {
		r, at := u/t.per, u%t.per*bytePiece
		i, j := r*t.length+at, r*t.length+min(at+bytePiece, t.length)
		s, zero := r/t.b.N*t.b.OuterStep+r%t.b.N/t.b.Size*t.b.Step, flip
		if t.zero != nil {
			zero ^= t.zero[s]
		}
		if t.back {
			dequantizeBytes(t.v, t.reals[i:j], t.bytes[i:j], uint32(flip), int32(zero), t.scale[s])
		} else {
			quantizeBytes(t.v, wordsAs[int8](t.bytes[i:j]), t.reals[i:j], t.scale[s], float32(zero)-128, everyByte(flip^1<<7))
		}
	}
}

// everyByte repeats b in a word.
func everyByte(b uint8) uint32 { return uint32(b) * 0x01010101 }

// wordsAs is s as numbers of another type of the same size.
func wordsAs[D, S any](s []S) []D {
	return unsafe.Slice((*D)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

// quantizeBytes is int8QuantizeGeneric of any length.
func quantizeBytes(v *variant, dst []int8, x []float32, scale, zero float32, flip uint32) {
	whole := len(x) / v.lanes * v.lanes
	if whole > 0 {
		v.int8Quantize(&dst[0], x[:whole], scale, zero, flip)
	}
	if whole < len(x) {
		int8QuantizeGeneric(&dst[whole], x[whole:], scale, zero, flip)
	}
}

// dequantizeBytes is int8DequantizeGeneric of any length.
func dequantizeBytes(v *variant, dst []float32, x []uint8, flip uint32, zero int32, scale float32) {
	whole := len(dst) / v.lanes * v.lanes
	if whole > 0 {
		v.int8Dequantize(dst[:whole], &x[0], flip, zero, scale)
	}
	if whole < len(dst) {
		int8DequantizeGeneric(dst[whole:], &x[whole], flip, zero, scale)
	}
}

// int8QuantizeGeneric is
//
//	dst[i] = clamp(round(x[i]/scale) + zero, -128, 127) ^ flip
//
// rounding to even, -128 for NaN, with flip repeated in every byte of its word.
func int8QuantizeGeneric(dst *int8, x []float32, scale, zero float32, flip uint32) {
	out := unsafe.Slice(dst, len(x))
	for i, v := range x {
		q := v / scale
		if !(q > -128-zero) {
			q = -128 - zero
		} else if q > 127-zero {
			q = 127 - zero
		}
		out[i] = int8(math.RoundToEven(float64(q))+float64(zero)) ^ int8(flip)
	}
}

// int8DequantizeGeneric is dst[i] = (src[i]^flip - zero) * scale.
func int8DequantizeGeneric(dst []float32, src *uint8, flip uint32, zero int32, scale float32) {
	for i, b := range unsafe.Slice(src, len(dst)) {
		dst[i] = float32(int32(b^uint8(flip))-zero) * scale
	}
}
