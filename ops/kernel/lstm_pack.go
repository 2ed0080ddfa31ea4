package kernel

// LSTMWeights are the weights of one direction of an LSTM layer, packed for
// LSTM and LSTMStep. Nothing but Repack changes them; they belong to the variant
// that packed them.
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
	joined        *PackedB  // (H+I+1, blocks*4U) r, w and bias; nil but for few inputs
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
	return PackLSTMAs(WeightFloat32, input, hidden, w, r, b)
}

// PackLSTMAs is [PackLSTM] with w and r stored as t.
func PackLSTMAs(t WeightType, input, hidden int, w, r, b []float32) *LSTMWeights {
	return PackLSTMRecurrence(t, PackLSTMInputAs(t, input, hidden, w, input), r, b)
}

// PackLSTMRecurrence is [PackLSTMAs] where W is packed already.
func PackLSTMRecurrence(t WeightType, w *LSTMInput, r, b []float32) *LSTMWeights {
	v := w.w.v
	return newLSTMWeights(v, w.input, w.hidden, w.w, packGates(t, v, 4, w.hidden, w.hidden, r, w.hidden), b)
}

// PackLSTMInt8 packs weights that are integers already, as ONNX Runtime's
// DynamicQuantizeLSTM has them: w (I, 4H) and r (H, 4H), each minus its zero
// point times its scale, which have 4H elements or one for all. The layer
// rounds x by the range of all its steps, and h by that of all sequences, as
// [DynamicRange] has it.
func PackLSTMInt8[T int8 | uint8](input, hidden int, w []T, wScale []float32, wZero []T, r []T, rScale []float32, rZero []T, b []float32) *LSTMWeights {
	v := active
	return newLSTMWeights(v, input, hidden, packGatesInt8(v, 4, input, hidden, w, wScale, wZero), packGatesInt8(v, 4, hidden, hidden, r, rScale, rZero), b)
}

func newLSTMWeights(v *variant, input, hidden int, w, r *PackedB, b []float32) *LSTMWeights {
	p := &LSTMWeights{input: input, hidden: hidden, blocks: ceilDiv(hidden, v.lanes), v: v, r: r}
	p.w = &LSTMInput{input: input, hidden: hidden, w: w}
	p.bias = aligned(p.columns())
	if b != nil {
		p.sumBias(b[:4*hidden], b[4*hidden:])
	}
	if depth := joinedDepth(v, input, hidden); depth > 0 && w.panels != nil && r.panels != nil {
		p.joined = &PackedB{k: depth, n: p.columns(), v: v, panels: aligned(depth * p.columns())}
		p.join()
	}
	return p
}

// Repack is PackLSTM of other weights of the same sizes in p's memory, which
// PackLSTM made, with the two halves of b given apart. Nothing else may use p
// meanwhile.
func (p *LSTMWeights) Repack(w, r, wb, rb []float32) {
	repackGates(p.w.w, 4, p.hidden, w, p.input)
	repackGates(p.r, 4, p.hidden, r, p.hidden)
	p.sumBias(wb, rb)
	p.join()
}

func (p *LSTMWeights) sumBias(wb, rb []float32) {
	for g := range 4 * p.hidden {
		p.bias[gateColumn(p.v, 4, p.hidden, g)] = wb[g] + rb[g]
	}
}

// PackLSTMInput packs the columns of W that multiply one part of the input,
// as when the input is a concatenation: w[g*ldw+j] for g < 4H, j < input.
func PackLSTMInput(input, hidden int, w []float32, ldw int) *LSTMInput {
	return PackLSTMInputAs(WeightFloat32, input, hidden, w, ldw)
}

// PackLSTMInputAs is [PackLSTMInput] with W stored as t.
func PackLSTMInputAs(t WeightType, input, hidden int, w []float32, ldw int) *LSTMInput {
	return &LSTMInput{input: input, hidden: hidden, w: packGates(t, active, 4, input, hidden, w, ldw)}
}

// packGates packs the rows of w (gates*H, k) as columns in the order of blocks.
func packGates(t WeightType, v *variant, gates, k, hidden int, w []float32, ldw int) *PackedB {
	columns := ceilDiv(hidden, v.lanes) * gates * v.lanes
	if t == WeightFloat32 {
		p := &PackedB{k: k, n: columns, v: v, panels: aligned(k * columns)}
		repackGates(p, gates, hidden, w, ldw)
		return p.packed()
	}
	s, rows := borrow(columns * k)
	defer s.release()
	clear(rows)
	for g := range gates * hidden {
		copy(rows[gateColumn(v, gates, hidden, g)*k:][:k], w[g*ldw:])
	}
	return PackBAs(t, true, k, columns, rows, k)
}

// repackGates is packGates of float32 in p's memory, whose padding is zero. The
// columns of one gate in one block lie side by side in one panel, so nothing is
// copied in between.
func repackGates(p *PackedB, gates, hidden int, w []float32, ldw int) {
	if p.k == 0 {
		return
	}
	lanes, width := p.v.lanes, p.v.panel()
	for unit := 0; unit < hidden; unit += lanes {
		for gate := range gates {
			row := gate*hidden + unit
			column := gateColumn(p.v, gates, hidden, row)
			first := column / width * width
			transposeF32(p.v, p.panels[first*p.k+column-first:], min(width, p.n-first), w[row*ldw:], ldw, min(lanes, hidden-unit), p.k)
		}
	}
}

// packGatesInt8 packs the columns of w (k, gates*H) in the order of blocks.
func packGatesInt8[T int8 | uint8](v *variant, gates, k, hidden int, w []T, scale []float32, zero []T) *PackedB {
	columns := ceilDiv(hidden, v.lanes) * gates * v.lanes
	from := make([]int, columns) // 1 + the row of the gates; 0 for what fills up
	for g := range gates * hidden {
		from[gateColumn(v, gates, hidden, g)] = 1 + g
	}
	up := int8Up[T]()
	zeroOf := func(j int) T { return zero[max(from[j]-1, 0)%len(zero)] }
	q := packInt8(v, k, columns, func(l, j int) uint8 {
		if from[j] == 0 {
			return uint8(zeroOf(j)) + up
		}
		return uint8(w[l*gates*hidden+from[j]-1]) + up
	}, func(j int) int32 { return int32(zeroOf(j)) + int32(up) }, func(j int) float32 { return scale[max(from[j]-1, 0)%len(scale)] })
	q.whole = true
	return (&PackedB{k: k, n: columns, v: v, q: q}).packed()
}

// gateColumn is where row g of a (gates*H, .) matrix stands among the blocks.
func gateColumn(v *variant, gates, hidden, g int) int {
	gate, unit := g/hidden, g%hidden
	return unit/v.lanes*gates*v.lanes + gate*v.lanes + unit%v.lanes
}

// Sizes returns the widths of the input and of the hidden state.
func (w *LSTMWeights) Sizes() (input, hidden int) { return w.input, w.hidden }

// Bytes is the memory the packed weights take.
func (w *LSTMWeights) Bytes() int {
	n := w.w.w.Bytes() + w.r.Bytes() + 4*len(w.bias)
	if w.joined != nil {
		n += w.joined.Bytes()
	}
	return n
}

// columns is the width of a row of gates, units that of a row of h or c.
func (w *LSTMWeights) columns() int { return w.blocks * 4 * w.v.lanes }
func (w *LSTMWeights) units() int   { return w.blocks * w.v.lanes }

// gateRow is how far apart rows of gates stand in memory: a cache line more than
// they are wide, since powers of two would meet in few sets of the cache.
func (w *LSTMWeights) gateRow() int { return w.columns() + 16 }

// lumpBlocks is how many blocks are computed in one go: what the variant's
// kernels take at once. Threads share a layer in lumps.
func (w *LSTMWeights) lumpBlocks() int { return max(1, w.v.group*w.v.panel()/(4*w.v.lanes)) }
func (w *LSTMWeights) lumps() int      { return ceilDiv(w.blocks, w.lumpBlocks()) }
