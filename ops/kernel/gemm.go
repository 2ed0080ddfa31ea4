package kernel

import "sync"

// Gemm is GemmOf for float32. With alpha 0 the content of a and b does not matter,
// not even NaN.
func Gemm(p *Pool, transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m <= 0 || n <= 0 {
		return
	}
	if alpha == 0 {
		k, alpha = 0, 1
	}
	switch {
	case k == 0:
	case n > gemmNarrow && m > active.rows():
		gemmWide(p, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	case transA || alpha != 1 || tallGemm(active, m):
		gemmSlabs(p, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	t := gemmTasks.Get().(*gemmTask)
	t.v, t.m, t.n, t.k = active, m, n, k
	t.a, t.lda, t.b, t.ldb, t.transB = a, lda, b, ldb, transB
	t.c, t.ldc, t.e = c, ldc, Epilogue{Beta: beta}
	t.start(p)
}

// An Epilogue is what GemmPacked does with the product besides storing it.
type Epilogue struct {
	Beta float32    // factor of c's former content; 0 ignores it
	Bias []float32  // (n), added to each row; nil for none
	Act  Activation // applied last
}

// GemmPacked is
//
//	c[i*ldc+j] = act(sum_l(a[i*lda+l] * B(l,j)) + e.Bias[j] + e.Beta*c[i*ldc+j])
//
// for i < m, j < n, l < k with B (k, n) packed in w.
func GemmPacked(p *Pool, m int, a []float32, lda int, w *PackedB, c []float32, ldc int, e Epilogue) {
	if m <= 0 || w.n == 0 {
		return
	}
	t := gemmTasks.Get().(*gemmTask)
	t.use(w)
	t.m, t.a, t.lda = m, a, lda
	t.c, t.ldc, t.e = c, ldc, e
	t.start(p)
}

// A gemmTask is one product: rows are cut into tiles of nearly equal height,
// columns into panels, and chunks of one or the other run in parallel. How an
// element is computed depends on the sizes only, never on the chunk it is in.
type gemmTask struct {
	v       *variant
	m, n, k int

	a      []float32
	lda    int
	transA bool      // a(i,l) is a[l*lda+i]; needs more than one tile, and
	alpha  float32   // a factor of A, too; 0 means 1
	strips []float32 // A laid out, if it is: see layOut
	own    *scratch  // their memory

	packed []float32   // as in PackedB, or nil for one of the next three
	half   []uint32    // as in PackedB
	q      *int8Panels // as in PackedB
	b      []float32
	ldb    int
	transB bool

	c   []float32
	ldc int
	e   Epilogue

	tiles, panels int
	byTile        bool
	group         int  // panels that one chunk must hold together
	wide          bool // B is laid out by block, wideColumns at a time
	run           func(lo, hi int)

	// With q the rows of a become integers, all of the range fixed where its
	// scale isn't 0.
	rows  int8Rows
	fixed dataRange
	bytes []uint8   // the rows, if they are integers already,
	flip  uint8     // once this is exclusive-ored with each
	onto  []float32 // what the product is added to instead of c, laid out as c is
	round func(lo, hi int)

	lay func(lo, hi int)
}

var gemmTasks = sync.Pool{New: func() any {
	t := new(gemmTask)
	t.run = t.chunk
	t.round = t.roundTiles
	t.lay = func(lo, hi int) { t.layOut(t.strips[t.row(lo)*t.k:], lo, hi, 0, t.k) }
	return t
}}

// use sets the right-hand side.
func (t *gemmTask) use(w *PackedB) {
	t.v, t.n, t.k, t.packed, t.half, t.q = w.v, w.n, w.k, w.panels, w.half, w.q
}

// forget lets go of the caller's data and gives the task back.
func (t *gemmTask) forget() {
	if t.rows.s != nil {
		t.rows.release()
	}
	if t.own != nil {
		t.own.release()
	}
	*t = gemmTask{run: t.run, round: t.round, lay: t.lay}
	gemmTasks.Put(t)
}

const (
	// gemmChunk is how many multiplications are worth waking a thread for.
	gemmChunk = 1 << 18
	// gemmDepth is how deep a product goes at a time at most: as deep as can be,
	// since between two stretches c leaves the near caches.
	gemmDepth = 1024
	// gemmBlock is how many values of A are laid out at a time: half of a small
	// second-level cache.
	gemmBlock = 1 << 16
	// gemmNear is how many values of B go to a kernel at once: half of a small
	// first-level cache.
	gemmNear = 1 << 12
	// gemmNarrow is up to how many columns A is read where it is: they are too few
	// for laying it out to pay.
	gemmNarrow = 256
	// gemmThin is how many rows of an unpacked B are passed over at a time.
	gemmThin = 16
	// gemmFar is from how many values on packed weights are fetched ahead, and
	// gemmFarGroup the same for kernels that read several panels at once, which the
	// processor fetches ahead well as long as a third-level cache holds them.
	gemmFar      = 1 << 20
	gemmFarGroup = 5 << 19
	// thinRows is from how many rows on kernels of one tile add in the order in
	// which those of all higher ones do.
	thinRows = 4
)

// shape counts tiles and panels.
func (t *gemmTask) shape() {
	rows := t.v.rows()
	if t.q != nil {
		rows = len(t.v.int8Gemm) - 1
	}
	t.tiles = ceilDiv(t.m, rows)
	t.panels = ceilDiv(t.n, t.width())
	t.byTile, t.group = false, 1
}

// width is the number of columns in a panel of the right-hand side.
func (t *gemmTask) width() int {
	if t.q != nil {
		return t.v.int8Width
	}
	return t.v.panel()
}

func (t *gemmTask) start(p *Pool) {
	t.shape()
	t.byTile = t.tiles >= 4*p.Threads() || t.panels < t.tiles && t.panels < 4*p.Threads()
	if t.tiles == 1 && t.q == nil {
		t.group = t.v.group
	}
	units := ceilDiv(t.panels, t.group)
	if t.byTile {
		units = t.tiles
	}
	work := t.m * t.n / units * t.k
	if t.q != nil {
		t.quantize(p)
	}
	grain := ceilDiv(gemmChunk, max(work, 1))
	if t.q == nil && t.tiles > 1 && !t.byTile && p.Threads() > 1 && units > grain && t.m*t.k <= p.Threads()*gemmBlock {
		t.layOutAll(p)
	}
	p.For(units, grain, t.run)
	t.forget()
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// chunk computes some tiles or some panels.
func (t *gemmTask) chunk(lo, hi int) {
	r0, r1, p0, p1 := 0, t.tiles, lo*t.group, min(hi*t.group, t.panels)
	if t.byTile {
		r0, r1, p0, p1 = lo, hi, 0, t.panels
	}
	row0, row1 := t.row(r0), t.row(r1)
	j0, j1 := p0*t.width(), min(p1*t.width(), t.n)
	add := t.begin(row0, row1, j0, j1)
	switch {
	case t.k == 0:
		if !add {
			for i := row0; i < row1; i++ {
				clear(t.c[i*t.ldc+j0 : i*t.ldc+j1])
			}
		}
	case t.q != nil:
		t.integers(r0, r1, j0, j1, add)
	case t.half != nil && t.m == 1:
		panels := ceilDiv(j1-j0, t.v.panel())
		t.v.halfRow(t.k, panels, &t.a[0], &t.half[j0*t.k/2], &t.c[j0], 0, j1-j0-(panels-1)*t.v.panel(), add)
	case t.half != nil:
		t.block(r0, r1, j0, j1, add)
	case t.tiles == 1 && t.packed != nil:
		t.thinPanels(j0, j1, add)
	case t.tiles == 1 && t.transB:
		t.dots(j0, j1, add)
	case t.tiles == 1 && t.n%t.v.lanes == 0:
		for l := 0; l < t.k; l += gemmThin {
			t.thin(t.b[l*t.ldb+j0:], l, min(gemmThin, t.k-l), j0, j1, add || l > 0)
		}
	default:
		t.block(r0, r1, j0, j1, add)
	}
	if t.e.Act != ActNone {
		for i := row0; i < row1; i++ {
			y := t.c[i*t.ldc+j0 : i*t.ldc+j1]
			Activate(t.e.Act, y, y)
		}
	}
}

// inline computes c = A B on the calling goroutine; t has n, k and B.
func (t *gemmTask) inline(v *variant, m int, a []float32, lda int, c []float32, ldc int) {
	t.some(v, m, a, lda, c, ldc, 0, ceilDiv(t.n, v.panel()))
}

// some is inline for columns [p0, p1) * v.panel().
func (t *gemmTask) some(v *variant, m int, a []float32, lda int, c []float32, ldc, p0, p1 int) {
	t.v, t.m, t.a, t.lda, t.c, t.ldc = v, m, a, lda, c, ldc
	t.shape()
	if t.q != nil && t.rows.s == nil {
		t.quantize(nil)
	}
	panel, width := v.panel(), t.width()
	t.chunk(p0*panel/width, min(ceilDiv(p1*panel, width), t.panels))
}

// prepare is what comes before calls of columns on the calling goroutine.
func (t *gemmTask) prepare() {
	t.shape()
	if t.q != nil {
		t.quantize(nil)
	} else if t.tiles > 1 {
		t.layOutAll(nil)
	}
}

// columns computes columns [j0, j1), both at the start of a panel or the end.
func (t *gemmTask) columns(j0, j1 int) {
	t.chunk(j0/t.width(), min(ceilDiv(j1, t.width()), t.panels))
}

// row is where a tile begins.
func (t *gemmTask) row(tile int) int { return t.m * tile / t.tiles }

// begin sets c to what the product is added to; false means nothing, or with q
// the bias.
func (t *gemmTask) begin(row0, row1, j0, j1 int) bool {
	if t.e.Beta == 0 && (t.e.Bias == nil || t.q != nil && t.k > 0) {
		return false
	}
	if t.e.Beta == 1 && t.e.Bias == nil {
		return true
	}
	for i := row0; i < row1; i++ {
		y := t.c[i*t.ldc+j0 : i*t.ldc+j1]
		switch {
		case t.e.Beta == 0:
			copy(y, t.e.Bias[j0:])
			continue
		case t.e.Beta != 1:
			MulScalar(y, y, t.e.Beta)
		}
		if t.e.Bias != nil {
			Add(y, y, t.e.Bias[j0:])
		}
	}
	return true
}
