package kernel

import "sync"

// stepBuffers are what the members of a crew share of a recurrence of B
// sequences.
type stepBuffers struct {
	s     *scratch
	h     [2][]float32 // (B, units): before a step and after it, by turns
	c     []float32    // (B, units); empty for GRU
	gates []float32    // (span, B, columns): W x + b of the steps to come

	// bounds (B, 2) of h, by the same turns: the least and the largest value of each
	// sequence; kept where members share out sequences.
	bounds     [2][]float32
	bySequence bool

	B             int
	rows, columns int // of gates
	lump          int // columns that are computed in one go
	holders       int // dismissed helpers that may be reading
}

var buffersPool = sync.Pool{New: func() any { return new(stepBuffers) }}

// newStepBuffers borrows buffers for span steps of B sequences.
func newStepBuffers(span, B, units, columns, lump int, cells bool) *stepBuffers {
	b := buffersPool.Get().(*stepBuffers)
	state := B * units
	cell := 0
	if cells {
		cell = state
	}
	var buf []float32
	b.B, b.rows, b.columns, b.lump, b.holders = B, span*B, columns, lump, 0
	b.s, buf = borrow(b.words(state, cell))
	b.carve(buf, state, cell)
	return b
}

// like borrows buffers of the same sizes.
func (b *stepBuffers) like() *stepBuffers {
	o := buffersPool.Get().(*stepBuffers)
	*o = *b
	state, cell := len(b.h[0]), len(b.c)
	var buf []float32
	o.s, buf = borrow(b.words(state, cell))
	o.carve(buf, state, cell)
	o.holders = 0
	return o
}

// words is the room that carve needs, for so many values of h and c.
func (b *stepBuffers) words(state, cell int) int { return 2*state + cell + 4*b.B + b.rows*b.columns }

func (b *stepBuffers) carve(buf []float32, state, cell int) {
	for i := range b.h {
		b.h[i] = carve[float32](&buf, state)
	}
	b.c, b.gates = carve[float32](&buf, cell), carve[float32](&buf, b.rows*b.columns)
	for i := range b.bounds {
		b.bounds[i] = carve[float32](&buf, 2*b.B)
	}
}

func (b *stepBuffers) release() {
	b.s.release()
	*b = stepBuffers{}
	buffersPool.Put(b)
}

// copyState copies h, its bounds and c.
func (b *stepBuffers) copyState(from *stepBuffers) {
	for i := range b.h {
		copy(b.h[i], from.h[i])
		copy(b.bounds[i], from.bounds[i])
	}
	copy(b.c, from.c)
}

// copyGates copies the gates of share [lo, hi) of a phase.
func (b *stepBuffers) copyGates(from *stepBuffers, ph phase, lo, hi int) {
	if b.bySequence {
		b.copySequences(from, ph, lo, hi)
		return
	}
	j0, j1 := min(lo*b.lump, b.columns), min(hi*b.lump, b.columns)
	for r := range b.rows {
		copy(b.gates[r*b.columns+j0:r*b.columns+j1], from.gates[r*b.columns+j0:])
	}
}

// copySequences copies the rows of the gates that a share of sequences [lo, hi) has
// made, or those of its sequences.
func (b *stepBuffers) copySequences(from *stepBuffers, ph phase, lo, hi int) {
	if ph.project {
		copy(b.gates[lo*ph.n*b.columns:hi*ph.n*b.columns], from.gates[lo*ph.n*b.columns:])
		return
	}
	for r := 0; r < b.rows; r += b.B {
		copy(b.gates[(r+lo)*b.columns:(r+hi)*b.columns], from.gates[(r+lo)*b.columns:])
	}
}
