package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// someTaps is an axis of random weights, which may turn back in the middle.
func someTaps(r *rand.Rand, n, m, taps int, falling bool) *Taps[float32] {
	a := &Taps[float32]{N: n, M: m, Taps: taps, Weight: random(r, m*taps)}
	for j := range m {
		first := (j+1)*n/m - taps/2
		if falling && j > m/2 {
			first = n - 1 - first
		}
		for t := range taps {
			a.Index = append(a.Index, int32(min(max(first+t, 0), n-1)))
		}
	}
	return a
}

func TestResample(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range []struct{ outer, n, m, n2, m2, taps, taps2 int }{
			{3, 1, 2, 9, 18, 2, 2}, {3, 2, 4, 8, 16, 2, 2}, {2, 5, 10, 21, 42, 2, 2}, {2, 7, 9, 5, 10, 2, 2}, {2, 9, 4, 11, 30, 4, 4}, {2, 9, 3, 12, 5, 6, 6}, {1, 60, 90, 70, 140, 2, 2},
		} {
			for _, falling := range []bool{false, true} {
				for _, uniform := range []bool{false, true} {
					v, h := someTaps(r, c.n, c.m, c.taps, falling), someTaps(r, c.n2, c.m2, c.taps2, false)
					for i := range h.Weight {
						if uniform && c.taps2 == 2 {
							h.Weight[i] = h.Weight[i%4]
						}
					}
					h.Prepare()
					if h.doubled {
						for i := range h.Weight {
							was := h.Weight[i]
							h.Weight[i]++
							h.Prepare()
							require.False(t, h.doubled && h.M > 2, "one weight differs")
							h.Weight[i] = was
						}
						h.Prepare()
					}
					require.Equal(t, uniform && c.taps2 == 2 && c.m2 == 2*c.n2, h.doubled)
					src := guard(r, c.outer*c.n*c.n2, 3)
					first := make([]float64, c.outer*c.n*c.m2)
					for i := range first {
						for t, k := range h.Index[i%c.m2*h.Taps:][:h.Taps] {
							first[i] += float64(h.Weight[i%c.m2*h.Taps+t]) * float64(src.s[i/c.m2*c.n2+int(k)])
						}
					}
					down := func(x []float64, width int) []float64 {
						y := make([]float64, c.outer*c.m*width)
						for i := range y {
							o, j, at := i/width/c.m, i/width%c.m, i%width
							for t, k := range v.Index[j*v.Taps:][:v.Taps] {
								y[i] += float64(v.Weight[j*v.Taps+t]) * x[(o*c.n+int(k))*width+at]
							}
						}
						return y
					}
					check := func(s Resample[float32], want []float64) {
						t.Helper()
						dst := guard(r, len(want), 1)
						s.Src, s.Dst, s.Halt = src.s, dst.s, func() error { return nil }
						s.Run(nil)
						for i := range want {
							if math.Abs(want[i]-float64(dst.s[i])) > 1e-5 {
								require.InDelta(t, want[i], dst.s[i], 1e-5, "%v, element %d", c, i)
							}
						}
						dst.checkZone(t)
						src.checkUnchanged(t)
						again := make([]float32, len(want))
						s.Dst = again
						for i := range s.Rows() {
							s.rows(i, i+1)
						}
						requireSameBits(t, dst.s, again, "row by row")
					}
					check(Resample[float32]{Outer: c.outer, V: v, H: h}, down(first, c.m2))
					check(Resample[float32]{Outer: c.outer * c.n, H: h}, first)
					wide := make([]float64, len(src.s))
					for i, x := range src.s {
						wide[i] = float64(x)
					}
					check(Resample[float32]{Outer: c.outer, Inner: c.n2, V: v}, down(wide, c.n2))
				}
			}
		}
	})
}

func TestPickNearest(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		pick := func(kind, n, m int) Pick {
			a := Pick{N: n, M: m}
			for j := range m {
				switch kind {
				case 1:
					a.Index = append(a.Index, int32(j*n/m))
				case 2:
					a.Index = append(a.Index, int32(min((j+1)*n/m, n-1)))
				}
			}
			return a
		}
		for kinds := range 27 {
			for _, n := range []int{3, 9, 16} {
				for _, inner := range []int{1, 3} {
					s := &Nearest{Inner: inner}
					size := inner
					for _, kind := range []int{kinds % 3, kinds / 3 % 3, kinds / 9} {
						m := n
						if kind > 0 {
							m = 2 * n
						}
						s.Axes = append(s.Axes, pick(kind, n, m))
						size *= m
					}
					src := random(r, n*n*n*inner)
					want := make([]float32, size)
					for i := range want {
						rest, step, at := i/inner, inner, i%inner
						for d := 2; d >= 0; d-- {
							at += s.Axes[d].at(rest%s.Axes[d].M) * step
							rest /= s.Axes[d].M
							step *= n
						}
						want[i] = src[at]
					}
					dst := guard(r, size, 1)
					never := func() error { return nil }
					PickNearest(nil, never, s, wordsAs[uint32](dst.s), wordsAs[uint32](src))
					requireSameBits(t, want, dst.s, "%d of %d by %d", kinds, n, inner)
					dst.checkZone(t)
					wide, halves := make([]float64, size), make([]float64, len(src))
					for i, x := range src {
						halves[i] = float64(x)
					}
					rows, width := s.sizes()
					for i := range rows {
						pickRows(never, s, wide, halves, i, i+1)
					}
					clear(dst.s)
					for i := 0; i < rows; i += 5 {
						pickRows(never, s, wordsAs[uint32](dst.s), wordsAs[uint32](src), i, min(i+5, rows))
					}
					requireSameBits(t, want, dst.s, "5 rows at a time: %d of %d by %d", kinds, n, inner)
					require.Equal(t, rows*width, size)
					for i := range want {
						if float64(want[i]) != wide[i] {
							require.Equal(t, float64(want[i]), wide[i])
						}
					}
				}
			}
		}
	})
}
