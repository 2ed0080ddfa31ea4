package kernel

import (
	"encoding/binary"
	"unsafe"
)

// convBytesBlock is about how many bytes of unrolled windows are multiplied at a
// time: few enough for a second-level cache beside the weights that pass by.
const convBytesBlock = 1 << 17

// A ConvBytes is a convolution of integers of one group,
//
//	y(b,m,o) = sum_{c,k}((x(b,c,input of (o,k)) - zero) * w(m,c,k)) * scale*scale(m) + bias[m]
//
// with the weights packed by [PackConvBytes]. Inputs outside count as zero does,
// so they add nothing. The sums are exact.
//
// Each sample's channels are brought together, so that a tap of the window is
// one run of bytes, windows are unrolled block by block, and the blocks
// multiplied by the weights as [GemmBytes] does.
type ConvBytes[T int8 | uint8] struct {
	Window     Window
	Batch, Cin int
	X          []T       // (Batch, Cin, input)
	Scale      float32   // of X
	Zero       T         // of X
	Weights    *PackedB  // (taps*Cin, Cout)
	Bias       []float32 // (Cout); nil for none
	Y          []float32 // (Batch, Cout, output)
	Sums       []int32   // as Y: the sums themselves, instead of Y if that is nil
	Stop       func() error

	image Window
	block int // outputs
}

// PackConvBytes packs weights w (cout, cin, taps), less the zero points, for a
// [ConvBytes]; scale and zero have cout elements or one for all.
func PackConvBytes[T int8 | uint8](cout, cin, taps int, w []T, scale []float32, zero []T) *PackedB {
	b := make([]T, len(w)) // (taps, Cin, Cout)
	for m := range cout {
		for c := range cin {
			for k := range taps {
				b[(k*cin+c)*cout+m] = w[(m*cin+c)*taps+k]
			}
		}
	}
	return PackInt8(taps*cin, cout, b, scale, zero)
}

// Use sets the window and reports whether it is one that Run can do.
func (a *ConvBytes[T]) Use(w Window) bool {
	var ok bool
	a.Window = w
	a.image, ok = w.image()
	if !ok || a.Cin == 0 {
		return false
	}
	k, _ := a.Weights.Size()
	a.block = max(8, min(convBytesBlock/max(k, 1), w.OutLen())&^7)
	return true
}

// Room is the bytes that each thread works with.
func (a *ConvBytes[T]) Room() int {
	k, n := a.Weights.Size()
	return a.Cin*a.Window.InLen() + a.block*(k+4*n) + RoomToRound(a.block, k) + 3*64
}

// Run computes Y. The error is Stop's; Y is incomplete then.
func (a *ConvBytes[T]) Run(p *Pool) error {
	if len(a.Y)+len(a.Sums) == 0 {
		return nil
	}
	blocks := ceilDiv(a.Window.OutLen(), a.block)
	if a.Batch >= p.Threads() {
		p.For(a.Batch, 1, func(lo, hi int) {
			s, x := borrowBytes(a.Cin * a.Window.InLen())
			defer s.release()
			for b := lo; b < hi && a.Stop() == nil; b++ {
				a.together(x, b, 0, a.Window.InLen())
				a.blocks(x, b, 0, blocks)
			}
		})
		return a.Stop()
	}
	s, x := borrowBytes(a.Cin * a.Window.InLen())
	defer s.release()
	for b := range a.Batch {
		p.For(ceilDiv(a.Window.InLen(), 64), max(1, 1<<10/a.Cin), func(lo, hi int) {
			a.together(x, b, lo*64, min(hi*64, a.Window.InLen()))
		})
		p.For(blocks, 1, func(lo, hi int) { a.blocks(x, b, lo, hi) })
	}
	return a.Stop()
}

func borrowBytes(n int) (*scratch, []uint8) {
	s, buf := borrow(ceilDiv(n, 4) + 1)
	return s, unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(buf))), n)
}

// flip is what makes integers with a sign of X, by exclusive or.
func (a *ConvBytes[T]) flip() uint8 { return 128 - int8Up[T]() }

// together brings positions [lo, hi) of sample b to x (positions, Cin), as integers
// with a sign.
func (a *ConvBytes[T]) together(x []uint8, b, lo, hi int) {
	in := a.Window.InLen()
	transposeBytes(x[lo*a.Cin:], a.Cin, wordsAs[uint8](a.X)[b*a.Cin*in+lo:], in, a.Cin, hi-lo, a.flip())
}

// blocks computes blocks [lo, hi) of sample b.
func (a *ConvBytes[T]) blocks(x []uint8, b, lo, hi int) {
	k, n := a.Weights.Size()
	out := a.Window.OutLen()
	s, rows := borrowBytes(a.block * k)
	defer s.release()
	m, sums := borrow(a.block * n)
	defer m.release()
	plain := a.Window.pointwise()
	for i := lo; i < hi && a.Stop() == nil; i++ {
		o := i * a.block
		count := min(a.block, out-o)
		from := rows
		if plain {
			from = x[o*a.Cin:]
		} else {
			a.unroll(rows, x, o, count)
		}
		bytes, zero, y := wordsAs[int8](from[:count*k]), int8(uint8(a.Zero)^a.flip()), a.Y
		if y != nil {
			GemmBytes(nil, count, bytes, a.Scale, zero, a.Weights, sums, n, Epilogue{Bias: a.Bias})
		} else {
			Int8Product(nil, count, bytes, []int8{zero}, a.Weights, wordsAs[int32](sums[:count*n]))
			y = wordsAs[float32](a.Sums)
		}
		transposeF32(a.Weights.v, y[b*n*out+o:], out, sums, n, count, n)
	}
}

// unroll writes what count outputs from number o on read, (taps, Cin) each.
func (a *ConvBytes[T]) unroll(dst, x []uint8, o, count int) {
	w, cin, zero := &a.image, a.Cin, uint8(a.Zero)^a.flip()
	row, width := w.Size[1]*cin, w.In[1]
	for ; count > 0; o, count = o+1, count-1 {
		top, left := o/w.Out[1]*w.Stride[0]-w.Pad[0], o%w.Out[1]*w.Stride[1]-w.Pad[1]
		for ky := range w.Size[0] {
			y, to := top+ky*w.Dilation[0], dst[:row]
			dst = dst[row:]
			if y < 0 || y >= w.In[0] {
				fillWith(to, zero)
				continue
			}
			line := x[y*width*cin:][:width*cin]
			if w.Dilation[1] == 1 {
				first, end := min(max(-left, 0), w.Size[1]), max(min(width-left, w.Size[1]), 0)
				if first < end {
					fillWith(to[:first*cin], zero)
					copy(to[first*cin:end*cin], line[(left+first)*cin:])
					fillWith(to[end*cin:], zero)
				} else {
					fillWith(to, zero)
				}
				continue
			}
			for kx := range w.Size[1] {
				if at := left + kx*w.Dilation[1]; at >= 0 && at < width {
					copy(to[kx*cin:(kx+1)*cin], line[at*cin:])
				} else {
					fillWith(to[kx*cin:(kx+1)*cin], zero)
				}
			}
		}
	}
}

// transposeBytes is dst[j*ldd+i] = src[i*lds+j] ^ flip for i < rows, j < cols.
func transposeBytes(dst []uint8, ldd int, src []uint8, lds, rows, cols int, flip uint8) {
	words := uint64(everyByte(flip)) * (1<<32 + 1)
	i := 0
	for ; i+8 <= rows; i += 8 {
		j := 0
		for ; j+8 <= cols; j += 8 {
			var v [8]uint64
			for r := range v {
				v[r] = binary.LittleEndian.Uint64(src[(i+r)*lds+j:])
			}
			transpose8(&v)
			for r := range v {
				binary.LittleEndian.PutUint64(dst[(j+r)*ldd+i:], v[r]^words)
			}
		}
		for ; j < cols; j++ {
			for r := range 8 {
				dst[j*ldd+i+r] = src[(i+r)*lds+j] ^ flip
			}
		}
	}
	for ; i < rows; i++ {
		for j := range cols {
			dst[j*ldd+i] = src[i*lds+j] ^ flip
		}
	}
}

// transpose8 transposes 8 by 8 bytes: single ones, then pairs, then fours change
// places.
func transpose8(v *[8]uint64) {
	for r := 0; r < 8; r += 2 {
		t := (v[r]>>8 ^ v[r+1]) & 0x00ff00ff00ff00ff
		v[r], v[r+1] = v[r]^t<<8, v[r+1]^t
	}
	for _, r := range [4]int{0, 1, 4, 5} {
		t := (v[r]>>16 ^ v[r+2]) & 0x0000ffff0000ffff
		v[r], v[r+2] = v[r]^t<<16, v[r+2]^t
	}
	for r := range 4 {
		t := (v[r]>>32 ^ v[r+4]) & 0x00000000ffffffff
		v[r], v[r+4] = v[r]^t<<32, v[r+4]^t
	}
}
