package kernel

// attentionRowChunk is how many multiplications of single queries are worth
// waking a thread for. They read their keys and values once, so that they take
// longer than those of products.
const attentionRowChunk = 1 << 16

// single reports whether each head has one query, and values that are a few
// whole vectors: the kernels of products of one row are then called without what
// else a product needs.
func (a *AttentionArgs) single(v *variant) bool {
	return a.Tq == 1 && a.D > 0 && a.DV > 0 && a.DV%v.lanes == 0 && a.DV <= v.group*v.panel()
}

// singles computes heads [lo, hi) of one query each.
func (t *attentionTask) singles(lo, hi int) {
	a, v := t.a, active
	s, buf := borrow(a.D + a.Tk)
	defer s.release()
	q, scores := buf[:a.D], buf[a.D:]
	every := 1 + haltEvery/(a.Tk*(a.D+a.DV)+1)
	for bh := lo; bh < hi; bh++ {
		if a.Stop != nil && bh%every == 0 && a.Stop() != nil {
			return
		}
		b, h := bh/a.Heads, bh%a.Heads
		if a.Weights != nil {
			scores = a.Weights[bh*a.Tk:][:a.Tk]
		}
		v.mulScalar(q, a.Q[b*a.QS.B+h*a.QS.H:][:a.D], a.Scale)
		k := a.K[b*a.KS.B+h*a.KS.H:]
		if a.KD == 0 {
			v.dotsOfRows(scores, q, k, a.KS.T)
		} else {
			whole := a.Tk / v.lanes * v.lanes
			v.rowTimes(scores[:whole], q, k, a.KD)
			for j := whole; j < a.Tk; j++ {
				var dot float32
				for l, x := range q {
					dot += x * k[l*a.KD+j]
				}
				scores[j] = dot
			}
		}
		t.soften(scores, b, h, 0)
		v.rowTimes(a.Out[b*a.OutS.B+h*a.OutS.H:][:a.DV], scores, a.V[b*a.VS.B+h*a.VS.H:], a.VS.T)
	}
}

// rowTimes is y[j] = sum_l(a[l] * b[l*ldb+j]); y is whole vectors.
func (v *variant) rowTimes(y, a, b []float32, ldb int) {
	width := v.panel()
	whole, rest := len(y)/width, len(y)%width
	if whole > 0 {
		v.gemm[len(v.gemm)-1][1](len(a), whole, &a[0], 0, 1, &b[0], ldb, width, &y[0], 0, width, false, &b[0], 0)
	}
	if at := whole * width; rest > 0 {
		v.gemm[rest/v.lanes][1](len(a), 1, &a[0], 0, 1, &b[at], ldb, 0, &y[at], 0, rest, false, &b[at], 0)
	}
}

// dotsOfRows is y[j] = dot(a, b[j*ldb:]).
func (v *variant) dotsOfRows(y, a, b []float32, ldb int) {
	four := len(y) &^ 3
	if four > 0 {
		v.dots(y[:four], a, &b[0], ldb)
	}
	for j := four; j < len(y); j++ {
		y[j] = v.dot(a, b[j*ldb:][:len(a)])
	}
}
