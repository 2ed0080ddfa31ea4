package main

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func TestWinograd(t *testing.T) {
	in := [4][4]float64{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}
	out := [2][4]float64{{1, 1, 1, 0}, {0, 1, -1, -1}}
	emulate(t, emitWinograd, func(k kernels) {
		if k.x.wide {
			return
		}
		for _, n := range []int{1, 8, 9, 16} {
			tiles := (n + 7) / 8 * 8
			pitch, apart := 2*tiles+2+k.r.IntN(3), tiles+k.r.IntN(3)
			d, v := k.floats(3*pitch+2*tiles+2), k.floats(15*apart+tiles)
			was := slices.Clone(v)
			k.call("winogradIn"+k.x.name, n, d, pitch, emu.Out(v), apart)
			for i, got := range v {
				point, tile := i/apart, i%apart
				if tile >= tiles {
					near(k.t, float64(was[i]), got, 0, "winogradIn: beyond")
					continue
				}
				want := 0.0
				for r := range 4 {
					for c := range 4 {
						want += in[point/4][r] * float64(d[r*pitch+2*tile+c]) * in[point%4][c]
					}
				}
				near(k.t, want, got, 1e-6, "winogradIn: point %d of tile %d", point, tile)
			}

			m := k.floats(15*apart + tiles)
			y := [2][]float32{k.floats(2 * tiles), k.floats(2 * tiles)}
			m[0] = float32(math.NaN())
			bias, lo, hi := float32(.25), float32(-1), float32(1.5)
			k.call("winogradOut"+k.x.name, n, m, apart, emu.Out(y[0]), emu.Out(y[1]), bias, lo, hi)
			for r := range y {
				for i, got := range y[r] {
					want := float64(bias)
					for p := range 16 {
						if w := out[r][p/4] * out[i%2][p%4]; w != 0 {
							want += w * float64(m[p*apart+i/2])
						}
					}
					near(k.t, min(max(want, float64(lo)), float64(hi)), got, 4e-6, "winogradOut, %s: row %d, column %d", fmt.Sprint(n), r, i)
				}
			}
		}
	})
}
