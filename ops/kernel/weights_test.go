package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBFloat16Kernels(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r, v := seeded(), active
		w := v.panel()
		for _, k := range []int{1, 2, 3, 4, 5, 33} {
			for _, n := range []int{1, w - 1, w, w + 1, 3 * w, 5*w - 2} {
				b, a := random(r, k*n), guard(r, k, r.IntN(4))
				half := packHalf(v, false, k, n, b, n)
				panels := ceilDiv(n, w)
				for _, add := range []bool{false, true} {
					c := guard(r, n, r.IntN(4))
					v.halfRow(k, panels, &a.s[0], &half[0], &c.s[0], 0, n-(panels-1)*w, add)
					for j := range c.s {
						var sum float64
						for l := range k {
							sum += float64(a.s[l]) * float64(math.Float32frombits(toBFloat16(b[l*n+j])<<16))
						}
						if add {
							sum += float64(c.was[j])
						}
						require.InDelta(t, sum, c.s[j], 1e-5, "%d of %d columns, k %d", j, n, k)
					}
					c.checkZone(t)
					a.checkUnchanged(t)
				}
				wide := guard(r, k*w, 0)
				v.halfExpand(k, &wide.s[0], &half[0])
				for i, x := range wide.s {
					want := float32(0)
					if i%w < n {
						want = math.Float32frombits(toBFloat16(b[i/w*n+i%w]) << 16)
					}
					require.Equal(t, want, x)
				}
				wide.checkZone(t)
			}
		}
	})
}

func TestToBFloat16RoundsToNearestEven(t *testing.T) {
	for bits, want := range map[uint32]uint32{
		0x3f800000: 0x3f80, 0x3f808000: 0x3f80, 0x3f808001: 0x3f81, 0x3f818000: 0x3f82, 0x7f7fffff: 0x7f80,
		0x7f800000: 0x7f80, 0xff800000: 0xff80, 0x80000000: 0x8000, 0x00000001: 0,
	} {
		require.Equal(t, want, toBFloat16(math.Float32frombits(bits)), "%#x", bits)
	}
	require.True(t, math.IsNaN(float64(math.Float32frombits(toBFloat16(math.Float32frombits(0x7f800001))<<16))))
}

// rounded is what the weights of b (k, n) are once stored as t, in float32.
func rounded(t WeightType, b []float32, k, n int) []float32 {
	out := make([]float32, k*n)
	for j := range n {
		var most float32
		for l := range k {
			most = max(most, b[l*n+j], -b[l*n+j])
		}
		for l := range k {
			x := b[l*n+j]
			if t == WeightBFloat16 {
				x = math.Float32frombits(toBFloat16(x) << 16)
			} else {
				x = float32(math.RoundToEven(float64(x/(most/127)))) * (most / 127)
			}
			out[l*n+j] = x
		}
	}
	return out
}

func TestGemmPackedWithSmallerWeights(t *testing.T) {
	pools := []*Pool{nil, NewPool(3)}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, wt := range []WeightType{WeightBFloat16, WeightInt8} {
			for _, s := range [][3]int{{1, 1, 1}, {1, 70, 33}, {2, 17, 5}, {5, 130, 64}, {13, 65, 100}, {33, 200, 257}, {3, 16, 0}, {1, 64, 1030}, {7, 20, 1030}} {
				m, n, k := s[0], s[1], s[2]
				a, b, bias := random(r, m*k), random(r, k*n), random(r, n)
				w, b := PackBAs(wt, true, k, n, transposed(b, k, n), max(k, 1)), rounded(wt, b, k, n)
				if wt == WeightInt8 { // rows of data are rounded too
					for i := range m {
						copy(a[i*k:(i+1)*k], transposed(rounded(wt, transposed(a[i*k:(i+1)*k], 1, k), k, 1), k, 1))
					}
				}
				var first []float32
				for _, p := range pools {
					c := guard(r, m*n, 1)
					GemmPacked(p, m, a, k, w, c.s, n, Epilogue{Bias: bias, Act: ActRelu})
					for i := range m {
						for j := range n {
							sum := float64(bias[j])
							for l := range k {
								sum += float64(a[i*k+l]) * float64(b[l*n+j])
							}
							if d := math.Abs(max(sum, 0) - float64(c.s[i*n+j])); !(d <= 1e-6*(10+float64(k))) {
								require.Failf(t, "wrong product", "%v %v at %d, %d: %v, want %v", wt, s, i, j, c.s[i*n+j], sum)
							}
						}
					}
					c.checkZone(t)
					if first == nil {
						first = c.s
					}
					requireSameBits(t, first, c.s, "%v %v with %d threads", wt, s, p.Threads())
				}
				require.Less(t, w.Bytes(), 1<<10+k*n*4)
			}
		}
	})
}

func transposed(x []float32, rows, cols int) []float32 {
	out := make([]float32, len(x))
	Transpose2D(out, x, rows, cols)
	return out
}

// A row with a NaN is NaN; the others are not touched by it.
func TestInt8KeepsNaN(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		a, c := random(r, 3*40), make([]float32, 3*20)
		a[50] = float32(math.NaN())
		GemmPacked(nil, 3, a, 40, PackBAs(WeightInt8, false, 40, 20, random(r, 40*20), 20), c, 20, Epilogue{})
		for i, y := range c {
			require.Equal(t, i/20 == 1, y != y, "at %d", i)
		}
	})
}

// With bfloat16 a layer equals one of float32 whose weights were rounded
// beforehand; with int8 it is as near as 8 bits are.
func TestRecurrencesWithSmallerWeights(t *testing.T) {
	pools := []*Pool{nil, NewPool(2)}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range lstmCases()[:10] {
			for _, wt := range []WeightType{WeightBFloat16, WeightInt8} {
				t.Run(fmt.Sprintf("%v/%+v", wt, c), func(t *testing.T) {
					d := newLSTMData(r, c)
					w := PackLSTMAs(wt, c.I, c.H, d.w, d.r, d.b)
					gw := PackGRUAs(wt, c.I, c.H, d.w, d.r, d.b)
					eps := 1e-5
					if wt == WeightInt8 {
						eps = 0.05
					}
					d.w = transposed(rounded(wt, transposed(d.w, 4*c.H, c.I), c.I, 4*c.H), c.I, 4*c.H)
					d.r = transposed(rounded(wt, transposed(d.r, 4*c.H, c.H), c.H, 4*c.H), c.H, 4*c.H)
					want := d.naive()
					gy, gh := d.gruNaive()
					var first lstmResult
					for _, p := range pools {
						got := d.run(t, p, w)
						requireClose(t, want.y, got.y, eps, "y")
						requireClose(t, want.yc, got.yc, 2*eps, "yc")
						if first.y == nil {
							first = got
						}
						requireSameBits(t, first.y, got.y, "%d threads", p.Threads())
						y, yh := make([]float32, len(gy)), make([]float32, len(gh))
						require.NoError(t, GRU(p, gw, &GRUArgs{T: d.T, B: d.B, X: d.x, XT: d.xt, XB: d.xb, H0: d.h0, SeqLens: d.lens,
							Reverse: d.reverse, Y: y, YT: d.yt, YB: d.yb, YH: yh}))
						requireClose(t, gy, y, eps, "GRU y")
						requireClose(t, gh, yh, eps, "GRU yh")
					}
				})
			}
		}
	})
}
