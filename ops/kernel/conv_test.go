package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// convCase is a convolution: its window, and batch, groups, channels in and out.
type convCase struct {
	w          Window
	b, g, i, o int
}

func image(size, stride, dilation, pad int, in ...int) Window {
	w := Window{N: len(in)}
	for d, n := range in {
		w.In[d], w.Size[d], w.Stride[d], w.Dilation[d], w.Pad[d] = n, size, stride, dilation, pad
		w.Out[d] = (n+2*pad-(size-1)*dilation-1)/stride + 1
	}
	return w
}

// oblong is image with another row.
func oblong(w Window, size, stride, dilation, pad, out int) Window {
	d := w.N - 1
	w.Size[d], w.Stride[d], w.Dilation[d], w.Pad[d], w.Out[d] = size, stride, dilation, pad, out
	return w
}

// deep is image with one tap in depth and one output, at a step and padding.
func deep(w Window, stride, pad int) Window {
	w.Size[0], w.Stride[0], w.Pad[0], w.Out[0] = 1, stride, pad, 1
	return w
}

func convCases() []convCase {
	return []convCase{
		{image(1, 1, 1, 0, 7, 7), 1, 1, 3, 5},                           // in place, with columns left over
		{image(1, 1, 1, 0, 16, 16), 2, 1, 20, 19},                       // rows that share their place in the cache
		{image(1, 1, 1, 0, 11, 13), 1, 2, 1100, 7},                      // more channels than are added at a time
		{image(1, 2, 1, 0, 30, 30), 1, 1, 7, 13},                        // one phase of four
		{image(3, 1, 1, 1, 14, 14), 2, 1, 8, 12},                        // bands
		{image(3, 1, 1, 1, 56, 56), 1, 1, 40, 6},                        // several of them, several times
		{image(3, 2, 1, 1, 64, 63), 1, 1, 3, 9},                         // all phases
		{image(5, 2, 1, 2, 33, 32), 1, 3, 2, 4},                         // and groups
		{image(3, 2, 1, 3, 8, 8), 1, 1, 2, 3},                           // padding that a whole column of taps reads
		{image(3, 1, 2, 2, 9, 17), 1, 1, 3, 4},                          // dilated
		{image(3, 1, 1, 1, 7, 7), 1, 1, 40, 13},                         // rows that don't fill vectors
		{image(3, 3, 1, 1, 20, 20), 1, 1, 3, 2},                         // rows of phases that are turned
		{image(19, 17, 1, 1, 40, 40), 1, 1, 2, 2},                       // a stride without bands
		{image(4, 4, 1, 0, 16, 16), 1, 1, 3, 8},                         // patches
		{image(5, 5, 1, 0, 107, 108), 2, 1, 2, 3},                       // and a rest
		{oblong(image(3, 1, 1, 1, 9, 40), 4, 4, 1, 0, 10), 1, 1, 2, 3},  // beside rows that read padding
		{image(3, 2, 2, 1, 5, 6, 7), 2, 1, 2, 3},                        // three dimensions
		{image(3, 1, 1, 1, 5, 8, 9), 1, 1, 3, 7},                        // by slices
		{image(3, 1, 1, 1, 6, 20, 24), 2, 2, 5, 19},                     // in bands
		{image(3, 1, 2, 2, 7, 9, 50), 1, 1, 40, 13},                     // several times, dilated
		{image(3, 2, 1, 4, 5, 21, 12), 1, 1, 2, 3},                      // slices of nothing but padding
		{oblong(image(1, 1, 1, 0, 4, 7, 8), 3, 1, 1, 1, 8), 2, 1, 3, 8}, // planes that are read once
		{deep(image(3, 1, 1, 1, 6, 7, 9), 8, 1), 2, 1, 3, 8},            // a slice of padding
		{deep(image(3, 1, 1, 1, 6, 7, 9), 8, -2), 1, 1, 3, 8},           // a slice, of one plane
		{image(3, 1, 1, 1, 9, 3, 4), 3, 1, 20, 8},                       // small slices
		{image(3, 3, 1, 1, 7, 14, 16), 1, 1, 3, 7},                      // phases of slices
		{image(3, 1, 1, 1, 5, 8, 9), 2, 4, 1, 1},                        // a channel each
		{image(3, 1, 1, 1, 1000), 1, 1, 5, 3},                           // a line, in pieces
		{image(2, 1, 128, 128, 168), 2, 1, 3, 4},                        // taps far apart
		{image(40, 1, 1, 20, 168), 1, 1, 9, 8},                          // many taps
		{image(300, 1, 1, 0, 310), 1, 1, 2, 3},                          // more than are added at a time
		{image(3, 1, 1, 1, 14, 14), 2, 5, 1, 1},                         // a channel each
		{image(3, 2, 1, 1, 113, 112), 1, 2, 1, 1},                       // in bands
		{image(5, 1, 1, 2, 7, 7), 1, 3, 1, 2},                           // two outputs
		{image(3, 3, 1, 1, 20, 20), 1, 3, 1, 2},                         // three apart
		{image(3, 17, 1, 1, 40, 40), 1, 3, 1, 2},                        // by columns
		{image(3, 1, 4, 4, 500), 1, 3, 1, 1},                            // a line
		{image(3, 1, 1, 1, 1, 5), 2, 2, 1, 1},                           // a short one
		{image(3, 1, 1, 1, 30, 460), 1, 1, 1, 1},                        // wide
		{image(3, 1, 1, 1, 100, 90), 2, 4, 1, 1},                        // three by three taps, in parts
		{image(3, 1, 1, 1, 6, 5), 1, 5, 1, 2},                           // small
		{image(3, 2, 1, 1, 40, 41), 1, 4, 1, 1},                         // two apart
		{oblong(image(3, 2, 1, 1, 12, 12), 3, 2, 1, 0, 6), 1, 4, 1, 1},  // with padding at one side
		{image(3, 1, 1, 2, 9, 20), 1, 4, 1, 1},                          // with a lot
		{image(3, 1, 1, 1, 4, 4), 5, 2, 40, 13},                         // planes of several samples
		{image(1, 1, 1, 0, 7, 7), 7, 1, 20, 9},                          // not all of them together
		{image(3, 2, 1, 1, 3, 3), 65, 1, 3, 7},                          // many
		{image(1, 1, 1, 0, 1, 1), 3, 1, 20, 7},                          // a point
		{image(1, 1, 1, 1, 4, 4), 1, 1, 2, 2},                           // nothing but padding around
		{oblong(image(1, 1, 1, 0, 9, 9), 7, 1, 1, 3, 9), 1, 1, 3, 2},    // a row of taps
		{oblong(image(3, 1, 1, 1, 9, 20), 5, 2, 1, 1, 9), 1, 1, 3, 2},
		{oblong(image(3, 1, 1, 1, 6, 9), 1, 1, 1, -2, 5), 1, 2, 3, 2}, // padding that cuts off
		{image(3, 2, 1, 1, 9, 1100), 1, 2, 1, 1},                      // wide, columns two apart
		{image(3, 2, 1, 1, 20, 61), 1, 1, 4, 20},                      // rows of 31 outputs, joined
		{image(3, 2, 1, 1, 15, 33), 1, 1, 40, 19},                     // of 17
		{image(3, 2, 1, 1, 20, 13), 1, 2, 3, 14},                      // of 7
		{image(3, 2, 1, 1, 21, 9), 1, 1, 5, 13},                       // of 5
		{image(3, 2, 1, 1, 21, 7), 1, 1, 5, 13},                       // of 4
		{image(3, 2, 1, 1, 21, 5), 1, 1, 5, 13},                       // of 3, which are not joined
	}
}

// naiveConv is the definition in float64; size are the sums of absolute values.
func naiveConv(c *convCase, x, w, bias, add []float32) (y, size []float64) {
	in, out, taps := c.w.InLen(), c.w.OutLen(), c.w.Taps()
	for at := range c.b * c.g * c.o * out {
		b, m, o := at/out/(c.g*c.o), at/out%(c.g*c.o), at%out
		sum := float64(bias[m]) + float64(add[at])
		off := math.Abs(float64(bias[m])) + math.Abs(float64(add[at]))
		for ci := range c.i {
			for k := range taps {
				from, step, inside := 0, 1, true
				ro, rk := o, k
				for d := c.w.N - 1; d >= 0; d-- {
					i := ro%c.w.Out[d]*c.w.Stride[d] + rk%c.w.Size[d]*c.w.Dilation[d] - c.w.Pad[d]
					ro, rk = ro/c.w.Out[d], rk/c.w.Size[d]
					inside = inside && i >= 0 && i < c.w.In[d]
					from += i * step
					step *= c.w.In[d]
				}
				if inside {
					term := float64(w[(m*c.i+ci)*taps+k]) * float64(x[(b*c.g*c.i+m/c.o*c.i+ci)*in+from])
					sum, off = sum+term, off+math.Abs(term)
				}
			}
		}
		y, size = append(y, sum), append(size, off)
	}
	return y, size
}

func (c *convCase) args(x, w, y, bias []float32) *ConvArgs[float32] {
	return &ConvArgs[float32]{Window: c.w, Batch: c.b, Group: c.g, Cin: c.i, Cout: c.o, X: x, W: w, Y: y, Bias: bias, Stop: func() error { return nil }}
}

// dirtyScratch leaves NaN in the memory that is borrowed next.
func dirtyScratch() {
	for size := 1 << 6; size <= 1<<18; size *= 2 {
		var taken []*scratch
		for range 4 {
			s, _ := borrow(size)
			fillWith(s.buf[:cap(s.buf)], float32(math.NaN()))
			taken = append(taken, s)
		}
		for _, s := range taken {
			s.release()
		}
	}
}

func TestConvPacked(t *testing.T) {
	negate := func(dst, src []float32) {
		for i, v := range src {
			dst[i] = -v
		}
	}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n, c := range convCases() {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				outs := c.g * c.o
				x, w := guard(r, c.b*c.g*c.i*c.w.InLen(), n%5), guard(r, outs*c.i*c.w.Taps(), n%3)
				bias, add := guard(r, outs, 1), guard(r, c.b*outs*c.w.OutLen(), n%2)
				want, size := naiveConv(&c, x.s, w.s, bias.s, add.s)
				packed := PackConv(w.s, c.g, c.i, c.o, c.w.Taps())
				var first []float32
				for threads := 1; threads <= 3; threads++ {
					p := NewPool(threads)
					y := guard(r, len(add.s), n%7)
					dirtyScratch()
					var run ConvRun
					require.NoError(t, ConvPacked(p, c.args(x.s, nil, y.s, bias.s), packed, ConvEnd{Add: add.s}, &run))
					for _, g := range []*guarded{x, w, bias, add} {
						g.checkUnchanged(t)
					}
					y.checkZone(t)
					for i, v := range y.s {
						require.InDelta(t, want[i], v, 4e-7*size[i]+1e-30, "%d of %d", i, len(y.s))
					}
					if first == nil {
						first = append(first, y.s...)
					}
					requireSameBits(t, first, y.s, "%d threads", threads)

					plain := append([]float32(nil), y.s...)
					require.NoError(t, ConvPacked(p, c.args(x.s, nil, y.s, bias.s), packed, ConvEnd{Add: add.s, Clip: true, Lo: -.25, Hi: .5, Act: negate}, &run))
					y.checkZone(t)
					for i, v := range y.s {
						require.Equal(t, -min(max(plain[i], -.25), .5), v, "clipped: %d of %d", i, len(y.s))
					}
				}
			})
		}
	})
}

// What isn't finite stays so, and only where it is read.
func TestConvPackedPassesNaN(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n, c := range convCases() {
			x, w := random(r, c.b*c.g*c.i*c.w.InLen()), random(r, c.g*c.o*c.i*c.w.Taps())
			bias, add := make([]float32, c.g*c.o), make([]float32, c.b*c.g*c.o*c.w.OutLen())
			x[len(x)/2] = float32(math.NaN())
			want, _ := naiveConv(&c, x, w, bias, add)
			y := make([]float32, len(add))
			require.NoError(t, ConvPacked(nil, c.args(x, nil, y, nil), PackConv(w, c.g, c.i, c.o, c.w.Taps()), ConvEnd{Clip: true, Lo: 0, Hi: 6}, new(ConvRun)))
			for i, v := range y {
				require.Equal(t, math.IsNaN(want[i]), v != v, "case %d: %d of %d", n, i, len(y))
			}
		}
	})
}

func TestConvPackedStops(t *testing.T) {
	c := convCases()[5]
	r := seeded()
	a := c.args(random(r, c.i*c.w.InLen()), nil, make([]float32, c.o*c.w.OutLen()), nil)
	a.Stop = func() error { return fmt.Errorf("enough") }
	require.EqualError(t, ConvPacked(nil, a, PackConv(random(r, c.o*c.i*9), 1, c.i, c.o, 9), ConvEnd{}, new(ConvRun)), "enough")
}

// Rows are copied, or parted into even and odd columns, and nothing beside them is
// read or written.
func TestRowsAreCopiedAndParted(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n := 1; n <= 40; n++ {
			for rows := 1; rows <= 3; rows++ {
				pad := (n + rows) % 4
				src, lds := matrix(r, false, rows, 2*n, pad, n%5)
				even, ldd := matrix(r, false, rows, n, pad, rows)
				odd, _ := matrix(r, false, rows, n, pad, n%3)
				same, lde := matrix(r, false, rows, 2*n, pad+1, n%2)
				active.splitRows(&even.s[0], &odd.s[0], ldd, &src.s[0], lds, rows, n)
				active.copyRows(&same.s[0], lde, &src.s[0], lds, rows, 2*n)
				for i := range rows {
					require.Equal(t, src.s[i*lds:][:2*n], same.s[i*lde:][:2*n], "row %d of %d columns", i, 2*n)
					for j := range n {
						require.Equal(t, src.s[i*lds+2*j], even.s[i*ldd+j], "row %d, even column %d of %d", i, j, n)
						require.Equal(t, src.s[i*lds+2*j+1], odd.s[i*ldd+j], "row %d, odd column %d of %d", i, j, n)
					}
				}
				src.checkUnchanged(t)
				for _, y := range []struct {
					g     *guarded
					n, ld int
				}{{even, n, ldd}, {odd, n, ldd}, {same, 2 * n, lde}} {
					y.g.checkZone(t)
					for at := range y.g.s {
						if at%y.ld >= y.n {
							require.Equal(t, y.g.was[at], y.g.s[at], "beyond column %d", y.n)
						}
					}
				}
			}
		}
	})
}

// besides is w with another stride of rows.
func besides(w Window, rows int) Window {
	w.Stride[0] = rows
	w.Out[0] = (w.In[0]-w.Size[0])/rows + 1
	return w
}

// beyond is w with one output more, which reads outside.
func beyond(w Window) Window {
	for d := range w.N {
		w.Out[d]++
	}
	return w
}

// shifted is w with as much padding before as makes no further output.
func shifted(w Window) Window {
	for d := range w.N {
		w.Pad[d] = 1
	}
	return w
}

// The maximum and the mean of windows, NaN where one is read.
func TestPools(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n, w := range []Window{image(3, 2, 1, 1, 17, 19), image(2, 2, 1, 0, 8, 8), image(3, 1, 1, 1, 7, 5), image(5, 3, 1, 2, 40, 41), image(3, 1, 2, 1, 60), image(2, 2, 1, 0, 120, 130), image(3, 2, 1, 1, 5, 6, 7), image(3, 1, 1, 1, 3, 500),
			image(2, 2, 1, 0, 4, 6, 34), image(3, 1, 2, 2, 5, 9, 8), image(2, 3, 1, 0, 8, 7, 7), image(5, 1, 1, 4, 2, 6, 6), image(1, 2, 1, 0, 5, 6, 6), image(4, 3, 2, 3, 9, 6, 12), image(2, 1, 3, 2, 1, 5, 6),
			image(2, 2, 1, 0, 14, 14), image(2, 2, 1, 0, 3, 4), image(2, 2, 1, 0, 7, 7), image(3, 2, 1, 0, 55, 55), image(3, 2, 2, 0, 20, 21), image(2, 2, 1, 0, 90, 150), image(3, 2, 1, 0, 131, 129), image(2, 2, 1, 0, 34), image(3, 2, 1, 0, 41),
			image(2, 2, 1, 0, 6, 5, 7), image(1, 2, 2, 0, 9, 9), image(3, 2, 1, 0, 3, 9, 16), besides(image(2, 2, 1, 0, 9, 12), 1), besides(image(2, 2, 1, 0, 8, 11), 3),
			image(3, 2, 1, 1, 9, 24), image(2, 2, 1, 1, 3, 56), beyond(image(2, 2, 1, 0, 7, 9)), beyond(image(3, 2, 1, 0, 17, 33)), shifted(image(2, 2, 1, 0, 8, 8)), shifted(image(2, 2, 1, 0, 6, 32))} {
			const planes = 3
			in, out := w.InLen(), w.OutLen()
			x := guard(r, planes*in, n%5)
			x.s[in+in/2] = float32(math.NaN())
			x.was = append(x.was[:0], x.s...)
			largest, mean := guard(r, planes*out, 1), guard(r, planes*out, 2)
			p := NewPool(2)
			MaxPool(p, &w, largest.s, nil, x.s, float32(math.Inf(-1)), planes)
			AveragePool(p, &w, mean.s, x.s, false, planes)
			x.checkUnchanged(t)
			largest.checkZone(t)
			mean.checkZone(t)
			for i := range planes * out {
				top, sum, count := math.Inf(-1), 0., 0.
				for k := range w.Taps() {
					from, step, inside := 0, 1, true
					ro, rk := i%out, k
					for d := w.N - 1; d >= 0; d-- {
						at := ro%w.Out[d]*w.Stride[d] + rk%w.Size[d]*w.Dilation[d] - w.Pad[d]
						ro, rk = ro/w.Out[d], rk/w.Size[d]
						inside = inside && at >= 0 && at < w.In[d]
						from += at * step
						step *= w.In[d]
					}
					if inside {
						v := float64(x.s[i/out*in+from])
						top, sum, count = max(top, v), sum+v, count+1
					}
				}
				require.True(t, sameFloat(float32(top), largest.s[i]), "maximum: window %d, %d: %v, want %v", n, i, largest.s[i], top)
				if math.IsNaN(sum) {
					require.True(t, mean.s[i] != mean.s[i])
					continue
				}
				require.InDelta(t, sum/count, mean.s[i], 1e-6, "mean: window %d, %d", n, i)
			}
		}
	})
}

// The mean of whole numbers is their sum, which is exact, divided and rounded once.
func TestAveragePoolIsExact(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for size := 1; size <= 7; size++ {
			for stride := 1; stride <= 2; stride++ {
				w := image(size, stride, 1, 0, 17, 20)
				x, y := make([]float32, 2*w.InLen()), make([]float32, 2*w.OutLen())
				for i := range x {
					x[i] = float32(r.IntN(100))
				}
				AveragePool(nil, &w, y, x, false, 2)
				for i, got := range y {
					plane, row, col := i/w.OutLen(), i%w.OutLen()/w.Out[1], i%w.Out[1]
					sum := float32(0)
					for k := range size * size {
						sum += x[plane*w.InLen()+(row*stride+k/size)*w.In[1]+col*stride+k%size]
					}
					require.Equal(t, sum/float32(size*size), got, "size %d, stride %d: %d", size, stride, i)
				}
			}
		}
	})
}
