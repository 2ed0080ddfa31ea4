package lstmattn

import "github.com/onda-ml/onda/ops/kernel"

// lstmBack are the data of the backward pass of one direction of an LSTM layer
// over T steps of B sequences from zero states: the forward pass's data and the
// gradients of its results.
type lstmBack struct {
	T, B, input, hidden int
	reverse             bool

	x            []float32 // x(t,b) is x[(b*T+t)*xT:][:input]
	xT           int
	y, dy        []float32 // y(t,b) is y[(b*T+t)*yT:][:hidden], and so is its gradient
	yT           int
	gates, cells []float32 // (T, B, 4H), (T, B, H)

	dh, dc []float32 // (B, H) the gradients of the final state; the pass leaves those of the first state
	dx     []float32 // set like x, or added to; nil if not wanted
	addX   bool

	params, grads LSTMParams
	recurrent     *kernel.PackedB // params.WeightHH (4H, H)
	dgates        []float32       // (B, T, 4H) scratch
	zeros         []float32       // (H) zeros
	stop          func() error
}

// run goes back through the steps, from the last one taken to the first:
//
//	dh += dy[t]
//	dgates[t], dc = LSTMCellBackward(dh, dc)
//	dh = dgates[t] R
//
// and then takes dx = dgates W and the gradients of all parameters at once.
func (l *lstmBack) run(p *kernel.Pool) error {
	B, H := l.B, l.hidden
	for s := range l.T {
		if s%16 == 0 && l.stop != nil {
			if err := l.stop(); err != nil {
				return err
			}
		}
		t, before := l.T-1-s, l.T-2-s
		if l.reverse {
			t, before = s, s+1
		}
		first := s == l.T-1 // of the steps in the direction of the layer
		for b := range B {
			dh, dc, at := l.dh[b*H:(b+1)*H], l.dc[b*H:(b+1)*H], (t*B+b)*H
			kernel.Add(dh, dh, l.dy[(b*l.T+t)*l.yT:])
			cPrev := l.zeros
			if !first {
				cPrev = l.cells[(before*B+b)*H:][:H]
			}
			kernel.LSTMCellBackward(l.dgates[(b*l.T+t)*4*H:][:4*H], dc, dh, dc, l.gates[4*at:4*(at+H)], l.cells[at:at+H], cPrev)
		}
		kernel.GemmPacked(p, B, l.dgates[t*4*H:], l.T*4*H, l.recurrent, l.dh, H, kernel.Epilogue{})
	}
	l.products(p)
	return nil
}

// products are the gradients of the input and the parameters, over all steps
// of all sequences at once.
func (l *lstmBack) products(p *kernel.Pool) {
	T, rows, I, H := l.T, l.T*l.B, l.input, l.hidden
	if l.dx != nil {
		beta := float32(0)
		if l.addX {
			beta = 1
		}
		kernel.Gemm(p, false, false, rows, I, 4*H, 1, l.dgates, 4*H, l.params.WeightIH, I, beta, l.dx, l.xT)
	}
	l.grads.addBias(l.dgates, rows)
	kernel.Gemm(p, true, false, 4*H, I, rows, 1, l.dgates, 4*H, l.x, l.xT, 1, l.grads.WeightIH, I)
	// A step read the y of the step before it, the row above or, in reverse, the
	// row below. The first one read zeros: that row belongs to another sequence.
	if rows == 1 {
		return
	}
	first, after, before := 0, l.dgates, l.y
	if l.reverse {
		first = T - 1
		before = l.y[l.yT:]
	} else {
		after = l.dgates[4*H:]
	}
	for b := range l.B {
		clear(l.dgates[(b*T+first)*4*H:][:4*H])
	}
	kernel.Gemm(p, true, false, 4*H, H, rows-1, 1, after, 4*H, before, l.yT, 1, l.grads.WeightHH, H)
}

// addBias adds the sums over all rows of dgates (rows, 4H) to both biases.
func (g *LSTMParams) addBias(dgates []float32, rows int) {
	sumRows(g.BiasIH, dgates, rows)
	sumRows(g.BiasHH, dgates, rows)
}

// sumRows adds the rows of m (rows, len(dst)) to dst.
func sumRows(dst, m []float32, rows int) {
	n := len(dst)
	for r := range rows {
		kernel.Add(dst, dst, m[r*n:])
	}
}
