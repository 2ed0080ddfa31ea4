package kernel

// AttentionGrads are the gradients of Attention, laid out as its data are: DOut
// like Out, DQ like Q and so on. No strides of keys and values may repeat (be
// 0), so that heads can be worked on side by side.
type AttentionGrads struct {
	DOut       []float32
	DQ, DK, DV []float32
}

// AttentionBackward adds to DQ, DK and DV the gradients of Attention. a holds
// the forward pass's data, with Weights. For each query i, with w its weights:
//
//	dw[j] = dot(dout[i], v[j])
//	dv[j] += w[j] * dout[i]
//	ds[j] = w[j] * (dw[j] - dot(w, dw)) * Scale
//	dq[i] += sum_j(ds[j] * k[j])
//	dk[j] += ds[j] * q[i]
func AttentionBackward(p *Pool, a *AttentionArgs, g *AttentionGrads) {
	if a.Tk == 0 || a.Tq == 0 {
		return
	}
	p.For(a.B*a.Heads, max(1, 1<<14/(a.Tq*a.Tk*(a.D+a.DV)+1)), func(lo, hi int) {
		ds := make([]float32, a.Tk)
		for bh := lo; bh < hi; bh++ {
			for i := range a.Tq {
				a.queryBackward(g, bh, i, ds)
			}
		}
	})
}

// queryBackward adds the gradients of one query.
func (a *AttentionArgs) queryBackward(g *AttentionGrads, bh, i int, ds []float32) {
	b, h := bh/a.Heads, bh%a.Heads
	atQ, atK, atV := b*a.QS.B+h*a.QS.H+i*a.QS.T, b*a.KS.B+h*a.KS.H, b*a.VS.B+h*a.VS.H
	q, dq := a.Q[atQ:][:a.D], g.DQ[atQ:][:a.D]
	dout := g.DOut[b*a.OutS.B+h*a.OutS.H+i*a.OutS.T:][:a.DV]
	w := a.Weights[(bh*a.Tq+i)*a.Tk:][:a.Tk]
	for j, wj := range w {
		v := atV + j*a.VS.T
		ds[j] = Dot(dout, a.V[v:])
		Axpy(g.DV[v:][:a.DV], wj, dout)
	}
	mean := Dot(w, ds)
	for j, wj := range w {
		k := atK + j*a.KS.T
		s := wj * (ds[j] - mean) * a.Scale
		Axpy(dq, s, a.K[k:])
		Axpy(g.DK[k:][:a.D], s, q)
	}
}
