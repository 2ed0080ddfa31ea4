package kernel

import "math"

// AttentionOfArgs are the data of [AttentionOf]: those of [AttentionArgs], with
// the options that need the scores themselves.
type AttentionOfArgs[T Float] struct {
	B, Heads, KVHeads, Tq, Tk, D, DV int // Heads/KVHeads query heads share a key head

	Q, K, V, Out []T
	QS, KS, VS   Strides
	OutS         Strides

	Mask  []T // nil adds nothing
	MaskS Strides
	Sinks []T // (Heads) one more score a head, which takes its share of the weights and has no value; nil for none

	Scale   float64
	Softcap float64 // 0: none

	// Scores (B, Heads, Tq, Tk) receives the scores at a stage; nil if not wanted.
	Scores []T
	Stage  ScoreStage

	Stop func() error // as in AttentionArgs
}

// stopped reports whether the rest is not wanted any more.
func (a *AttentionOfArgs[T]) stopped() bool { return a.Stop != nil && a.Stop() != nil }

// A ScoreStage is a point in the computation of attention weights.
type ScoreStage uint8

// The stages, in order.
const (
	ScoreScaled  ScoreStage = iota // Scale * dot(q, k)
	ScoreCapped                    // after the softcap
	ScoreMasked                    // after the mask
	ScoreSoftmax                   // after the softmax
)

// AttentionOf is, for each batch b and head h, with the key head g = h / (Heads/KVHeads),
//
//	s[j] = Scale * dot(q[i], k[g][j])
//	s[j] = Softcap * tanh(s[j] / Softcap)
//	s[j] += mask[i][j]
//	w = softmax(s, sinks[h])
//	out[i] = sum_j(w[j] * v[g][j])
func AttentionOf[T Float](p *Pool, a *AttentionOfArgs[T]) {
	work := a.Tk*(a.D+a.DV) + 1
	every := 1 + haltEvery/work
	p.For(a.B*a.Heads*a.Tq, max(1, 1<<15/work), func(lo, hi int) {
		scores := make([]T, a.Tk, a.Tk+1)
		for r := lo; r < hi && !(r%every == 0 && a.stopped()); r++ {
			a.row(r/a.Tq/a.Heads, r/a.Tq%a.Heads, r%a.Tq, scores)
		}
	})
}

func (a *AttentionOfArgs[T]) row(b, h, i int, scores []T) {
	g := h / (a.Heads / a.KVHeads)
	q := a.Q[b*a.QS.B+h*a.QS.H+i*a.QS.T:][:a.D]
	k, v := a.K[b*a.KS.B+g*a.KS.H:], a.V[b*a.VS.B+g*a.VS.H:]
	keep := func(stage ScoreStage) {
		if a.Scores != nil && a.Stage == stage {
			copy(a.Scores[((b*a.Heads+h)*a.Tq+i)*a.Tk:], scores)
		}
	}
	for j := range scores {
		scores[j] = T(a.Scale * float64(dotOf(q, k[j*a.KS.T:])))
	}
	keep(ScoreScaled)
	if a.Softcap > 0 {
		for j, s := range scores {
			scores[j] = T(a.Softcap * math.Tanh(float64(s)/a.Softcap))
		}
	}
	keep(ScoreCapped)
	if a.Mask != nil {
		addTo(scores, a.Mask[b*a.MaskS.B+h*a.MaskS.H+i*a.MaskS.T:])
	}
	keep(ScoreMasked)
	if a.Sinks != nil {
		softmaxOf(append(scores, a.Sinks[h]))
	} else {
		softmaxOf(scores)
	}
	keep(ScoreSoftmax)
	out := a.Out[b*a.OutS.B+h*a.OutS.H+i*a.OutS.T:][:a.DV]
	clear(out)
	for j, s := range scores {
		axpyStep(out, s, v[j*a.VS.T:], 1)
	}
}

func dotOf[T Float](a, b []T) T {
	if f, ok := any(a).([]float32); ok {
		return T(Dot(f, any(b).([]float32)))
	}
	var sum T
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// softmaxOf is Softmax of x in place, for either precision.
func softmaxOf[T Float](x []T) {
	if f, ok := any(x).([]float32); ok {
		Softmax(f, f)
		return
	}
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v) - top)
		x[i] = T(e)
		sum += e
	}
	for i := range x {
		x[i] = T(float64(x[i]) / sum)
	}
}

// MaskArgs describe a mask for [AttentionMask].
type MaskArgs[T Float] struct {
	B, H, Tq, Tk int
	Src          []T // nil for none
	SrcS         Strides
	SrcK         int  // columns of Src; 1 repeats it, fewer than Tk leaves the rest masked
	Causal       bool // query i sees keys up to i + Past
	Past         int
	Lens         []int64 // (B) keys of each batch; nil for Tk
}

// AttentionMask writes what attention adds to the scores:
//
//	dst(b,h,i,j) = -Inf if j is hidden from i, else src(b,h,i,j)
func AttentionMask[T Float](dst []T, a *MaskArgs[T]) {
	hidden := T(math.Inf(-1))
	for b := range a.B {
		for h := range a.H {
			for i := range a.Tq {
				row := dst[((b*a.H+h)*a.Tq+i)*a.Tk:][:a.Tk]
				switch {
				case a.Src == nil:
					clear(row)
				case a.SrcK == 1 && a.Tk > 1:
					fillWith(row, a.Src[b*a.SrcS.B+h*a.SrcS.H+i*a.SrcS.T])
				default:
					n := min(copy(row, a.Src[b*a.SrcS.B+h*a.SrcS.H+i*a.SrcS.T:][:a.SrcK]), a.Tk)
					fillWith(row[n:], hidden)
				}
				if a.Causal {
					fillWith(row[max(0, min(i+a.Past+1, a.Tk)):], hidden)
				}
				if a.Lens != nil {
					fillWith(row[max(0, min(int(a.Lens[b]), a.Tk)):], hidden)
				}
			}
		}
	}
}

// Hide is dst[i] = 0 where visible[i], else -Inf.
func Hide[T Float](dst []T, visible []bool) {
	hidden := T(math.Inf(-1))
	for i, v := range visible {
		if dst[i] = 0; !v {
			dst[i] = hidden
		}
	}
}

// AttentionScores writes a.Scores = Scale * q k^T, (B, Heads, Tq, Tk).
func AttentionScores[T Float](p *Pool, a *AttentionOfArgs[T]) {
	every := 1 + haltEvery/(a.Tk*a.D+1)
	p.For(a.B*a.Heads*a.Tq, max(1, 1<<15/(a.Tk*a.D+1)), func(lo, hi int) {
		for r := lo; r < hi && !(r%every == 0 && a.stopped()); r++ {
			b, h, i := r/a.Tq/a.Heads, r/a.Tq%a.Heads, r%a.Tq
			q := a.Q[b*a.QS.B+h*a.QS.H+i*a.QS.T:][:a.D]
			k := a.K[b*a.KS.B+h/(a.Heads/a.KVHeads)*a.KS.H:]
			for j := range a.Tk {
				a.Scores[r*a.Tk+j] = T(a.Scale * float64(dotOf(q, k[j*a.KS.T:])))
			}
		}
	})
}

// AttentionValues writes a.Out = a.Scores v.
func AttentionValues[T Float](p *Pool, a *AttentionOfArgs[T]) {
	every := 1 + haltEvery/(a.Tk*a.DV+1)
	p.For(a.B*a.Heads*a.Tq, max(1, 1<<15/(a.Tk*a.DV+1)), func(lo, hi int) {
		for r := lo; r < hi && !(r%every == 0 && a.stopped()); r++ {
			b, h, i := r/a.Tq/a.Heads, r/a.Tq%a.Heads, r%a.Tq
			v := a.V[b*a.VS.B+h/(a.Heads/a.KVHeads)*a.VS.H:]
			out := a.Out[b*a.OutS.B+h*a.OutS.H+i*a.OutS.T:][:a.DV]
			clear(out)
			for j, s := range a.Scores[r*a.Tk : (r+1)*a.Tk] {
				axpyStep(out, s, v[j*a.VS.T:], 1)
			}
		}
	})
}

// SoftmaxEach is the softmax of each row of n elements of x, in place.
func SoftmaxEach[T Float](p *Pool, x []T, n int) {
	if n == 0 {
		return
	}
	p.For(len(x)/n, rowGrain(n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			softmaxOf(x[i*n : (i+1)*n])
		}
	})
}
