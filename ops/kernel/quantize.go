package kernel

import (
	"math"
	"unsafe"
)

// Blocks says which element of scale and zero point belongs to an element of a
// tensor (outer, n, inner): number
//
//	o*OuterStep + i/Size*Step + j*InnerStep    for element (o, i, j)
//
// All steps are 0 for one scale in all; Size and Step are 1 for one per index i.
type Blocks struct {
	Outer, N, Inner            int
	Size                       int
	OuterStep, Step, InnerStep int
}

// A Quantized is a type that quantised numbers are stored in.
type Quantized interface {
	~int8 | ~uint8 | ~int16 | ~uint16 | ~int32
}

// Quantize is
//
//	dst[i] = clamp(round(x[i] / scale) + zero, lo, hi)
//
// rounding to even. zero may be nil for 0. quotient, if not nil, rounds x/scale
// to a narrower type first. NaN becomes lo.
func Quantize[T Quantized](p *Pool, dst []T, x, scale []float32, zero []T, b *Blocks, lo, hi float64, quotient func(float32) float32) {
	if quotient == nil && hi-lo == 255 && unsafe.Sizeof(T(0)) == 1 {
		t := byteTask{v: active, b: *b, reals: x, bytes: wordsAs[uint8](dst), scale: scale, zero: wordsAs[uint8](zero), signed: lo < 0}
		if t.start(p) {
			return
		}
	}
	at := 0
	for o := range b.Outer {
		for i := range b.N {
			s := o*b.OuterStep + i/b.Size*b.Step
			for range b.Inner {
				q := x[at] / scale[s]
				if quotient != nil {
					q = quotient(q)
				}
				v := math.RoundToEven(float64(q))
				if zero != nil {
					v += float64(zero[s])
				}
				if !(v > lo) {
					v = lo
				} else if v > hi {
					v = hi
				}
				dst[at] = T(v)
				at++
				s += b.InnerStep
			}
		}
	}
}

// Quotients is dst[i] = x[i] / scale + zero, where zero may be nil.
func Quotients(dst, x, scale, zero []float32, b *Blocks) {
	at := 0
	for o := range b.Outer {
		for i := range b.N {
			s := o*b.OuterStep + i/b.Size*b.Step
			for range b.Inner {
				v := x[at] / scale[s]
				if zero != nil {
					v += zero[s]
				}
				dst[at] = v
				at++
				s += b.InnerStep
			}
		}
	}
}

// Dequantize is dst[i] = (x[i] - zero) * scale, where zero may be nil.
func Dequantize[T Number](p *Pool, dst []float32, x []T, scale []float32, zero []T, b *Blocks) {
	if unsafe.Sizeof(T(0)) == 1 {
		t := byteTask{v: active, b: *b, reals: dst, bytes: wordsAs[uint8](x), scale: scale, zero: wordsAs[uint8](zero), signed: T(0)-1 < 0, back: true}
		if t.start(p) {
			return
		}
	}
	at := 0
	for o := range b.Outer {
		for i := range b.N {
			s := o*b.OuterStep + i/b.Size*b.Step
			for range b.Inner {
				v := float64(x[at])
				if zero != nil {
					v -= float64(zero[s])
				}
				dst[at] = float32(v) * scale[s]
				at++
				s += b.InnerStep
			}
		}
	}
}

// DynamicRange is the scale and zero point with which [Quantize] maps all of x
// and 0 onto 0..255. Where x is all zero the scale is 1.
func DynamicRange(x []float32) (scale float32, zero uint8) {
	if least, most := active.extremes(x); least == least { // neither NaN nor infinities
		return rangeBetween(least, most)
	}
	return rangeBetween(min(0, MinOf(x)), max(0, MaxOf(x)))
}

func rangeBetween(least, most float32) (scale float32, zero uint8) {
	if least == most {
		return 1, 0
	}
	scale = (most - least) / 255
	z := math.RoundToEven(float64(min(max(-least/scale, 0), 255)))
	if z != z {
		return scale, 0
	}
	return scale, uint8(z)
}

// RoundToRange is x after [Quantize] to uint8 with its [DynamicRange] and back.
func RoundToRange(dst, x []float32) {
	scale, zero := DynamicRange(x)
	z := float64(zero)
	for i, v := range x {
		q := math.RoundToEven(float64(v/scale)) + z
		if !(q > 0) {
			q = 0
		} else if q > 255 {
			q = 255
		}
		dst[i] = float32(q-z) * scale
	}
}

// DequantizeColumns is dst[i] = (x[i] - zero) * scale for matrices of n columns;
// scale and zero have one element or one per column.
func DequantizeColumns[T int8 | uint8](dst []float32, x []T, n int, scale []float32, zero []T) {
	for i, v := range x {
		dst[i] = float32(int32(v)-int32(zero[i%n%len(zero)])) * scale[i%n%len(scale)]
	}
}

// UnpackBits writes n rows of k weights to dst. A row of x is blocks of so many
// numbers of bits bits, lowest bits first, each
//
//	(number - zero) * scale
//
// with the block's scale and zero. That is in zero, packed like x, a row in whole
// bytes, or in realZero as it is, or else the middle of the range.
func UnpackBits(dst []float32, x []uint8, scale []float32, zero []uint8, realZero []float32, n, k, bits, block int) {
	per, mask := 8/bits, byte(1<<bits-1)
	blocks := (k-1)/block + 1
	zeroRow := (blocks*bits + 7) / 8
	for row := range n {
		for b := range blocks {
			z := float32(int(1) << (bits - 1))
			if zero != nil {
				z = float32(zero[row*zeroRow+b/per] >> (b % per * bits) & mask)
			} else if realZero != nil {
				z = realZero[row*blocks+b]
			}
			s, from := scale[row*blocks+b], (row*blocks+b)*block/per
			for i := range min(block, k-b*block) {
				q := x[from+i/per] >> (i % per * bits) & mask
				dst[row*k+b*block+i] = (float32(q) - z) * s
			}
		}
	}
}

// SubtractTo is dst[i] = x[i] - zero[i] for inputs (x, zero) broadcast as bc
// says.
func SubtractTo[D, T Number](dst []D, x, zero []T, bc *Broadcast) {
	sx, sz := bc.Step[0], bc.Step[1]
	c := bc.At(0)
	for r := range bc.Rows {
		row := dst[r*bc.N : (r+1)*bc.N]
		for i := range row {
			row[i] = D(x[c.Off[0]+i*sx]) - D(zero[c.Off[1]+i*sz])
		}
		bc.Next(&c)
	}
}

// Requantize is
//
//	dst[i] = clamp(round(x[i] * rows[i/n%len(rows)] * columns[i%n%len(columns)]) + zero, lo, hi)
//
// for matrices of n columns. rows and columns have one element or as many as
// the matrices have rows or columns.
func Requantize[T int8 | uint8, X int32 | float32](dst []T, x []X, n int, rows, columns []float32, zero T, lo, hi float64) {
	for i, v := range x {
		f := rows[i/n%len(rows)] * columns[i%n%len(columns)]
		q := math.RoundToEven(float64(float32(v)*f)) + float64(zero)
		if !(q > lo) {
			q = lo
		} else if q > hi {
			q = hi
		}
		dst[i] = T(q)
	}
}

// Scale is [Requantize] without rounding:
//
//	dst[i] = x[i] * rows[i/n%len(rows)] * columns[i%n%len(columns)]
func Scale[X int32 | float32](dst []float32, x []X, n int, rows, columns []float32) {
	for i, v := range x {
		dst[i] = float32(v) * rows[i/n%len(rows)] * columns[i%n%len(columns)]
	}
}

// UnpackCodes is dst[i] = codes[number i of x] * scale[i/block], where a byte of x
// holds two numbers, the first in its high bits.
func UnpackCodes(dst []float32, x []uint8, codes *[16]float32, scale []float32, block int) {
	for i := range dst {
		dst[i] = codes[x[i/2]>>(4-i%2*4)&15] * scale[i/block]
	}
}
