package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// attentionLoss is sum(out * r) by the formula in float64, for arrays laid out
// as (B, T, heads*width).
func attentionLoss(a *AttentionArgs, q, k, v, r []float64) (loss float64) {
	for b := range a.B {
		for h := range a.Heads {
			for i := range a.Tq {
				scores, sum := make([]float64, a.Tk), 0.0
				for j := range scores {
					for d := range a.D {
						scores[j] += q[b*a.QS.B+h*a.QS.H+i*a.QS.T+d] * k[b*a.KS.B+h*a.KS.H+j*a.KS.T+d]
					}
					scores[j] = math.Exp(scores[j] * float64(a.Scale))
					sum += scores[j]
				}
				for j := range scores {
					for d := range a.DV {
						loss += scores[j] / sum * v[b*a.VS.B+h*a.VS.H+j*a.VS.T+d] * r[b*a.OutS.B+h*a.OutS.H+i*a.OutS.T+d]
					}
				}
			}
		}
	}
	return loss
}

func TestAttentionBackward(t *testing.T) {
	const B, heads, tq, tk, d, dv = 2, 3, 4, 5, 6, 7
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) ([]float32, []float64) {
		v, wide := make([]float32, n), make([]float64, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
			wide[i] = float64(v[i])
		}
		return v, wide
	}
	q, wideQ := random(B * tq * heads * d)
	k, wideK := random(B * tk * heads * d)
	v, wideV := random(B * tk * heads * dv)
	r, wideR := random(B * tq * heads * dv)
	a := &AttentionArgs{
		B: B, Heads: heads, Tq: tq, Tk: tk, D: d, DV: dv, Q: q, K: k, V: v, Out: make([]float32, len(r)),
		QS: Strides{tq * heads * d, d, heads * d}, KS: Strides{tk * heads * d, d, heads * d},
		VS: Strides{tk * heads * dv, dv, heads * dv}, OutS: Strides{tq * heads * dv, dv, heads * dv},
		Scale: 0.4, Weights: make([]float32, B*heads*tq*tk),
	}
	pool := NewPool(2)
	Attention(pool, a)
	g := &AttentionGrads{DOut: r, DQ: make([]float32, len(q)), DK: make([]float32, len(k)), DV: make([]float32, len(v))}
	Fill(g.DQ, 1) // gradients are added to
	AttentionBackward(pool, a, g)
	for _, part := range []struct {
		name  string
		wide  []float64
		grad  []float32
		added float64
	}{{"q", wideQ, g.DQ, 1}, {"k", wideK, g.DK, 0}, {"v", wideV, g.DV, 0}} {
		for i := range part.wide {
			const eps = 1e-5
			at := part.wide[i]
			part.wide[i] = at + eps
			up := attentionLoss(a, wideQ, wideK, wideV, wideR)
			part.wide[i] = at - eps
			down := attentionLoss(a, wideQ, wideK, wideV, wideR)
			part.wide[i] = at
			require.InDelta(t, part.added+(up-down)/(2*eps), float64(part.grad[i]), 2e-5, "d%s[%d]", part.name, i)
		}
	}
}
