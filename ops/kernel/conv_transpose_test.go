package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Against the definition in float64: rows of even and odd widths, whose taps lie in both
// phases, in one, beside the image and nowhere; packed, phases of images and lines, and
// what doesn't go by phases.
func TestConvTranspose(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range []struct{ h, w, kh, kw, sh, sw, dh, dw, ph, pw, moreH, moreW int }{
			{5, 9, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0}, {4, 10, 4, 4, 2, 2, 1, 1, 1, 1, 0, 0}, {4, 8, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, {3, 12, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0},
			{3, 9, 1, 1, 2, 2, 1, 1, 0, 0, 1, 1}, {3, 9, 3, 3, 1, 1, 1, 1, 1, 1, 0, 0}, {3, 9, 3, 2, 3, 1, 2, 3, 1, 2, 0, 0}, {3, 8, 2, 5, 3, 2, 1, 2, 2, 5, 2, 3}, {2, 9, 3, 3, 1, 2, 1, 2, 0, 1, 0, 0},
			{7, 7, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0}, {3, 5, 3, 4, 2, 3, 1, 2, 1, 1, 1, 0},
			{3, 9, 8, 8, 4, 4, 1, 1, 2, 2, 0, 0}, {2, 5, 5, 7, 3, 4, 1, 1, 1, 2, 1, 2}, {3, 4, 5, 2, 1, 2, 1, 1, 5, 3, 6, 1},
			{3, 9, 3, 3, 2, 1, 1, 1, 1, 1, 0, 0}, {1, 1, 4, 4, 1, 1, 1, 1, 0, 0, -1, -2},
			{1, 1, 4, 4, 1, 1, 1, 1, 0, 0, 0, 0}, {1, 1, 4, 3, 2, 2, 1, 1, 1, 1, 1, 2}, {1, 12, 1, 6, 1, 3, 1, 1, 0, 2, 0, 1}, {1, 1, 1, 5, 1, 2, 1, 1, 0, 1, 0, 0}, {1, 16, 1, 4, 1, 2, 1, 2, 0, 1, 0, 0},
		} {
			for _, group := range []int{1, 2} {
				const batch, cin = 2, 3
				cout := 11
				if c.kh == 4 {
					cout = 2*phaseChannels + 5 // blocks
				}
				a := &ConvTransposeArgs[float32]{Batch: batch, Group: group, Cin: cin, Cout: cout, Stop: func() error { return nil }}
				a.N = 2
				a.Out, a.Size, a.Stride = [maxWindow]int{c.h, c.w}, [maxWindow]int{c.kh, c.kw}, [maxWindow]int{c.sh, c.sw}
				a.Dilation, a.Pad = [maxWindow]int{c.dh, c.dw}, [maxWindow]int{c.ph, c.pw}
				a.In = [maxWindow]int{(c.h-1)*c.sh + (c.kh-1)*c.dh + 1 - 2*c.ph + c.moreH, (c.w-1)*c.sw + (c.kw-1)*c.dw + 1 - 2*c.pw + c.moreW}
				_, byRows := rowsOf(&a.Window)
				require.Equal(t, c.w >= 8 && c.sw <= 2, byRows)
				a.X, a.W, a.Bias = random(r, batch*group*cin*c.h*c.w), random(r, group*cin*cout*c.kh*c.kw), random(r, group*cout)
				want := make([]float64, batch*group*cout*a.InLen())
				for i := range want {
					want[i] = float64(a.Bias[i/a.InLen()%(group*cout)])
				}
				for i, x := range a.X {
					ch, ih, iw := i/(c.h*c.w), i/c.w%c.h, i%c.w
					for j := range cout * c.kh * c.kw {
						m, kh, kw := j/(c.kh*c.kw), j/c.kw%c.kh, j%c.kw
						oh, ow := ih*c.sh+kh*c.dh-c.ph, iw*c.sw+kw*c.dw-c.pw
						if oh >= 0 && oh < a.In[0] && ow >= 0 && ow < a.In[1] {
							w := a.W[ch%(group*cin)*cout*c.kh*c.kw+j]
							want[((ch/cin*cout+m)*a.In[0]+oh)*a.In[1]+ow] += float64(w) * float64(x)
						}
					}
				}
				y := guard(r, len(want), 3)
				Fill(y.s, float32(math.NaN()))
				a.Y = y.s
				require.NoError(t, ConvTranspose(nil, a))
				for i := range want {
					if !(math.Abs(want[i]-float64(y.s[i])) <= 1e-5) {
						require.InDelta(t, want[i], y.s[i], 1e-5, "%v, element %d", c, i)
					}
				}
				y.checkZone(t)
				again := make([]float32, len(want))
				a.Y = again
				require.NoError(t, ConvTranspose(NewPool(3), a))
				requireSameBits(t, y.s, again, "on 3 threads")

				size, stride, dilation := []int{c.kh, c.kw}, []int{c.sh, c.sw}, []int{c.dh, c.dw}
				if c.h == 1 && c.kh == 1 { // a line
					size, stride, dilation = size[1:], stride[1:], dilation[1:]
					one := func(n [maxWindow]int) [maxWindow]int { return [maxWindow]int{n[1]} }
					a.Window = Window{N: 1, In: one(a.In), Out: one(a.Out), Size: one(a.Size), Stride: one(a.Stride), Dilation: one(a.Dilation), Pad: one(a.Pad)}
				}
				w := PackConvTranspose(a.W, group, cin, cout, size, stride, dilation)
				require.Equal(t, c.dh*c.dw == 1 && c.kh >= c.sh && c.kw >= c.sw, w.byPhases)
				a.W, a.Y = nil, y.s
				Fill(y.s, float32(math.NaN()))
				var run ConvTransposeRun
				require.NoError(t, ConvTransposePacked(nil, a, w, &run))
				for i := range want {
					if !(math.Abs(want[i]-float64(y.s[i])) <= 1e-5) {
						require.InDelta(t, want[i], y.s[i], 1e-5, "packed, %v, element %d", c, i)
					}
				}
				y.checkZone(t)
				a.Y = again
				for range 2 {
					require.NoError(t, ConvTransposePacked(NewPool(3), a, w, &run))
					requireSameBits(t, y.s, again, "packed, on 3 threads")
				}
			}
		}
	})
}

// Without inputs there is nothing but the bias.
func TestConvTransposeOfNothing(t *testing.T) {
	r := seeded()
	w := random(r, 2*5*9)
	a := &ConvTransposeArgs[float32]{Batch: 3, Group: 1, Cin: 2, Cout: 5, Bias: random(r, 5), Y: make([]float32, 3*5*4*7), Stop: func() error { return nil }}
	a.Window = Window{N: 2, In: [maxWindow]int{4, 7}, Out: [maxWindow]int{0, 3}, Size: [maxWindow]int{3, 3}, Stride: [maxWindow]int{2, 2}, Dilation: [maxWindow]int{1, 1}, Pad: [maxWindow]int{1, 1}}
	var run ConvTransposeRun
	require.NoError(t, ConvTransposePacked(nil, a, PackConvTranspose(w, 1, 2, 5, []int{3, 3}, []int{2, 2}, []int{1, 1}), &run))
	for i, y := range a.Y {
		require.Equal(t, a.Bias[i/28%5], y)
	}
}
