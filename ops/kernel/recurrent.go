package kernel

// A Float is an element type of the kernels that come in two precisions.
type Float interface{ float32 | float64 }

// A CellKind is a kind of recurrent cell.
type CellKind uint8

// The recurrent cells. Gates come in the order named here.
const (
	CellRNN  CellKind = iota // h
	CellGRU                  // z, r, h
	CellLSTM                 // i, o, f, c
)

// Gates is the number of gates of the cell.
func (k CellKind) Gates() int { return [...]int{1, 3, 4}[k] }

// A Recurrence is one direction of a recurrent layer in all the generality of
// ONNX's RNN, GRU and LSTM; for an LSTM without options [LSTM] is faster. It is
// immutable once packed.
type Recurrence[T Float] struct {
	Kind CellKind
	// Acts are f and, for GRU and LSTM, g and, for LSTM, h.
	Acts [3]CellActivation
	// Clip bounds the input of every activation to [-Clip, Clip]; 0 doesn't.
	Clip T
	// CellUnclipped (LSTM) keeps c as it is before h's activation.
	CellUnclipped bool
	// InputForget (LSTM) makes the forget gate 1 - i.
	InputForget bool
	// ResetLast (GRU) applies the reset gate after the recurrent product.
	ResetLast bool
	// Quantised (LSTM in float32) rounds h to 8 bits with [RoundToRange] before
	// its product with the weights.
	Quantised bool
	// Weights is how w and r are stored if they are float32.
	Weights WeightType

	input, hidden int
	w             rightMatrix[T]    // (I, GH)
	r             [2]rightMatrix[T] // (H, GH), the last gate of a GRU apart
	bias          []T               // (GH) Wb + Rb, the last gate's of a GRU that resets last without Rb
	resetBias     []T               // (H) of a GRU that resets last: Rb of its last gate
	peep          []T               // (3H) for i, o, f; nil for none
}

// Pack sets the weights: w (GH, I), r (GH, H), b (2GH), which is Wb then Rb, and
// p (3H), the peepholes of i, o and f; b and p may be nil. It keeps p.
func (n *Recurrence[T]) Pack(input, hidden int, w, r, b, p []T) {
	n.input, n.hidden = input, hidden
	g := n.Kind.Gates() * hidden
	n.w = packRight(n.Weights, input, g, w)
	n.bias, n.peep = make([]T, g), p
	if b != nil {
		for i := range n.bias {
			n.bias[i] = b[i] + b[g+i]
		}
	}
	if n.Kind != CellGRU {
		n.r[0] = packRight(n.Weights, hidden, g, r)
		return
	}
	n.r[0] = packRight(n.Weights, hidden, 2*hidden, r)
	n.r[1] = packRight(n.Weights, hidden, hidden, r[2*hidden*hidden:])
	if n.ResetLast {
		n.resetBias = make([]T, hidden)
		if b != nil {
			copy(n.bias[2*hidden:], b[2*hidden:g])
			copy(n.resetBias, b[g+2*hidden:])
		}
	}
}

// A rightMatrix is the transpose of a weight matrix (n, k) as the right-hand
// side of products.
type rightMatrix[T Float] struct {
	k, n   int
	packed *PackedB // float32
	w      []T      // float64: (k, n)
}

func packRight[T Float](t WeightType, k, n int, w []T) rightMatrix[T] {
	if f, ok := any(w).([]float32); ok {
		return rightMatrix[T]{k: k, n: n, packed: PackBAs(t, true, k, n, f, k)}
	}
	right := make([]T, k*n)
	transposeOf(right, w, k, n, k)
	return rightMatrix[T]{k: k, n: n, w: right}
}

// mul is c[i*ldc+j] = sum_l(a[i*lda+l] * W(j,l)) + bias[j] for i < m.
func (r *rightMatrix[T]) mul(p *Pool, m int, a []T, lda int, c []T, ldc int, bias []T) {
	if r.packed != nil {
		e := Epilogue{}
		if bias != nil {
			e.Bias = any(bias).([]float32)
		}
		GemmPacked(p, m, any(a).([]float32), lda, r.packed, any(c).([]float32), ldc, e)
		return
	}
	beta := T(0)
	if bias != nil {
		beta = 1
		for i := range m {
			copy(c[i*ldc:i*ldc+r.n], bias)
		}
	}
	GemmOf(p, false, false, m, r.n, r.k, 1, a, lda, r.w, r.n, beta, c, ldc)
}

// RecurrenceArgs are the data of a run over T steps of B sequences, as
// [LSTMArgs] has them.
type RecurrenceArgs[T Float] struct {
	T, B int

	X      []T // x(t,b,j) is X[t*XT+b*XB+j], j < I
	XT, XB int

	H0, C0  []T // (B, H) initial state; nil for zeros
	SeqLens []int32
	Reverse bool

	Y      []T // y(t,b,j) is Y[t*YT+b*YB+j], j < H; 0 beyond a sequence's length; nil if not wanted
	YT, YB int
	YH, YC []T // (B, H) state after the last step taken; nil if not wanted

	Stop func() error // as in LSTMArgs
}

// RecurrenceScratch is working memory of [Recurrence.Run]; one that is kept
// spares later runs of the same sizes every allocation.
type RecurrenceScratch[T Float] struct {
	n *Recurrence[T]
	a *RecurrenceArgs[T]
	t int // the step at hand
	p *Pool

	h, c   []T // (B, H)
	pre    []T // (B, GH) for each step of a block: the input's part of the gates
	at     []T // pre from the step at hand on
	stride int // in at, from sequence to sequence
	gates  []T // (B, GH) of the step at hand
	last   []T // (B, H) GRU: the recurrent part of the last gate, or r*h
	second bool
	cells  func(lo, hi int)
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// preLimit is how many gate values the input's part is computed ahead for.
const preLimit = 1 << 19

// Run runs the direction. The error is Stop's; the outputs are incomplete then.
func (n *Recurrence[T]) Run(p *Pool, a *RecurrenceArgs[T], s *RecurrenceScratch[T]) error {
	G := n.Kind.Gates() * n.hidden
	s.n, s.a, s.p = n, a, p
	s.h, s.c = grow(s.h, a.B*n.hidden), grow(s.c, a.B*n.hidden)
	s.gates, s.last = grow(s.gates, a.B*G), grow(s.last, a.B*n.hidden)
	if s.cells == nil {
		s.cells = s.cellRange
	}
	clear(s.h)
	clear(s.c)
	if a.H0 != nil {
		copy(s.h, a.H0)
	}
	if a.C0 != nil {
		copy(s.c, a.C0)
	}
	every := min(16, 1+haltEvery/max(a.B*G*n.hidden, 1)) // steps between two questions whether to go on
	block := min(max(preLimit/max(a.B*G, 1), 1), max(a.T, 1))
	s.pre = grow(s.pre, block*a.B*G)
	for from := 0; from < a.T; from += block {
		steps := min(block, a.T-from)
		first := from
		if a.Reverse {
			first = a.T - from - steps
		}
		byTime := n.project(p, a, s.pre, first, steps)
		for i := range steps {
			if a.Stop != nil && i%every == 0 {
				if err := a.Stop(); err != nil {
					return err
				}
			}
			s.t = first + i
			if a.Reverse {
				s.t = first + steps - 1 - i
			}
			s.step(byTime, s.t-first, steps)
		}
	}
	if a.YH != nil {
		copy(a.YH, s.h)
	}
	if a.YC != nil {
		copy(a.YC, s.c)
	}
	s.n, s.a, s.p, s.at = nil, nil, nil, nil
	return nil
}

// project computes the input's part of the gates of the given steps. The
// result is (steps, B, GH), or (B, steps, GH) if byTime is false.
func (n *Recurrence[T]) project(p *Pool, a *RecurrenceArgs[T], pre []T, first, steps int) (byTime bool) {
	G := n.Kind.Gates() * n.hidden
	if a.XT == a.B*a.XB || steps == 1 {
		for i := range steps {
			if a.XT == a.B*a.XB {
				n.w.mul(p, steps*a.B, a.X[first*a.XT:], a.XB, pre, G, n.bias)
				break
			}
			n.w.mul(p, a.B, a.X[(first+i)*a.XT:], a.XB, pre[i*a.B*G:], G, n.bias)
		}
		return true
	}
	for b := range a.B {
		n.w.mul(p, steps, a.X[b*a.XB+first*a.XT:], a.XT, pre[b*steps*G:], G, n.bias)
	}
	return false
}
