package kernel

// A layer that reads few inputs multiplies them together with the state: with x
// and a 1 behind h, the rows of W and the bias below R, the gates of a step are one
// product, and not written before it and read again in it.

const (
	// joinedInputs is the most inputs of such a layer; a product of its own is
	// worth it for more.
	joinedInputs = 8
	// joinedWeights is how many weights are kept twice for that.
	joinedWeights = 1 << 17
)

// joinedDepth is the rows of R, W and the bias where they are kept together, 0
// where they aren't.
func joinedDepth(v *variant, input, hidden int) int {
	depth := sumBytes(hidden, input, 1)
	if input < 1 || input > joinedInputs || hidden%v.lanes != 0 || mulBytes(depth, 4, hidden) > joinedWeights {
		return 0
	}
	return depth
}

// join copies R, W and the bias into p.joined, panel by panel.
func (p *LSTMWeights) join() {
	j := p.joined
	if j == nil {
		return
	}
	for first := 0; first < j.n; first += p.v.panel() {
		width := min(p.v.panel(), j.n-first)
		at := j.panels[first*j.k:]
		at = at[copy(at, p.r.panels[first*p.hidden:][:p.hidden*width]):]
		at = at[copy(at, p.w.w.panels[first*p.input:][:p.input*width]):]
		copy(at, p.bias[first:][:width])
	}
}

// recurJoined is the product (h, x, 1) (R; W; b), which sets the gates some columns
// at a time. The left-hand side is laid out once for all of them.
func (t *lstmTask) recurJoined(at lstmAt) *gemmTask {
	w, a := t.w, t.a
	H, I := w.hidden, w.input
	g := gemmTasks.Get().(*gemmTask)
	g.use(w.joined)
	g.m, g.c, g.ldc = t.batch, at.gates, w.gateRow()
	g.shape()
	var all []float32
	g.own, all = borrow(g.m * g.k)
	x := a.X[at.time*a.XT:]
	if g.tiles == 1 {
		g.a, g.lda = all, g.k
		for b := range g.m {
			row := all[b*g.k:][:g.k]
			copy(row, at.before[b*w.units():][:H])
			copy(row[H:], x[b*a.XB:][:I])
			row[H+I] = 1
		}
		return g
	}
	g.strips = all
	for r := range g.tiles {
		i := g.row(r)
		h := g.row(r+1) - i
		strip := all[i*g.k:][:h*g.k]
		w.v.layStrip(strip[:h*H], h, at.before[i*w.units():], w.units())
		for b := range h {
			for j, v := range x[(i+b)*a.XB:][:I] {
				strip[(H+j)*h+b] = v
			}
			strip[(H+I)*h+b] = 1
		}
	}
	return g
}
