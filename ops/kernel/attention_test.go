package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Attention over (B, T, heads*D) arrays is the formula, with every kind of
// mask, for one query and many.
func TestAttention(t *testing.T) {
	pools := []*Pool{nil, NewPool(3)}
	forEachVariant(t, func(t *testing.T) {
		for _, c := range []struct {
			B, Heads, Tq, Tk, D, DV int
			mask, causal            bool
			byWidth                 bool // keys are (B, heads, D, Tk)
		}{
			{B: 1, Heads: 1, Tq: 1, Tk: 1, D: 1, DV: 1},
			{B: 2, Heads: 3, Tq: 1, Tk: 37, D: 16, DV: 16},
			{B: 2, Heads: 2, Tq: 1, Tk: 168, D: 10, DV: 7, mask: true},
			{B: 1, Heads: 2, Tq: 5, Tk: 9, D: 8, DV: 32, causal: true},
			{B: 2, Heads: 2, Tq: 50, Tk: 50, D: 64, DV: 64, causal: true},
			{B: 2, Heads: 2, Tq: 1, Tk: 41, D: 5, DV: 48, mask: true, byWidth: true},
			{B: 1, Heads: 4, Tq: 1, Tk: 168, D: 16, DV: 16, byWidth: true},
			{B: 2, Heads: 2, Tq: 4, Tk: 19, D: 7, DV: 6, byWidth: true},
			{B: 1, Heads: 3, Tq: 200, Tk: 41, D: 20, DV: 24, mask: true},
			{B: 1, Heads: 3, Tq: 200, Tk: 41, D: 20, DV: 24, causal: true, byWidth: true},
		} {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				r := seeded()
				q, k := random(r, c.B*c.Tq*c.Heads*c.D), random(r, c.B*c.Tk*c.Heads*c.D)
				v := random(r, c.B*c.Tk*c.Heads*c.DV)
				mask := random(r, c.B*c.Tk)
				mask[0] = float32(math.Inf(-1))
				a := &AttentionArgs{
					B: c.B, Heads: c.Heads, Tq: c.Tq, Tk: c.Tk, D: c.D, DV: c.DV, Scale: 0.7, Causal: c.causal,
					Q: q, QS: Strides{c.Tq * c.Heads * c.D, c.D, c.Heads * c.D},
					K: k, KS: Strides{c.Tk * c.Heads * c.D, c.D, c.Heads * c.D},
					V: v, VS: Strides{c.Tk * c.Heads * c.DV, c.DV, c.Heads * c.DV},
					OutS:    Strides{c.Tq * c.Heads * c.DV, c.DV, c.Heads * c.DV},
					Weights: make([]float32, c.B*c.Heads*c.Tq*c.Tk),
				}
				if c.byWidth {
					a.K, a.KS, a.KD = make([]float32, len(k)), Strides{B: c.Heads * c.D * c.Tk, H: c.D * c.Tk}, c.Tk
					for i, x := range k {
						b, j, h, l := i/c.D/c.Heads/c.Tk, i/c.D/c.Heads%c.Tk, i/c.D%c.Heads, i%c.D
						a.K[((b*c.Heads+h)*c.D+l)*c.Tk+j] = x
					}
				}
				if c.mask { // one row per batch, the same for all heads and queries
					a.Mask, a.MaskS = mask, Strides{B: c.Tk}
				}
				var first []float32
				for _, p := range pools {
					out := guard(r, c.B*c.Tq*c.Heads*c.DV, 3)
					a.Out = out.s
					Attention(p, a)
					out.checkZone(t)
					if first == nil {
						first = out.s
					}
					requireSameBits(t, first, out.s, "threads")
				}
				for b := range c.B {
					for h := range c.Heads {
						for i := range c.Tq {
							s := make([]float32, c.Tk)
							for j := range c.Tk {
								var dot float64
								for l := range c.D {
									dot += float64(q[(b*c.Tq+i)*c.Heads*c.D+h*c.D+l]) * float64(k[(b*c.Tk+j)*c.Heads*c.D+h*c.D+l])
								}
								s[j] = float32(0.7 * dot)
								if c.mask {
									s[j] += mask[b*c.Tk+j]
								}
								if c.causal && j > i+c.Tk-c.Tq {
									s[j] = float32(math.Inf(-1))
								}
							}
							w := softmax64(s)
							for j := range w {
								require.InDelta(t, w[j], a.Weights[((b*c.Heads+h)*c.Tq+i)*c.Tk+j], 1e-5)
							}
							for l := range c.DV {
								var want float64
								for j := range w {
									want += w[j] * float64(v[(b*c.Tk+j)*c.Heads*c.DV+h*c.DV+l])
								}
								require.InDelta(t, want, a.Out[(b*c.Tq+i)*c.Heads*c.DV+h*c.DV+l], 1e-5, "batch %d head %d query %d value %d", b, h, i, l)
							}
						}
					}
				}
				a.Weights = nil
				out := append([]float32(nil), a.Out...)
				Attention(nil, a)
				requireSameBits(t, out, a.Out, "without weights")
			})
		}
	})
}
