package main

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func TestConv(t *testing.T) {
	emulate(t, emitConv, func(k kernels) {
		for vectors := 1; vectors < len(tiles(k.x)); vectors++ {
			for rows := 1; rows <= convRows; rows++ {
				for _, depth := range []int{1, 3, 4, 9} {
					k.conv(fmt.Sprintf("conv%dx%d%s", rows, vectors*k.lanes, k.x.name), rows, vectors, depth, false)
					if vectors == len(tiles(k.x))-1 {
						k.conv(fmt.Sprintf("convAndLay%dx%d%s", rows, vectors*k.lanes, k.x.name), rows, vectors, depth, true)
					}
				}
			}
		}
		for vectors := 1; vectors < len(tiles(k.x)); vectors++ {
			n, width := vectors*k.lanes, (len(tiles(k.x))-1)*k.lanes
			for _, depth := range []int{1, 4, 7} {
				b, dst := k.floats(n+9), k.floats(depth*width)
				off, was := k.offsets(depth, n, len(b)), slices.Clone(dst)
				k.call(fmt.Sprintf("convLay%d%s", n, k.x.name), depth, emu.Out(dst), b, off)
				for i, v := range dst {
					want := was[i]
					if i%width < n {
						want = b[off[i/width]+i%width]
					}
					near(k.t, float64(want), v, 0, "convLay%d: row %d, column %d", n, i/width, i%width)
				}
			}
		}
		if !k.x.wide {
			k.layRows()
			for step := 1; step <= 2; step++ {
				for stripes := 1; stripes <= 2; stripes++ {
					for range 20 {
						k.depthwise3x3(step, stripes)
					}
				}
			}
		}
		for _, rows := range []int{0, 1, 4, 6, 9, 14, 18} {
			for _, taps := range []int{1, 2, 9} {
				for _, cols := range []int{1, 4, k.lanes - 1, k.lanes} {
					k.window(rows, cols, taps)
				}
			}
		}
	})
}

// layRows lays out panels of 16 columns that are parts of rows.
func (k kernels) layRows() {
	for _, at := range [][]int{{0, 9}, {0, 1, 15}, {0, 3, 8, 13}} {
		for _, depth := range []int{1, 4, 7} {
			b, dst := k.floats(60), k.floats(depth*16+at[len(at)-1])
			off, from := k.offsets(depth, 16, 30), k.offsets(len(at), 16, 40)
			k.call("convLayRows"+k.x.name, depth, len(at), emu.Out(dst), b, off, at, from)
			for i, v := range dst[:depth*16] {
				row := len(at) - 1
				for at[row] > i%16 {
					row--
				}
				near(k.t, float64(b[off[i/16]+from[row]+i%16-at[row]]), v, 0, "convLayRows of %d: row %d, column %d", len(at), i/16, i%16)
			}
		}
	}
}

// offsets are places of n rows of width values in a block of the given length.
func (k kernels) offsets(n, width, length int) []int {
	off := make([]int, n)
	for i := range off {
		off[i] = k.r.IntN(length - width + 1)
	}
	return off
}

// depthwise3x3 is a convolution of a channel by three by three taps, of an image whose rows lie
// ld apart.
func (k kernels) depthwise3x3(step, stripes int) {
	name := fmt.Sprintf("depthwise3x3s%dx%d%s", step, stripes*k.lanes, k.x.name)
	rows, height, apart := 1+k.r.IntN(7), 1+k.r.IntN(6), 1+k.r.IntN(k.lanes)
	cols := k.lanes
	if stripes > 1 {
		cols += apart
	}
	wide := (cols-1)*step + 3
	ld, ldc := wide+k.r.IntN(3), cols+k.r.IntN(3)
	x, w, zero := k.floats(1+(height-1)*ld+wide), k.floats(9), make([]float32, 1+wide)
	c, first := k.floats((rows-1)*ldc+cols), k.r.IntN(5)-2
	left, right := k.r.IntN(2), k.r.IntN([]int{0, 5, 3}[step])
	was, bias, lo, hi := slices.Clone(c), float32(.25), float32(-1), float32(1.5)
	x[k.r.IntN(len(x))] = float32(math.NaN())
	k.call(name, x, ld, first, height, zero, w, left, right, emu.Out(c), ldc, apart, rows, bias, lo, hi)
	for at := range c {
		i, j := at/ldc, at%ldc
		if j >= cols {
			near(k.t, float64(was[at]), c[at], 0, "%s: beyond", name)
			continue
		}
		sum, size := float64(bias), 2.0
		for t, v := range w {
			r, col := first+i*step+t/3, j*step+t%3
			if r < 0 || r >= height || left > 0 && col == 0 || t%3 == 2 && j >= cols-right {
				continue
			}
			term := float64(v) * float64(x[1+r*ld+col])
			sum, size = sum+term, size+math.Abs(term)
		}
		near(k.t, min(max(sum, float64(lo)), float64(hi)), c[at], 13*unit*size, "%s: row %d, column %d", name, i, j)
	}
}

func (k kernels) conv(name string, rows, vectors, depth int, lays bool) {
	last := []int{1 + k.r.IntN(k.lanes), k.lanes}[k.r.IntN(2)]
	panels := 1 + k.r.IntN(3)
	if lays {
		last, panels = k.lanes, 1
	}
	apart := vectors*k.lanes + k.r.IntN(3)
	width := (panels-1)*apart + vectors*k.lanes
	cols := panels*vectors*k.lanes - k.lanes + last
	ldc, ldf := cols+k.r.IntN(3), cols+k.r.IntN(3)
	a, b, bias := k.floats(depth*rows), k.floats(width+depth*5), k.floats(rows)
	c, from := k.floats((rows-1)*ldc+cols), k.floats((rows-1)*ldf+cols)
	off := k.offsets(depth, width, len(b))
	was, added := slices.Clone(c), slices.Clone(from)
	if k.r.IntN(3) == 0 {
		from, added = nil, make([]float32, len(from))
	}
	lo, hi := float32(-1), float32(1.5)
	b[0] = float32(math.NaN())
	if lays {
		lay := k.floats(depth * width)
		k.call(name, depth, panels, a, b, apart, off, emu.Out(c), ldc, last, from, ldf, bias, lo, hi, emu.Out(lay))
		for i, v := range lay {
			near(k.t, float64(b[off[i/width]+i%width]), v, 0, "%s: laid row %d, column %d", name, i/width, i%width)
		}
	} else {
		k.call(name, depth, panels, a, b, apart, off, emu.Out(c), ldc, last, from, ldf, bias, lo, hi)
	}
	for at := range c {
		i, j := at/ldc, at%ldc
		if j >= cols {
			near(k.t, float64(was[at]), c[at], 0, "%s: beyond", name)
			continue
		}
		want := float64(bias[i]) + float64(added[i*ldf+j])
		size := math.Abs(want)
		for l, o := range off {
			term := float64(a[l*rows+i]) * float64(b[o+j/(vectors*k.lanes)*apart+j%(vectors*k.lanes)])
			want, size = want+term, size+math.Abs(term)
		}
		near(k.t, min(max(want, float64(lo)), float64(hi)), c[at], float64(depth+4)*unit*size, "%s, k %d, last %d: row %d, column %d", name, depth, last, i, j)
	}
}

func (k kernels) window(rows, cols, taps int) {
	ldb, ldc := k.lanes+k.r.IntN(3), cols+k.r.IntN(3)
	b, w := k.floats(max(rows-1, 0)*ldb+k.lanes+20), k.floats(taps)
	off := k.offsets(taps, k.lanes, k.lanes+20)
	b[3] = float32(math.NaN())
	c := k.floats(max(rows-1, 0)*ldc + cols)
	was, largest := slices.Clone(c), slices.Clone(c)
	bias, lo, hi := float32(.25), float32(-1), float32(1.5)
	k.call("depthwise"+k.x.name, taps, off, w, b, ldb, emu.Out(c), ldc, rows, cols, bias, lo, hi)
	k.call("maxima"+k.x.name, taps, off, b, ldb, emu.Out(largest), ldc, rows, cols)
	for at := range c {
		i, j := at/ldc, at%ldc
		if j >= cols || i >= rows {
			near(k.t, float64(was[at]), c[at], 0, "depthwise: beyond")
			near(k.t, float64(was[at]), largest[at], 0, "maxima: beyond")
			continue
		}
		sum, size, top := float64(bias), 2.0, math.Inf(-1)
		for t, o := range off {
			v := float64(b[i*ldb+o+j])
			sum, size, top = sum+float64(w[t])*v, size+math.Abs(float64(w[t])*v), max(top, v)
		}
		near(k.t, min(max(sum, float64(lo)), float64(hi)), c[at], float64(taps+4)*unit*size, "depthwise of %d taps: row %d, column %d", taps, i, j)
		near(k.t, top, largest[at], 0, "maxima of %d taps: row %d, column %d", taps, i, j)
	}
}
