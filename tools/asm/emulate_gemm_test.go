package main

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func TestGemm(t *testing.T) {
	emulate(t, emitGemm, func(k kernels) {
		for vectors, most := range tiles(k.x) {
			for rows := 1; rows <= most; rows++ {
				w := vectors * k.lanes
				for _, depth := range []int{0, 1, 4, 7} {
					for _, panels := range []int{1, 4, 6} {
						k.gemm(fmt.Sprintf("gemm%dx%d%s", rows, w, k.x.name), rows, w, depth, panels)
						if vectors == len(tiles(k.x))-1 && rows > 1 {
							k.gemm(fmt.Sprintf("gemmFar%dx%d%s", rows, w, k.x.name), rows, w, depth, panels)
						}
					}
				}
			}
		}
	})
}

func (k kernels) gemm(name string, rows, w, depth, panels int) {
	last := []int{1 + k.r.IntN(w), w}[k.r.IntN(2)]
	rs, cs := depth+k.r.IntN(3), 1
	if k.r.IntN(2) == 0 { // columns laid out one after the other
		rs, cs = 1, rows+k.r.IntN(3)
	}
	ldc, add := panels*w+k.r.IntN(3), k.r.IntN(2) == 1
	bs, pb := w, depth*w // panels, or rows
	if k.r.IntN(2) == 0 {
		bs, pb = panels*w+k.r.IntN(3), w
	}
	a, c, next := k.floats((rows-1)*rs+max(0, depth-1)*cs+1), k.floats((rows-1)*ldc+(panels-1)*w+last), k.floats(1)
	var b []float32
	if depth > 0 {
		b = k.floats((panels-1)*pb + (depth-1)*bs + w)
	}
	was := slices.Clone(c)
	k.call(name, depth, panels, a, rs, cs, b, bs, pb, emu.Out(c), ldc, last, add, next, 1)
	for at := range c {
		i, j := at/ldc, at%ldc
		want, size, off := float64(was[at]), 0.0, 0.0
		if j < (panels-1)*w+last {
			if size = math.Abs(want); !add {
				want, size = 0, 0
			}
			for l := range depth {
				term := float64(a[i*rs+l*cs]) * float64(b[j/w*pb+l*bs+j%w])
				want, size = want+term, size+math.Abs(term)
			}
			off = float64(depth+4) * unit * size
		}
		near(k.t, want, c[at], off, "%s, k %d, %d panels, last %d, add %v: row %d, column %d", name, depth, panels, last, add, i, j)
	}
}
