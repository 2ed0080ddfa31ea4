package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func winogradCases() []convCase {
	return []convCase{
		{image(3, 1, 1, 1, 14, 14), 2, 1, 8, 12},                      // whole tiles
		{image(3, 1, 1, 1, 7, 7), 5, 1, 40, 13},                       // half ones, of several samples
		{image(3, 1, 1, 0, 5, 5), 1, 1, 9, 8},                         // no padding
		{image(3, 1, 1, 1, 56, 56), 1, 1, 16, 20},                     // several units
		{image(3, 1, 1, 1, 33, 140), 1, 1, 8, 9},                      // rows of more tiles than a unit has
		{image(3, 1, 1, 1, 21, 35), 2, 1, 8, 9},                       // an odd width
		{image(3, 1, 1, 2, 3, 4), 1, 1, 300, 8},                       // more padding than inputs
		{image(3, 1, 1, 1, 1, 1), 3, 1, 20, 70},                       // a point
		{oblong(image(3, 1, 1, 1, 6, 9), 3, 1, 1, -2, 3), 1, 1, 8, 8}, // padding that cuts off
	}
}

func TestConvWinograd(t *testing.T) {
	negate := func(dst, src []float32) {
		for i, v := range src {
			dst[i] = -v
		}
	}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n, c := range winogradCases() {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				x, w := guard(r, c.b*c.i*c.w.InLen(), n%5), guard(r, c.o*c.i*9, n%3)
				bias, add := guard(r, c.o, 1), guard(r, c.b*c.o*c.w.OutLen(), n%2)
				want, size := naiveConv(&c, x.s, w.s, bias.s, add.s)
				packed := PackWinograd(w.s, c.i, c.o)
				var first []float32
				for threads := 1; threads <= 3; threads++ {
					p := NewPool(threads)
					y := guard(r, len(add.s), n%7)
					dirtyScratch()
					var run WinogradRun
					args := c.args(x.s, nil, y.s, bias.s)
					require.True(t, run.Moderate(p, args))
					require.NoError(t, ConvWinograd(p, args, packed, ConvEnd{Add: add.s}, &run))
					for _, g := range []*guarded{x, w, bias, add} {
						g.checkUnchanged(t)
					}
					y.checkZone(t)
					for i, v := range y.s {
						require.InDelta(t, want[i], v, 4e-7*(size[i]+8), "%d of %d", i, len(y.s))
					}
					if first == nil {
						first = append(first, y.s...)
					}
					requireSameBits(t, first, y.s, "%d threads", threads)

					plain := append([]float32(nil), y.s...)
					require.NoError(t, ConvWinograd(p, args, packed, ConvEnd{Add: add.s, Clip: true, Lo: -.25, Hi: .5, Act: negate}, &run))
					y.checkZone(t)
					for i, v := range y.s {
						require.Equal(t, -min(max(plain[i], -.25), .5), v, "clipped: %d of %d", i, len(y.s))
					}
				}
				y := make([]float32, len(add.s))
				require.NoError(t, ConvPacked(nil, c.args(x.s, nil, y, bias.s), packed.Direct(), ConvEnd{Add: add.s}, new(ConvRun)))
				for i, v := range y {
					require.InDelta(t, want[i], v, 6e-7*(size[i]+1), "directly: %d of %d", i, len(y))
				}
			})
		}
	})
}

// Small integers and their products are exact, so Winograd's sums are too.
func TestConvWinogradIsExactForSmallIntegers(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n, c := range winogradCases() {
			x, w := make([]float32, c.b*c.i*c.w.InLen()), make([]float32, c.o*c.i*9)
			for _, s := range [][]float32{x, w} {
				for i := range s {
					s[i] = float32(r.IntN(9) - 4)
				}
			}
			want, _ := naiveConv(&c, x, w, make([]float32, c.o), make([]float32, c.b*c.o*c.w.OutLen()))
			y := make([]float32, len(want))
			require.NoError(t, ConvWinograd(nil, c.args(x, nil, y, nil), PackWinograd(w, c.i, c.o), ConvEnd{}, new(WinogradRun)))
			for i, v := range y {
				require.Equal(t, float32(want[i]), v, "case %d: %d of %d", n, i, len(y))
			}
		}
	})
}

func TestWinogradLeavesOutWhatCouldOverflow(t *testing.T) {
	c := winogradCases()[0]
	w := make([]float32, 9*c.i*c.o)
	require.NotNil(t, PackWinograd(w, c.i, c.o))
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), -math.MaxFloat32} {
		w[len(w)-1] = v
		require.Nil(t, PackWinograd(w, c.i, c.o), "%v", v)
	}
	x := make([]float32, c.b*c.i*c.w.InLen())
	var run WinogradRun
	require.True(t, run.Moderate(nil, c.args(x, nil, nil, nil)))
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32} {
		x[len(x)-1] = v
		require.False(t, run.Moderate(NewPool(2), c.args(x, nil, nil, nil)), "%v", v)
	}
	y := make([]float32, c.b*c.o*c.w.OutLen())
	for i := range w {
		w[i] = winogradWeights
	}
	for i := range x {
		x[i] = winogradInputs
	}
	require.True(t, run.Moderate(nil, c.args(x, nil, nil, nil)))
	require.NoError(t, ConvWinograd(nil, c.args(x, nil, y, nil), PackWinograd(w, c.i, c.o), ConvEnd{}, &run))
	for _, v := range y {
		require.Zero(t, v-v)
	}
}

func TestWinogradIsForStepsOfOne(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		n := 2 * active.winogradLeast
		for _, c := range []struct {
			w                Window
			group, cin, cout int
			want             bool
		}{
			{image(3, 1, 1, 1, 9, 9), 1, n, n, true},
			{image(3, 1, 1, 1, 9, 9), 2, n, n, false},
			{image(3, 1, 1, 1, 9, 9), 1, 3, n, false},
			{image(3, 1, 1, 1, 9, 9), 1, n, 3, false},
			{image(3, 2, 1, 1, 9, 9), 1, n, n, false},
			{image(3, 1, 2, 1, 9, 9), 1, n, n, false},
			{image(5, 1, 1, 1, 9, 9), 1, n, n, false},
			{image(3, 1, 1, 1, 9), 1, n, n, false},
			{image(3, 1, 1, 1, 9, 9, 9), 1, n, n, false},
		} {
			require.Equal(t, c.want, c.w.Winograd(c.group, c.cin, c.cout), "%+v", c)
		}
	})
}
