package kernel

// LSTMWeights are the weights of one direction of an LSTM layer, packed for
// LSTM and LSTMStep. They are immutable and belong to the variant that packed
// them.
type LSTMWeights struct {
	input, hidden int
	w             *LSTMInput
	r             []float32 // (4H, H)
	bias          []float32 // (4H) Wb + Rb
}

// LSTMInput is a packed input projection of an LSTM: a block of columns of W.
type LSTMInput struct {
	input, hidden int
	w             *PackedB
}

// PackLSTM packs w (4H, I), r (4H, H) and b (8H), which is Wb then Rb, or nil
// for zeros. Gates come in the order i, o, f, c. input may be 0 (and w nil)
// when all input reaches the layer through LSTMStepArgs.Extra.
func PackLSTM(input, hidden int, w, r, b []float32) *LSTMWeights {
	p := &LSTMWeights{input: input, hidden: hidden, bias: make([]float32, 4*hidden)}
	p.w = PackLSTMInput(input, hidden, w, input)
	p.r = append(p.r, r[:4*hidden*hidden]...)
	if b != nil {
		Add(p.bias, b, b[4*hidden:])
	}
	return p
}

// PackLSTMInput packs the columns of W that multiply one part of the input,
// as when the input is a concatenation: w[g*ldw+j] for g < 4H, j < input.
func PackLSTMInput(input, hidden int, w []float32, ldw int) *LSTMInput {
	return &LSTMInput{input: input, hidden: hidden, w: PackB(true, input, 4*hidden, w, ldw)}
}

// Sizes returns the widths of the input and of the hidden state.
func (w *LSTMWeights) Sizes() (input, hidden int) { return w.input, w.hidden }

// LSTMArgs are the data of one direction of an LSTM layer over T steps of B
// sequences, with input width I and H hidden units. Strides count elements
// and are free, so batch-first data needs no copy and two directions can
// write into halves of one buffer.
type LSTMArgs struct {
	T, B int

	X      []float32 // x(t,b,j) is X[t*XT+b*XB+j], j < I
	XT, XB int

	H0, C0  []float32 // (B, H) initial state; nil for zeros
	SeqLens []int32   // (B) steps of each sequence, at most T; nil means T for all
	Reverse bool      // each sequence from its last step to its first

	Y      []float32 // y(t,b,j) is Y[t*YT+b*YB+j], j < H; 0 beyond a sequence's length; nil if not wanted
	YT, YB int
	YH, YC []float32 // (B, H) state after the last step taken; nil if not wanted

	// Gates (T, B, 4H), in the order i, o, f, c after their activations, and
	// Cells (T, B, H) are what the backward pass needs; nil if not wanted.
	// Steps beyond a sequence's length leave them as they are.
	Gates, Cells []float32

	// Stop is called now and then between steps; an error ends the work and
	// is returned. It may be nil.
	Stop func() error
}

// LSTM runs one direction of a layer: for each step t of a sequence
//
//	i = sigmoid(Wi x + Ri h + bi)    o = sigmoid(Wo x + Ro h + bo)
//	f = sigmoid(Wf x + Rf h + bf)    g = tanh(Wc x + Rc h + bc)
//	c = f*c + i*g
//	h = o * tanh(c);  y[t] = h
//
// The error is Stop's; the outputs are then incomplete.
func LSTM(p *Pool, w *LSTMWeights, a *LSTMArgs) error {
	H := w.hidden
	h, c := make([]float32, a.B*H), make([]float32, a.B*H)
	gates := make([]float32, 4*H)
	if a.H0 != nil {
		copy(h, a.H0)
	}
	if a.C0 != nil {
		copy(c, a.C0)
	}
	for s := range a.T {
		t := s
		if a.Reverse {
			t = a.T - 1 - s
		}
		if s%16 == 0 && a.Stop != nil {
			if err := a.Stop(); err != nil {
				return err
			}
		}
		for b := range a.B {
			if a.SeqLens != nil && t >= int(a.SeqLens[b]) {
				if a.Y != nil {
					clear(a.Y[t*a.YT+b*a.YB:][:H])
				}
				continue
			}
			hb, cb := h[b*H:(b+1)*H], c[b*H:(b+1)*H]
			copy(gates, w.bias)
			w.w.add(gates, a.X[t*a.XT+b*a.XB:])
			w.step(gates, hb, cb)
			if a.Y != nil {
				copy(a.Y[t*a.YT+b*a.YB:], hb)
			}
			if a.Gates != nil {
				copy(a.Gates[(t*a.B+b)*4*H:], gates)
			}
			if a.Cells != nil {
				copy(a.Cells[(t*a.B+b)*H:], cb)
			}
		}
	}
	if a.YH != nil {
		copy(a.YH, h)
	}
	if a.YC != nil {
		copy(a.YC, c)
	}
	return nil
}

// BiLSTM runs two directions of a layer, or any two independent LSTMs of the
// same T and B, side by side.
func BiLSTM(p *Pool, w [2]*LSTMWeights, a [2]*LSTMArgs) error {
	if err := LSTM(p, w[0], a[0]); err != nil {
		return err
	}
	return LSTM(p, w[1], a[1])
}

// LSTMStepArgs are the data of one step of B sequences.
type LSTMStepArgs struct {
	B int

	X  []float32 // x(b,j) is X[b*XB+j], j < I; ignored when I is 0
	XB int

	// Extra are further parts of the input with weights of their own.
	Extra []LSTMProjection

	H, C       []float32 // (B, H) state before the step
	HOut, COut []float32 // (B, H) state after it; may be H and C

	Gates []float32 // (B, 4H) after the activations, for the backward pass; nil if not wanted
}

// An LSTMProjection is a part of the input: x(b,j) is X[b*XB+j].
type LSTMProjection struct {
	W  *LSTMInput
	X  []float32
	XB int
}

// LSTMStep is one step of LSTM with the input's projection being
//
//	W x + sum_e(We xe)
func LSTMStep(p *Pool, w *LSTMWeights, a *LSTMStepArgs) {
	H := w.hidden
	gates := make([]float32, 4*H)
	for b := range a.B {
		copy(gates, w.bias)
		if w.input > 0 {
			w.w.add(gates, a.X[b*a.XB:])
		}
		for _, e := range a.Extra {
			e.W.add(gates, e.X[b*e.XB:])
		}
		h, c := a.HOut[b*H:(b+1)*H], a.COut[b*H:(b+1)*H]
		copy(h, a.H[b*H:])
		copy(c, a.C[b*H:])
		w.step(gates, h, c)
		if a.Gates != nil {
			copy(a.Gates[b*4*H:], gates)
		}
	}
}

// add is gates += W x.
func (w *LSTMInput) add(gates, x []float32) {
	GemmPacked(nil, 1, x, w.input, w.w, gates, 4*w.hidden, Epilogue{Beta: 1})
}

// step adds R h to the gates (4H), applies the activations and updates the
// state in place.
func (w *LSTMWeights) step(gates, h, c []float32) {
	H := w.hidden
	for g := range gates {
		gates[g] += Dot(w.r[g*H:(g+1)*H], h)
	}
	Sigmoid(gates[:3*H], gates[:3*H])
	Tanh(gates[3*H:], gates[3*H:])
	i, o, f, g := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:]
	for j := range c {
		c[j] = f[j]*c[j] + i[j]*g[j]
		h[j] = o[j] * float32(tanh64(float64(c[j])))
	}
}

// LSTMCellBackward is the backward pass of the elementwise part of one step of
// one sequence. gates (4H, order i, o, f, c after the activations), c and
// cPrev (H) are the forward pass's; dh and dc (H) are the gradients of the
// step's h and of its c through later steps:
//
//	tc = tanh(c)
//	dct = dc + dh*o*(1-tc*tc)
//	dgates = [dct*g*i*(1-i), dh*tc*o*(1-o), dct*cPrev*f*(1-f), dct*i*(1-g*g)]
//	dcPrev = dct * f
//
// dgates and dcPrev are set, not added to; dcPrev may be dc.
func LSTMCellBackward(dgates, dcPrev, dh, dc, gates, c, cPrev []float32) {
	H := len(dcPrev)
	i, o, f, g := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:4*H]
	di, do, df, dg := dgates[:H], dgates[H:2*H], dgates[2*H:3*H], dgates[3*H:4*H]
	for j := range H {
		tc := float32(tanh64(float64(c[j])))
		dct := dc[j] + dh[j]*o[j]*(1-tc*tc)
		di[j] = dct * g[j] * i[j] * (1 - i[j])
		do[j] = dh[j] * tc * o[j] * (1 - o[j])
		df[j] = dct * cPrev[j] * f[j] * (1 - f[j])
		dg[j] = dct * i[j] * (1 - g[j]*g[j])
		dcPrev[j] = dct * f[j]
	}
}
