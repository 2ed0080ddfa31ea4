package main

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

// halves are pairs of bfloat16 in a word.
func (k kernels) halves(n int) []uint32 {
	s := make([]uint32, n)
	for i := range s {
		lo, hi := math.Float32bits(float32(k.r.NormFloat64())), math.Float32bits(float32(k.r.NormFloat64()))
		s[i] = lo>>16 | hi&0xffff0000
	}
	return s
}

func half(words []uint32, width, j int) float32 {
	if j < width/2 {
		return math.Float32frombits(words[j] << 16)
	}
	return math.Float32frombits(words[j-width/2] & 0xffff0000)
}

func TestBF16Row(t *testing.T) {
	emulate(t, emitBF16, func(k kernels) {
		w := (len(tiles(k.x)) - 1) * k.lanes
		for _, rows := range []int{1, 2, 3, 4, 5, 7, 8, 21} {
			for _, panels := range []int{1, 3} {
				for _, last := range []int{1, k.lanes - 1, k.lanes, k.lanes + 1, w - 1, w} {
					for _, add := range []bool{false, true} {
						a, b, c := k.floats(rows), k.halves(panels*rows*w/2), k.floats((panels-1)*w+last)
						was := slices.Clone(c)
						k.call(fmt.Sprintf("bf16Row%d%s", w, k.x.name), rows, panels, a, b, emu.Out(c), len(c), last, add)
						for j := range c {
							var want, size float64
							for l := range rows {
								term := float64(a[l]) * float64(half(b[(j/w*rows+l)*w/2:], w, j%w))
								want, size = want+term, size+math.Abs(term)
							}
							if add {
								want, size = want+float64(was[j]), size+math.Abs(float64(was[j]))
							}
							near(k.t, want, c[j], float64(rows+4)*unit*size, "%d of %d, k %d, add %v", j, len(c), rows, add)
						}
					}
				}
			}
		}
	})
}

func TestBF16ExpandIsExact(t *testing.T) {
	emulate(t, emitBF16, func(k kernels) {
		w := (len(tiles(k.x)) - 1) * k.lanes
		for _, rows := range []int{0, 1, 2, 5} {
			src, dst, want := k.halves(rows*w/2), make([]float32, rows*w), make([]float32, rows*w)
			for i := range want {
				want[i] = half(src[i/w*w/2:], w, i%w)
			}
			k.call(fmt.Sprintf("bf16Expand%d%s", w, k.x.name), rows, emu.Out(dst), src)
			require.Equal(k.t, want, dst)
		}
	})
}
