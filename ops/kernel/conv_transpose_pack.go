package kernel

// PackedConvTranspose are the weights of a transposed convolution, laid out for
// [ConvTransposePacked]. Nothing changes them.
type PackedConvTranspose struct {
	group, cin, cout, taps int // channels per group
	block                  int // output channels at a time
	// blocks holds, group by group, blocks of output channels: each class of taps by
	// itself if they go by phases, or else as pointwise convolutions whose outputs are
	// what their taps hold.
	blocks   []*PackedConv
	byPhases bool
	shape    transposedShape // if byPhases
}

// transposedTaps is about how many taps of output channels are computed at a time.
const transposedTaps = 48

// transposedLeast is from how many input channels on it pays: weights of few are laid
// out again in less time than what their taps hold takes on its way through memory.
const transposedLeast = 64

// ConvTransposePackable reports whether PackConvTranspose is for weights of so many
// channels per group and such taps.
func ConvTransposePackable(cin, cout int, size, stride, dilation []int) bool {
	taps := 1
	for _, n := range size {
		taps *= n
	}
	_, phases := phasesOf(cout, size, stride, dilation)
	return (phases || cin >= transposedLeast) && Packable(cin, taps)
}

// PackConvTranspose packs w (group*cin, cout, size...), of cin and cout channels per
// group. It works with a copy of a block.
func PackConvTranspose(w []float32, group, cin, cout int, size, stride, dilation []int) *PackedConvTranspose {
	taps := 1
	for _, n := range size {
		taps *= n
	}
	c := &PackedConvTranspose{group: group, cin: cin, cout: cout, taps: taps}
	if c.shape, c.byPhases = phasesOf(cout, size, stride, dilation); c.byPhases {
		c.block = min(cout, roundUp(ceilDiv(cout, ceilDiv(cout, phaseChannels)), convHeight))
		for g := range group {
			for m := 0; m < cout; m += c.block {
				c.packClasses(w[g*cin*cout*taps:], m, min(c.block, cout-m))
			}
		}
		return c
	}
	c.block = max(1, min(transposedTaps/taps, max(4, ceilDiv(cout, 4))))
	rows := make([]float32, c.block*taps*cin)
	for g := range group {
		for m := 0; m < cout; m += c.block {
			n := min(c.block, cout-m) * taps
			transposeOf(rows, w[(g*cin*cout+m)*taps:], n, cin, cout*taps)
			c.blocks = append(c.blocks, PackConv(rows[:n*cin], 1, cin, n, 1))
		}
	}
	return c
}

// perGroup is how many blocks a group has.
func (c *PackedConvTranspose) perGroup() int { return ceilDiv(c.cout, c.block) }

// ConvTransposeRun is working memory of [ConvTransposePacked]; one that is kept
// spares later runs most allocations.
type ConvTransposeRun struct {
	a     *ConvTransposeArgs[float32]
	w     *PackedConvTranspose
	rows  transposedRows
	by    bool                 // rows
	steps chan *transposedStep // one for each thread
	some  func(lo, hi int)
}

// A transposedStep makes what the taps of a block hold, or a phase of it.
type transposedStep struct {
	args ConvArgs[float32]
	run  ConvRun
}

// RoomForConvTranspose is the bytes that a thread takes for ConvTransposePacked.
func (s *ConvTransposeRun) RoomForConvTranspose(a *ConvTransposeArgs[float32], w *PackedConvTranspose) int {
	if len(a.Y) == 0 || len(w.blocks) == 0 {
		return 0
	}
	var t transposedStep
	if w.byPhases {
		most := 0
		for q := range w.shape.classes() {
			t.setPhase(a, w, 0, 0, q, a.Y)
			most = max(most, t.run.RoomForConv(nil, &t.args, w.blocks[q]))
		}
		return sumBytes(most, floatBytes(w.block, max(a.InLen(), w.taps)))
	}
	rows, _ := rowsOf(&a.Window)
	t.set(a, w, 0, 0, a.Y)
	return sumBytes(t.run.RoomForConv(nil, &t.args, w.blocks[0]), floatBytes(w.block, w.taps, a.OutLen()), floatBytes(rows.In[1]))
}

// ConvTransposePacked is [ConvTranspose] of weights that are packed; a.W is not read.
// The error is Stop's; y is incomplete then. A run serves one call at a time.
func ConvTransposePacked(p *Pool, a *ConvTransposeArgs[float32], w *PackedConvTranspose, s *ConvTransposeRun) error {
	if len(a.Y) == 0 {
		return nil
	}
	s.a, s.w = a, w
	s.rows, s.by = rowsOf(&a.Window)
	if cap(s.steps) != p.Threads() {
		s.steps = make(chan *transposedStep, p.Threads())
		for range p.Threads() {
			s.steps <- &transposedStep{}
		}
	}
	if s.some == nil {
		s.some = s.work
	}
	units := a.Batch * w.group * w.perGroup()
	if w.byPhases && a.OutLen() > 1 && units < p.Threads() { // each is large enough to share
		for i := range units {
			s.phases(p, i)
		}
	} else {
		p.For(units, 1, s.some)
	}
	s.a, s.w = nil, nil
	return a.Stop()
}

// set makes the convolution of block i of sample b, whose outputs are col.
func (t *transposedStep) set(a *ConvTransposeArgs[float32], w *PackedConvTranspose, b, i int, col []float32) {
	in := a.OutLen()
	t.args = ConvArgs[float32]{Batch: 1, Group: 1, Cin: w.cin, Cout: w.blocks[i].cout, Y: col, Stop: a.Stop}
	t.args.N = 1
	t.args.In[0], t.args.Out[0], t.args.Size[0], t.args.Stride[0], t.args.Dilation[0] = in, in, 1, 1, 1
	g := i / w.perGroup()
	t.args.X = a.X[(b*w.group+g)*w.cin*in:]
}

// work computes blocks lo to hi of the samples.
func (s *ConvTransposeRun) work(lo, hi int) {
	a, w := s.a, s.w
	if w.byPhases {
		for i := lo; i < hi; i++ {
			s.phases(nil, i)
		}
		return
	}
	in, out, each := a.OutLen(), a.InLen(), w.perGroup()
	t := <-s.steps
	scratch, buf := borrow(w.block*w.taps*in + s.rows.In[1])
	defer func() {
		t.args = ConvArgs[float32]{}
		scratch.release()
		s.steps <- t
	}()
	room := buf[w.block*w.taps*in:]
	for i := lo; i < hi; i++ {
		b, part := i/len(w.blocks), i%len(w.blocks)
		packed := w.blocks[part]
		col := buf[:packed.cout*in]
		t.set(a, w, b, part, col)
		if in > 0 && ConvPacked(nil, &t.args, packed, ConvEnd{}, &t.run) != nil {
			return
		}
		first := part/each*w.cout + part%each*w.block
		for m := range packed.cout / w.taps {
			bias := float32(0)
			if a.Bias != nil {
				bias = a.Bias[first+m]
			}
			y, held := a.Y[(b*w.group*w.cout+first+m)*out:][:out], col[m*w.taps*in:][:w.taps*in]
			if s.by {
				s.rows.plane(y, held, bias, room)
				continue
			}
			fillWith(y, bias)
			scatter(&a.Window, y, held)
		}
	}
}
