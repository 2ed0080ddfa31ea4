package kernel

// LSTMWeights are the weights of one direction of an LSTM layer, packed for
// LSTM and LSTMStep. They are immutable and belong to the variant that packed
// them.
//
// Inside, the four gates of a vector's worth of hidden units stand together:
// the columns of a block are i of U units, then o, f and c, so that one pass
// over a block's weights yields all that its units need. Hidden units are
// filled up to whole blocks with zeros, which stay zero.
type LSTMWeights struct {
	input, hidden int
	blocks        int
	v             *variant
	w             *LSTMInput
	r             *PackedB  // (H, blocks*4U)
	bias          []float32 // (blocks*4U) Wb + Rb
}

// LSTMInput is a packed input projection of an LSTM: a block of columns of W.
type LSTMInput struct {
	input, hidden int
	w             *PackedB // (I, blocks*4U)
}

// PackLSTM packs w (4H, I), r (4H, H) and b (8H), which is Wb then Rb, or nil
// for zeros. Gates come in the order i, o, f, c. input may be 0 (and w nil)
// when all input reaches the layer through LSTMStepArgs.Extra.
func PackLSTM(input, hidden int, w, r, b []float32) *LSTMWeights {
	v := active
	p := &LSTMWeights{input: input, hidden: hidden, blocks: ceilDiv(hidden, v.lanes), v: v}
	p.w = PackLSTMInput(input, hidden, w, input)
	p.r = packGates(v, 4, hidden, hidden, r, hidden)
	p.bias = aligned(p.columns())
	if b != nil {
		for g := range 4 * hidden {
			p.bias[gateColumn(v, 4, hidden, g)] = b[g] + b[4*hidden+g]
		}
	}
	return p
}

// PackLSTMInput packs the columns of W that multiply one part of the input,
// as when the input is a concatenation: w[g*ldw+j] for g < 4H, j < input.
func PackLSTMInput(input, hidden int, w []float32, ldw int) *LSTMInput {
	return &LSTMInput{input: input, hidden: hidden, w: packGates(active, 4, input, hidden, w, ldw)}
}

// packGates packs the rows of w (gates*H, k) as columns in the order of blocks.
func packGates(v *variant, gates, k, hidden int, w []float32, ldw int) *PackedB {
	columns := ceilDiv(hidden, v.lanes) * gates * v.lanes
	s, rows := borrow(columns * k)
	defer s.release()
	clear(rows)
	for g := range gates * hidden {
		copy(rows[gateColumn(v, gates, hidden, g)*k:][:k], w[g*ldw:])
	}
	return PackB(true, k, columns, rows, k)
}

// gateColumn is where row g of a (gates*H, .) matrix stands among the blocks.
func gateColumn(v *variant, gates, hidden, g int) int {
	gate, unit := g/hidden, g%hidden
	return unit/v.lanes*gates*v.lanes + gate*v.lanes + unit%v.lanes
}

// Sizes returns the widths of the input and of the hidden state.
func (w *LSTMWeights) Sizes() (input, hidden int) { return w.input, w.hidden }

// Bytes is the memory the packed weights take.
func (w *LSTMWeights) Bytes() int { return w.w.w.Bytes() + w.r.Bytes() + 4*len(w.bias) }

// columns is the width of a row of gates, units that of a row of h or c.
func (w *LSTMWeights) columns() int { return w.blocks * 4 * w.v.lanes }
func (w *LSTMWeights) units() int   { return w.blocks * w.v.lanes }

// lumpBlocks is how many blocks are computed in one go: what the variant's
// kernels take at once. Threads share a layer in lumps.
func (w *LSTMWeights) lumpBlocks() int { return max(1, w.v.group*w.v.panel()/(4*w.v.lanes)) }
func (w *LSTMWeights) lumps() int      { return ceilDiv(w.blocks, w.lumpBlocks()) }
