package kernel

import (
	"math"
	"sync"
)

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
	// KD is how far apart the elements of a key are, whose keys then follow each
	// other as if KS.T were 1: the keys of a head are a matrix (D, Tk). 0 means
	// that a key is contiguous.
	KD int

	// Mask is added to the scaled scores: (b,h,i,j) is Mask[b*MaskS.B+h*MaskS.H+i*MaskS.T+j].
	// nil adds nothing.
	Mask  []float32
	MaskS Strides
	// Causal lets query i see key j only where j <= i + Tk - Tq.
	Causal bool
	Scale  float32 // usually 1/sqrt(D)

	// Weights (B, Heads, Tq, Tk) receives the softmax; nil if not wanted.
	Weights []float32

	Stop func() error // asked between parts; after an error the outputs are incomplete; nil for never
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
	t := attentionTasks.Get().(*attentionTask)
	t.a = a
	t.rows = attentionRows(a)
	t.parts = ceilDiv(a.Tq, t.rows)
	chunk, run := gemmChunk, t.run
	if a.single(active) {
		chunk, run = attentionRowChunk, t.each
	}
	work := t.rows * a.Tk * (a.D + a.DV)
	p.For(a.B*a.Heads*t.parts, ceilDiv(chunk, max(work, 1)), run)
	t.a = nil
	attentionTasks.Put(t)
}

// attentionRows is how many queries of a head are computed together.
func attentionRows(a *AttentionArgs) int {
	return min(a.Tq, min(192, max(48, attentionScores/max(a.Tk, 1))))
}

// attentionScores is about how many scores are held at a time.
const attentionScores = 1 << 17

// An attentionTask is one call of Attention, cut into parts of some rows of
// queries of a head.
type attentionTask struct {
	a           *AttentionArgs
	rows, parts int
	run, each   func(lo, hi int)
}

var attentionTasks = sync.Pool{New: func() any {
	t := new(attentionTask)
	t.run = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if t.stopped() {
				return
			}
			t.part(i/t.parts, i%t.parts)
		}
	}
	t.each = t.singles
	return t
}}

func (t *attentionTask) stopped() bool { return t.a.Stop != nil && t.a.Stop() != nil }

// part computes some queries of head bh.
func (t *attentionTask) part(bh, part int) {
	a, v := t.a, active
	b, h := bh/a.Heads, bh%a.Heads
	first := part * t.rows
	rows := min(t.rows, a.Tq-first)
	q := a.Q[b*a.QS.B+h*a.QS.H+first*a.QS.T:]
	k, val := a.K[b*a.KS.B+h*a.KS.H:], a.V[b*a.VS.B+h*a.VS.H:]

	keys, values := gemmTask{n: a.Tk, k: a.D, b: k, ldb: a.KS.T, transB: true}, gemmTask{n: a.DV, k: a.Tk, b: val, ldb: a.VS.T}
	if a.KD > 0 {
		keys.ldb, keys.transB = a.KD, false
	}
	packing := 0
	if rows >= len(v.gemm[len(v.gemm)-1]) { // rather than once for every tile
		packing = a.D*roundUp(a.Tk, v.lanes) + a.Tk*roundUp(a.DV, v.lanes)
	}
	s, buf := borrow(rows*(a.D+a.Tk) + packing)
	defer s.release()
	scaled, scores := buf[:rows*a.D], buf[rows*a.D:rows*(a.D+a.Tk)]
	if packing > 0 {
		buf = buf[rows*(a.D+a.Tk):]
		keys.packed, values.packed = buf[:a.D*roundUp(a.Tk, v.lanes)], buf[a.D*roundUp(a.Tk, v.lanes):]
		packPanels(v, keys.packed, keys.transB, a.D, a.Tk, k, keys.ldb)
		packPanels(v, values.packed, false, a.Tk, a.DV, val, a.VS.T)
	}
	if a.Weights != nil {
		scores = a.Weights[(bh*a.Tq+first)*a.Tk:][:rows*a.Tk]
	}

	if packing > 0 && a.Tk <= 2*rows { // fewer calls
		v.mulScalar(keys.packed, keys.packed, a.Scale)
		keys.inline(v, rows, q, a.QS.T, scores, a.Tk)
	} else {
		for i := range rows {
			v.mulScalar(scaled[i*a.D:(i+1)*a.D], q[i*a.QS.T:][:a.D], a.Scale)
		}
		keys.inline(v, rows, scaled, a.D, scores, a.Tk)
	}
	for i := range rows {
		if t.stopped() {
			return
		}
		t.soften(scores[i*a.Tk:(i+1)*a.Tk], b, h, first+i)
	}
	values.inline(v, rows, scores, a.Tk, a.Out[b*a.OutS.B+h*a.OutS.H+first*a.OutS.T:], a.OutS.T)
}

// soften turns the scores of query i of a head into weights.
func (t *attentionTask) soften(scores []float32, b, h, i int) {
	a := t.a
	if a.Mask != nil {
		Add(scores, scores, a.Mask[b*a.MaskS.B+h*a.MaskS.H+i*a.MaskS.T:])
	}
	if a.Causal {
		visible := min(max(0, i+a.Tk-a.Tq+1), a.Tk)
		Fill(scores[visible:], float32(math.Inf(-1)))
	}
	Softmax(scores, scores)
}
