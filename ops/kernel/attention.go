package kernel

import "math"

// Strides locate a vector in a four-dimensional array: that of batch b, head
// h, position t begins at b*B + h*H + t*T and its elements are contiguous.
// A (B, T, heads*D) array has strides {T*heads*D, D, heads*D}; stride 0 repeats.
type Strides struct{ B, H, T int }

// AttentionArgs are the data of scaled dot-product attention over B batches
// and Heads heads: Tq queries and Tk keys of width D, values of width DV.
type AttentionArgs struct {
	B, Heads, Tq, Tk, D, DV int

	Q, K, V, Out []float32
	QS, KS, VS   Strides
	OutS         Strides

	// Mask is added to the scaled scores: (b,h,i,j) is Mask[b*MaskS.B+h*MaskS.H+i*MaskS.T+j].
	// nil adds nothing.
	Mask  []float32
	MaskS Strides
	// Causal lets query i see key j only where j <= i + Tk - Tq.
	Causal bool
	Scale  float32 // usually 1/sqrt(D)

	// Weights (B, Heads, Tq, Tk) receives the softmax; nil if not wanted.
	Weights []float32
}

// Attention is, for each batch and head,
//
//	s[i][j] = Scale * dot(q[i], k[j]) + mask[i][j]
//	w[i] = softmax(s[i])
//	out[i] = sum_j(w[i][j] * v[j])
//
// A query whose every key is masked with -Inf gets NaN, as the formula does.
func Attention(p *Pool, a *AttentionArgs) {
	if a.Tk == 0 || a.Tq == 0 {
		return
	}
	p.For(a.B*a.Heads, max(1, 1<<15/(a.Tq*a.Tk*(a.D+a.DV)+1)), func(lo, hi int) {
		scores := make([]float32, a.Tk)
		for bh := lo; bh < hi; bh++ {
			for i := range a.Tq {
				a.query(bh, i, scores)
			}
		}
	})
}

// query computes the output of one query.
func (a *AttentionArgs) query(bh, i int, scores []float32) {
	b, h := bh/a.Heads, bh%a.Heads
	q := a.Q[b*a.QS.B+h*a.QS.H+i*a.QS.T:][:a.D]
	k, v := a.K[b*a.KS.B+h*a.KS.H:], a.V[b*a.VS.B+h*a.VS.H:]
	if a.Weights != nil {
		scores = a.Weights[(bh*a.Tq+i)*a.Tk:][:a.Tk]
	}
	for j := range scores {
		scores[j] = a.Scale * Dot(q, k[j*a.KS.T:])
	}
	if a.Mask != nil {
		Add(scores, scores, a.Mask[b*a.MaskS.B+h*a.MaskS.H+i*a.MaskS.T:])
	}
	if a.Causal {
		for j := max(0, i+a.Tk-a.Tq+1); j < a.Tk; j++ {
			scores[j] = float32(math.Inf(-1))
		}
	}
	Softmax(scores, scores)
	out := a.Out[b*a.OutS.B+h*a.OutS.H+i*a.OutS.T:][:a.DV]
	clear(out)
	for j, s := range scores {
		Axpy(out, s, v[j*a.VS.T:])
	}
}
