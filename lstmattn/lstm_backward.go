package lstmattn

import "github.com/onda-ml/onda/ops/kernel"

// lstmBack are the data of the backward pass of one direction of an LSTM layer
// over T steps of B sequences from zero states: the forward pass's data and the
// gradients of its results, to which strides belong as in kernel.LSTMArgs.
type lstmBack struct {
	T, B, input, hidden int
	reverse             bool

	x            []float32 // x(t,b) is x[t*xT+b*xB:][:input]
	xT, xB       int
	y, dy        []float32 // y(t,b) is y[t*yT+b*yB:][:hidden], and so is its gradient
	yT, yB       int
	gates, cells []float32 // (T, B, 4H), (T, B, H)

	dh, dc []float32 // (B, H) the gradients of the final state; the pass leaves those of the first state
	dx     []float32 // set like x, or added to; nil if not wanted
	addX   bool

	params, grads LSTMParams
	dgates        []float32 // (T, B, 4H) scratch
	zeros         []float32 // (H) zeros
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
	recurrent := kernel.PackB(false, 4*H, H, l.params.WeightHH, H)
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
			kernel.Add(dh, dh, l.dy[t*l.yT+b*l.yB:])
			cPrev := l.zeros
			if !first {
				cPrev = l.cells[(before*B+b)*H:][:H]
			}
			kernel.LSTMCellBackward(l.dgates[4*at:4*(at+H)], dc, dh, dc, l.gates[4*at:4*(at+H)], l.cells[at:at+H], cPrev)
		}
		kernel.GemmPacked(p, B, l.dgates[t*B*4*H:], 4*H, recurrent, l.dh, H, kernel.Epilogue{})
	}
	l.products(p)
	return nil
}

// products are the gradients of the input and the parameters: sequence by
// sequence, or where there are more of them than steps, step by step.
func (l *lstmBack) products(p *kernel.Pool) {
	T, B, H := l.T, l.B, l.hidden
	if B <= T {
		for b := range B {
			dgates, x, y, step := l.dgates[b*4*H:], b*l.xB, l.y[b*l.yB:], B*4*H
			l.inputProducts(p, dgates, step, x, l.xT, T)
			if T == 1 { // the only step read zeros
				continue
			}
			after, before := dgates[step:], y
			if l.reverse {
				after, before = dgates, y[l.yT:]
			}
			kernel.Gemm(p, true, false, 4*H, H, T-1, 1, after, step, before, l.yT, 1, l.grads.WeightHH, H)
		}
	} else {
		for t := range T {
			dgates, before := l.dgates[t*B*4*H:], t-1
			if l.reverse {
				before = t + 1
			}
			l.inputProducts(p, dgates, 4*H, t*l.xT, l.xB, B)
			if before >= 0 && before < T {
				kernel.Gemm(p, true, false, 4*H, H, B, 1, dgates, 4*H, l.y[before*l.yT:], l.yB, 1, l.grads.WeightHH, H)
			}
		}
	}
	l.grads.addBias(l.dgates, T*B)
}

// inputProducts are the products of some rows of dgates with W and with the rows
// of x from x[at] on.
func (l *lstmBack) inputProducts(p *kernel.Pool, dgates []float32, step, at, stride, rows int) {
	I, H := l.input, l.hidden
	beta := float32(0)
	if l.addX {
		beta = 1
	}
	if l.dx != nil {
		kernel.Gemm(p, false, false, rows, I, 4*H, 1, dgates, step, l.params.WeightIH, I, beta, l.dx[at:], stride)
	}
	kernel.Gemm(p, true, false, 4*H, I, rows, 1, dgates, step, l.x[at:], stride, 1, l.grads.WeightIH, I)
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
