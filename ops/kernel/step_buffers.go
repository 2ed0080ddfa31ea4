package kernel

import "sync"

// stepBuffers are what the members of a crew share of a recurrence of B
// sequences.
type stepBuffers struct {
	s     *scratch
	h     [2][]float32 // (B, units): before a step and after it, by turns
	c     []float32    // (B, units); empty for GRU
	gates []float32    // (span, B, columns): W x + b of the steps to come

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
	b.s, buf = borrow(2*state + cell + span*B*columns)
	b.h = [2][]float32{buf[:state], buf[state : 2*state]}
	b.c, b.gates = buf[2*state:2*state+cell], buf[2*state+cell:]
	b.rows, b.columns, b.lump, b.holders = span*B, columns, lump, 0
	return b
}

// like borrows buffers of the same sizes.
func (b *stepBuffers) like() *stepBuffers {
	o := buffersPool.Get().(*stepBuffers)
	*o = *b
	state, cell := len(b.h[0]), len(b.c)
	var buf []float32
	o.s, buf = borrow(2*state + cell + len(b.gates))
	o.h = [2][]float32{buf[:state], buf[state : 2*state]}
	o.c, o.gates, o.holders = buf[2*state:2*state+cell], buf[2*state+cell:], 0
	return o
}

func (b *stepBuffers) release() {
	b.s.release()
	*b = stepBuffers{}
	buffersPool.Put(b)
}

// copyState copies h and c.
func (b *stepBuffers) copyState(from *stepBuffers) {
	copy(b.h[0], from.h[0])
	copy(b.h[1], from.h[1])
	copy(b.c, from.c)
}

// copyGates copies the gates of lumps [lo, hi).
func (b *stepBuffers) copyGates(from *stepBuffers, lo, hi int) {
	j0, j1 := min(lo*b.lump, b.columns), min(hi*b.lump, b.columns)
	for r := range b.rows {
		copy(b.gates[r*b.columns+j0:r*b.columns+j1], from.gates[r*b.columns+j0:])
	}
}
