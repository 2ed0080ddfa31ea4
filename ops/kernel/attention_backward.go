package kernel

import "sync"

// AttentionGrads are the gradients of Attention, laid out as its data are: DOut
// like Out, DQ like Q and so on. No strides of keys and values may repeat (be
// 0), so that heads can be worked on side by side, and keys are contiguous.
type AttentionGrads struct {
	DOut       []float32
	DQ, DK, DV []float32

	// Scores receives the gradient of the scaled scores, laid out like Weights;
	// nil in AttentionBackward if not wanted.
	Scores []float32
	// Weights and Scores of query i of head h of batch b begin at
	// (b*Heads+h)*HeadStride + i*QueryStride; both 0 for (B, Heads, Tq, Tk).
	HeadStride, QueryStride int
}

// AttentionBackward adds to DQ, DK and DV the gradients of Attention. a holds
// the forward pass's data, with Weights. For each query i, with w its weights:
//
//	dw[j] = dot(dout[i], v[j])
//	ds[j] = w[j] * (dw[j] - dot(w, dw)) * Scale
//	dq[i] += sum_j(ds[j] * k[j])
//	dv[j] += w[j] * dout[i]
//	dk[j] += ds[j] * q[i]
//
// The first three lines are AttentionQueryBackward, the others
// AttentionMemoryBackward.
func AttentionBackward(p *Pool, a *AttentionArgs, g *AttentionGrads) {
	if g.Scores == nil {
		s, buf := borrow(a.B * a.Heads * a.Tq * a.Tk)
		defer s.release()
		with := *g
		with.Scores, with.HeadStride, with.QueryStride = buf, 0, 0
		g = &with
	}
	AttentionQueryBackward(p, a, g)
	AttentionMemoryBackward(p, a, g)
}

// AttentionQueryBackward sets g.Scores and adds to DQ.
func AttentionQueryBackward(p *Pool, a *AttentionArgs, g *AttentionGrads) {
	attentionBackward(p, a, g, a.Tq*a.Tk*(a.D+a.DV), (*attentionBack).query)
}

// AttentionMemoryBackward adds to DK and DV, from g.Scores. A decoder that
// attends step by step calls it once for all steps.
func AttentionMemoryBackward(p *Pool, a *AttentionArgs, g *AttentionGrads) {
	attentionBackward(p, a, g, a.Tq*a.Tk*(a.D+a.DV), (*attentionBack).memory)
}

// An attentionBack is one call; each head is worked on by itself.
type attentionBack struct {
	a                 *AttentionArgs
	g                 *AttentionGrads
	perHead, perQuery int
	part              func(t *attentionBack, bh int)
	run               func(lo, hi int)
}

var attentionBacks = sync.Pool{New: func() any {
	t := new(attentionBack)
	t.run = func(lo, hi int) {
		for bh := lo; bh < hi; bh++ {
			t.part(t, bh)
		}
	}
	return t
}}

func attentionBackward(p *Pool, a *AttentionArgs, g *AttentionGrads, work int, part func(t *attentionBack, bh int)) {
	if a.Tk == 0 || a.Tq == 0 {
		return
	}
	t := attentionBacks.Get().(*attentionBack)
	t.a, t.g, t.part = a, g, part
	t.perHead, t.perQuery = g.HeadStride, g.QueryStride
	if t.perQuery == 0 {
		t.perHead, t.perQuery = a.Tq*a.Tk, a.Tk
	}
	p.For(a.B*a.Heads, ceilDiv(gemmChunk, work+1), t.run)
	t.a, t.g, t.part = nil, nil, nil
	attentionBacks.Put(t)
}

// query is AttentionQueryBackward of one head.
func (t *attentionBack) query(bh int) {
	a, g, v := t.a, t.g, active
	b, h := bh/a.Heads, bh%a.Heads
	weights, scores := a.Weights[bh*t.perHead:], g.Scores[bh*t.perHead:]
	values := gemmTask{n: a.Tk, k: a.DV, b: a.V[b*a.VS.B+h*a.VS.H:], ldb: a.VS.T, transB: true}
	values.inline(v, a.Tq, g.DOut[b*a.OutS.B+h*a.OutS.H:], a.OutS.T, scores, t.perQuery)
	for i := range a.Tq {
		w, s := weights[i*t.perQuery:][:a.Tk], scores[i*t.perQuery:][:a.Tk]
		v.addScalar(s, s, -v.dot(w, s))
		v.mul(s, s, w)
		v.mulScalar(s, s, a.Scale)
	}
	keys := gemmTask{n: a.D, k: a.Tk, b: a.K[b*a.KS.B+h*a.KS.H:], ldb: a.KS.T, e: Epilogue{Beta: 1}}
	keys.inline(v, a.Tq, scores, t.perQuery, g.DQ[b*a.QS.B+h*a.QS.H:], a.QS.T)
}

// memory is AttentionMemoryBackward of one head.
func (t *attentionBack) memory(bh int) {
	a, g, v := t.a, t.g, active
	b, h := bh/a.Heads, bh%a.Heads
	s, turned := borrow(a.Tk * a.Tq)
	defer s.release()
	transposeF32(v, turned, a.Tq, a.Weights[bh*t.perHead:], t.perQuery, a.Tq, a.Tk)
	out := gemmTask{n: a.DV, k: a.Tq, b: g.DOut[b*a.OutS.B+h*a.OutS.H:], ldb: a.OutS.T, e: Epilogue{Beta: 1}}
	out.inline(v, a.Tk, turned, a.Tq, g.DV[b*a.VS.B+h*a.VS.H:], a.VS.T)
	transposeF32(v, turned, a.Tq, g.Scores[bh*t.perHead:], t.perQuery, a.Tq, a.Tk)
	queries := gemmTask{n: a.D, k: a.Tq, b: a.Q[b*a.QS.B+h*a.QS.H:], ldb: a.QS.T, e: Epilogue{Beta: 1}}
	queries.inline(v, a.Tk, turned, a.Tq, g.DK[b*a.KS.B+h*a.KS.H:], a.KS.T)
}
