package kernel

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// An lstmCase is a layer and how its data lie in memory.
type lstmCase struct {
	T, B, I, H int
	batchFirst bool
	reverse    bool
	lens       []int32
	zeroState  bool
}

func lstmCases() []lstmCase {
	return []lstmCase{
		{T: 0, B: 2, I: 3, H: 20},
		{T: 1, B: 1, I: 1, H: 1},
		{T: 5, B: 1, I: 3, H: 4},
		{T: 7, B: 2, I: 1, H: 5, reverse: true},
		{T: 4, B: 3, I: 8, H: 17, batchFirst: true},
		{T: 6, B: 3, I: 2, H: 16, lens: []int32{6, 0, 3}},
		{T: 6, B: 4, I: 5, H: 33, lens: []int32{1, 6, 3, 2}, reverse: true, batchFirst: true},
		{T: 3, B: 9, I: 7, H: 20, zeroState: true},
		{T: 9, B: 1, I: 0, H: 8},
		{T: 40, B: 1, I: 12, H: 70, reverse: true},
		{T: 3, B: 13, I: 40, H: 129},
		{T: 140, B: 8, I: 2, H: 64},
		{T: 6, B: 25, I: 3, H: 100, reverse: true, lens: []int32{6, 0, 3, 6, 5, 1, 6, 6, 2, 4, 6, 0, 3, 6, 5, 1, 6, 6, 2, 4, 6, 5, 4, 3, 2}},
		{T: 4, B: 17, I: 0, H: 130, batchFirst: true},
		{T: 20, B: 1, I: 1, H: 64, reverse: true},
		{T: 6, B: 25, I: 8, H: 64, batchFirst: true, lens: []int32{6, 0, 3, 6, 5, 1, 6, 6, 2, 4, 6, 0, 3, 6, 5, 1, 6, 6, 2, 4, 6, 5, 4, 3, 2}},
		{T: 10, B: 3, I: 2, H: 300, lens: []int32{9, 10, 4}},
	}
}

// An lstmData is the case's weights and arrays.
type lstmData struct {
	lstmCase
	w, r, b, x, h0, c0 []float32
	xt, xb, yt, yb     int
}

func newLSTMData(r *rand.Rand, c lstmCase) *lstmData {
	d := &lstmData{lstmCase: c}
	scale := float32(1.5 / math.Sqrt(float64(c.H)))
	d.w, d.r, d.b = random(r, 4*c.H*c.I), random(r, 4*c.H*c.H), random(r, 8*c.H)
	MulScalar(d.r, d.r, scale)
	d.x = random(r, c.T*c.B*c.I)
	if !c.zeroState {
		d.h0, d.c0 = random(r, c.B*c.H), random(r, c.B*c.H)
	}
	d.xt, d.xb, d.yt, d.yb = c.B*c.I, c.I, c.B*c.H, c.H
	if c.batchFirst {
		d.xt, d.xb, d.yt, d.yb = c.I, c.T*c.I, c.H, c.T*c.H
	}
	return d
}

// An lstmResult is all a layer can give.
type lstmResult struct{ y, yh, yc, gates, cells []float32 }

func (d *lstmData) run(t testing.TB, p *Pool, w *LSTMWeights) lstmResult {
	r := lstmResult{
		y: make([]float32, d.T*d.B*d.H), yh: make([]float32, d.B*d.H), yc: make([]float32, d.B*d.H),
		gates: make([]float32, d.T*d.B*4*d.H), cells: make([]float32, d.T*d.B*d.H),
	}
	Fill(r.y, 99)
	require.NoError(t, LSTM(p, w, &LSTMArgs{
		T: d.T, B: d.B, X: d.x, XT: d.xt, XB: d.xb, H0: d.h0, C0: d.c0, SeqLens: d.lens, Reverse: d.reverse,
		Y: r.y, YT: d.yt, YB: d.yb, YH: r.yh, YC: r.yc, Gates: r.gates, Cells: r.cells,
		Stop: func() error { return nil },
	}))
	return r
}

// naive is ONNX's formula in float64.
func (d *lstmData) naive() lstmResult {
	H, I := d.H, d.I
	r := lstmResult{
		y: make([]float32, d.T*d.B*H), yh: make([]float32, d.B*H), yc: make([]float32, d.B*H),
		gates: make([]float32, d.T*d.B*4*H), cells: make([]float32, d.T*d.B*H),
	}
	for b := range d.B {
		n := d.T
		if d.lens != nil {
			n = int(d.lens[b])
		}
		h, c := make([]float64, H), make([]float64, H)
		for j := range H {
			if d.h0 != nil {
				h[j], c[j] = float64(d.h0[b*H+j]), float64(d.c0[b*H+j])
			}
		}
		for s := range n {
			t := s
			if d.reverse {
				t = n - 1 - s
			}
			g := make([]float64, 4*H)
			for q := range g {
				g[q] = float64(d.b[q]) + float64(d.b[4*H+q])
				for j := range I {
					g[q] += float64(d.w[q*I+j]) * float64(d.x[t*d.xt+b*d.xb+j])
				}
				for j := range H {
					g[q] += float64(d.r[q*H+j]) * h[j]
				}
				if q < 3*H {
					g[q] = 1 / (1 + math.Exp(-g[q]))
				} else {
					g[q] = math.Tanh(g[q])
				}
				r.gates[(t*d.B+b)*4*H+q] = float32(g[q])
			}
			for j := range H {
				c[j] = g[2*H+j]*c[j] + g[j]*g[3*H+j]
				h[j] = g[H+j] * math.Tanh(c[j])
				r.cells[(t*d.B+b)*H+j] = float32(c[j])
				r.y[t*d.yt+b*d.yb+j] = float32(h[j])
			}
		}
		for j := range H {
			r.yh[b*H+j], r.yc[b*H+j] = float32(h[j]), float32(c[j])
		}
	}
	return r
}

func requireClose(t testing.TB, want, got []float32, tol float64, format string, args ...any) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i := range want {
		if d := math.Abs(float64(want[i]) - float64(got[i])); !(d <= tol) {
			require.Failf(t, "values differ", "at %d of %d: %v, want %v: "+format, append([]any{i, len(want), got[i], want[i]}, args...)...)
		}
	}
}

func TestLSTM(t *testing.T) {
	pools := []*Pool{nil, NewPool(2), NewPool(3)}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range lstmCases() {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				d := newLSTMData(r, c)
				w := PackLSTM(c.I, c.H, d.w, d.r, d.b)
				want := d.naive()
				var first lstmResult
				for i, p := range pools {
					got := d.run(t, p, w)
					if i == 0 {
						first = got
						requireClose(t, want.y, got.y, 1e-5, "y")
						requireClose(t, want.yh, got.yh, 1e-5, "yh")
						requireClose(t, want.yc, got.yc, 2e-5, "yc")
						requireClose(t, want.gates, got.gates, 1e-5, "gates")
						requireClose(t, want.cells, got.cells, 2e-5, "cells")
						continue
					}
					requireSameBits(t, first.y, got.y, "%d threads", p.Threads())
					requireSameBits(t, first.yc, got.yc, "%d threads", p.Threads())
					requireSameBits(t, first.gates, got.gates, "%d threads", p.Threads())
				}
			})
		}
	})
}

// Two directions write into the halves of one (T, B, 2H) buffer.
func TestBiLSTM(t *testing.T) {
	pools := []*Pool{nil, NewPool(2), NewPool(4)}
	forEachVariant(t, func(t *testing.T) {
		for _, size := range [][2]int{{2, 24}, {2, 300}, {19, 100}} {
			H := size[1]
			r := seeded()
			c := lstmCase{T: 5, B: size[0], I: 3, H: H}
			f, b := newLSTMData(r, c), newLSTMData(r, c)
			b.reverse, b.x = true, f.x
			w := [2]*LSTMWeights{PackLSTM(c.I, H, f.w, f.r, f.b), PackLSTM(c.I, H, b.w, b.r, b.b)}
			wantF, wantB := f.naive(), b.naive()
			for _, p := range pools {
				y := make([]float32, c.T*c.B*2*H)
				args := func(d *lstmData, y []float32) *LSTMArgs {
					return &LSTMArgs{T: c.T, B: c.B, X: d.x, XT: d.xt, XB: d.xb, H0: d.h0, C0: d.c0, Reverse: d.reverse,
						Y: y, YT: c.B * 2 * H, YB: 2 * H}
				}
				require.NoError(t, BiLSTM(p, w, [2]*LSTMArgs{args(f, y), args(b, y[H:])}))
				for i := range c.T * c.B {
					requireClose(t, wantF.y[i*H:(i+1)*H], y[i*2*H:i*2*H+H], 1e-5, "forward, row %d", i)
					requireClose(t, wantB.y[i*H:(i+1)*H], y[i*2*H+H:(i+1)*2*H], 1e-5, "backward, row %d", i)
				}
			}
		}
	})
}

// Steps one at a time, with the input in two parts, give what the layer gives.
func TestLSTMStep(t *testing.T) {
	pool := NewPool(2)
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range []lstmCase{{T: 4, B: 1, I: 9, H: 20}, {T: 3, B: 8, I: 5, H: 17}, {T: 3, B: 2, I: 6, H: 260}} {
			for _, split := range []int{0, 2, c.I} {
				d := newLSTMData(r, c)
				want := d.naive()
				w1 := make([]float32, 4*c.H*split)
				for g := range 4 * c.H {
					copy(w1[g*split:(g+1)*split], d.w[g*c.I:])
				}
				w := PackLSTM(split, c.H, w1, d.r, d.b)
				rest := PackLSTMInput(c.I-split, c.H, d.w[min(split, len(d.w)-1):], c.I)
				h, cell := append([]float32(nil), d.h0...), append([]float32(nil), d.c0...)
				gates := make([]float32, 4*c.B*c.H)
				for s := range c.T {
					x := d.x[s*c.B*c.I:]
					a := &LSTMStepArgs{B: c.B, X: x, XB: c.I, H: h, C: cell, HOut: h, COut: cell, Gates: gates}
					if split < c.I {
						a.Extra = []LSTMProjection{{W: rest, X: x[split:], XB: c.I}}
					}
					LSTMStep(pool, w, a)
					requireClose(t, want.y[s*c.B*c.H:(s+1)*c.B*c.H], h, 1e-5, "h at step %d", s)
					requireClose(t, want.cells[s*c.B*c.H:(s+1)*c.B*c.H], cell, 2e-5, "c at step %d", s)
					requireClose(t, want.gates[s*c.B*4*c.H:(s+1)*c.B*4*c.H], gates, 1e-5, "gates at step %d", s)
				}
			}
		}
	})
}

// A stream's step, with the state carried in place, gives the bits of a step that
// goes the way of whole sequences, which one with a length does.
func TestLSTMOneStepAtATime(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, c := range []lstmCase{
			{I: 3, H: 16}, {I: 0, H: 40}, {I: 9, H: 1}, {I: 70, H: 33}, {I: 12, H: 128, zeroState: true}, {I: 30, H: 200}, {I: 5, H: 200, reverse: true},
		} {
			c.T, c.B = 1, 1
			d := newLSTMData(seeded(), c)
			w := PackLSTM(d.I, d.H, d.w, d.r, d.b)
			for _, p := range []*Pool{nil, NewPool(2)} {
				args := func() (a *LSTMArgs, y, h, cell *guarded) {
					y, h, cell = guard(seeded(), d.H, 1), guard(seeded(), d.H, 2), guard(seeded(), d.H, 3)
					a = &LSTMArgs{T: 1, B: 1, X: d.x, XT: d.xt, XB: d.xb, Reverse: c.reverse, Y: y.s, YT: d.yt, YB: d.yb, YH: h.s, YC: cell.s}
					if !c.zeroState {
						copy(h.s, d.h0)
						copy(cell.s, d.c0)
						a.H0, a.C0 = h.s, cell.s
					}
					return a, y, h, cell
				}
				long, longY, longH, longC := args()
				long.SeqLens = []int32{1}
				require.NoError(t, LSTM(p, w, long))
				short, y, h, cell := args()
				require.NoError(t, LSTM(p, w, short))
				requireSameBits(t, longY.s, y.s, "y of %+v", c)
				requireSameBits(t, longH.s, h.s, "h of %+v", c)
				requireSameBits(t, longC.s, cell.s, "c of %+v", c)
				for _, g := range []*guarded{y, h, cell} {
					g.checkZone(t)
				}
				none := *short
				none.Y, none.YH, none.YC = nil, nil, nil
				require.NoError(t, LSTM(p, w, &none))
			}
		}
	})
}

// No bit depends on the threads, also where they make the gates of other numbers
// of steps at once and columns are left over that the kernels of a few rows add in
// another order.
func TestRecurrencesDoNotDependOnThreads(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, size := range [][2]int{{40, 1}, {40, 3}, {34, 7}, {66, 1}, {821, 1}, {826, 1}} {
			T, B := size[0], size[1]
			d := newLSTMData(seeded(), lstmCase{T: T, B: B, I: 12, H: 36})
			w, g := PackLSTM(d.I, d.H, d.w, d.r, d.b), PackGRU(d.I, d.H, d.w[:3*d.H*d.I], d.r[:3*d.H*d.H], d.b[:6*d.H])
			var want []float32
			for i, p := range []*Pool{nil, NewPool(2), NewPool(2)} {
				y := make([]float32, 2*T*B*d.H)
				a := &LSTMArgs{T: T, B: B, X: d.x, XT: d.xt, XB: d.xb, Y: y, YT: d.yt, YB: d.yb}
				b := &GRUArgs{T: T, B: B, X: d.x, XT: d.xt, XB: d.xb, Y: y[T*B*d.H:], YT: d.yt, YB: d.yb}
				if i == 2 {
					a.From, b.From = new(Relay), new(Relay)
					a.From.Close(nil)
					b.From.Close(nil)
				}
				require.NoError(t, LSTM(p, w, a))
				require.NoError(t, GRU(p, g, b))
				if i == 0 {
					want = y
				}
				requireSameBits(t, want, y, "way %d of %d steps of %d sequences", i, T, B)
			}
		}
	})
}

func TestLSTMStops(t *testing.T) {
	r := seeded()
	d := newLSTMData(r, lstmCase{T: 4000, B: 1, I: 1, H: 256})
	w := PackLSTM(d.I, d.H, d.w, d.r, d.b)
	stop := errors.New("enough")
	for _, p := range []*Pool{nil, NewPool(2)} {
		calls := 0
		err := LSTM(p, w, &LSTMArgs{T: d.T, B: 1, X: d.x, XT: 1, XB: 1, Stop: func() error {
			if calls++; calls == 3 {
				return stop
			}
			return nil
		}})
		require.Equal(t, stop, err)
		require.Equal(t, 3, calls)
	}
}

// The end of a step is that of the formula, with the gates kept or not; gates that
// are open or shut for good leave a cell exactly as it was, or nothing of it.
func TestLSTMEndOfStep(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	values := []float32{0, 1e-6, -0.01, 0.3, -0.7, 1, -2, 3.3, -5, 8, -9, 12, 18, -18.5, 30, -104, 1e30, -inf, inf}
	forEachVariant(t, func(t *testing.T) {
		for name, finish := range map[string]lstmGatesKernel{"gates": active.lstmGates, "cell": active.lstmCell} {
			U, r := active.lanes, seeded()
			pick := func() float32 { return values[r.IntN(len(values))] }
			for _, blocks := range []int{1, 2, 3, 40} {
				gates, c, h := guard(r, blocks*4*U, 3), guard(r, blocks*U, 1), guard(r, blocks*U, 5)
				for i := range gates.s {
					gates.s[i] = pick()
				}
				for i := range c.s {
					c.s[i] = pick() / 2
				}
				gates.s[U-1] = nan // the first block's last i
				was, before := slices.Clone(gates.s), slices.Clone(c.s)
				finish(blocks, &gates.s[0], &c.s[0], &h.s[0])
				gates.checkZone(t)
				c.checkZone(t)
				h.checkZone(t)
				for u := range c.s {
					q := was[u/U*4*U+u%U:]
					i, o, f, g := sigmoid64(float64(q[0])), sigmoid64(float64(q[U])), sigmoid64(float64(q[2*U])), math.Tanh(float64(q[3*U]))
					cell := f*float64(before[u]) + i*g
					off := 6e-7 * (1 + math.Abs(float64(before[u]))) // sigmoid's error is absolute
					about := fmt.Sprintf("%s of %d, unit %d: i %v, o %v, f %v, g %v, c %v", name, blocks, u, q[0], q[U], q[2*U], q[3*U], before[u])
					switch {
					case math.IsNaN(cell):
						require.True(t, math.IsNaN(float64(c.s[u])) && math.IsNaN(float64(h.s[u])), about)
						continue
					case math.Abs(float64(before[u])) > 1000 && q[2*U] < 0:
						continue // a share of it below what float32 resolves
					case math.IsInf(cell, 0):
						require.Equal(t, cell, float64(c.s[u]), about)
					default:
						require.InDelta(t, cell, float64(c.s[u]), off, about)
					}
					if math.Abs(cell) > 20 {
						off = 0
					}
					require.InDelta(t, o*math.Tanh(cell), float64(h.s[u]), off+4e-7, about)
					if size := math.Abs(float64(before[u])); q[0] <= -104 && size < 1000 {
						if q[2*U] >= 18 {
							require.InDelta(t, before[u], c.s[u], 1e-36, about)
						}
						if q[2*U] <= -104 {
							require.InDelta(t, 0, c.s[u], 1e-35, about)
						}
					}
				}
			}
		}
	})
}

// The gates' gradients are those of finite differences.
func TestLSTMCellBackward(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, H := range []int{1, 5, 8, 21, 33} {
			checkCellBackward(t, H)
		}
	})
}

func checkCellBackward(t *testing.T, H int) {
	r := seeded()
	pre, cPrev, wh, wc := random(r, 4*H), random(r, H), random(r, H), random(r, H)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	gates, c := make([]float32, 4*H), make([]float32, H)
	loss := func() (sum float64) {
		for j := range H {
			i, o, f := sigmoid(float64(pre[j])), sigmoid(float64(pre[H+j])), sigmoid(float64(pre[2*H+j]))
			g := math.Tanh(float64(pre[3*H+j]))
			cell := f*float64(cPrev[j]) + i*g
			gates[j], gates[H+j], gates[2*H+j], gates[3*H+j], c[j] = float32(i), float32(o), float32(f), float32(g), float32(cell)
			sum += float64(wh[j])*o*math.Tanh(cell) + float64(wc[j])*cell
		}
		return sum
	}
	loss()
	guarded, dcPrev := guard(r, 4*H, 3), append([]float32(nil), wc...)
	dgates := guarded.s
	LSTMCellBackward(dgates, dcPrev, wh, dcPrev, gates, c, cPrev)
	guarded.checkZone(t)
	check := func(name string, x *float32, got float32) {
		was := *x
		*x = was + 1e-3
		up, hi := loss(), *x
		*x = was - 1e-3
		down, lo := loss(), *x
		*x = was
		require.InDelta(t, (up-down)/(float64(hi)-float64(lo)), got, 1e-5, name)
	}
	for q := range pre {
		check(fmt.Sprint("gate ", q), &pre[q], dgates[q])
	}
	for j := range cPrev {
		check(fmt.Sprint("cell ", j), &cPrev[j], dcPrev[j])
	}
}

// pack8 packs the data's weights as integers with one scale.
func (d *lstmData) pack8() *LSTMWeights {
	integers := func(w []float32, k int) []int8 { // (4H, k) to (k, 4H)
		q := make([]int8, len(w))
		for g := range 4 * d.H {
			for l := range k {
				q[l*4*d.H+g] = int8(127 * w[g*k+l])
			}
		}
		return q
	}
	scale, zero := []float32{1. / 127}, []int8{0}
	return PackLSTMInt8(d.I, d.H, integers(d.w, d.I), scale, zero, integers(d.r, d.H), scale, zero, d.b)
}

// Where the range of the whole batch rounds h, and threads share out sequences, the
// bits are those of one thread, with lengths, states, and in either order of x.
func TestThreadsShareSequences(t *testing.T) {
	pools := []*Pool{NewPool(2), NewPool(3), NewPool(4)}
	forEachVariant(t, func(t *testing.T) {
		for _, c := range []lstmCase{
			{T: 30, B: 8, I: 5, H: 60},
			{T: 10, B: 25, I: 3, H: 64, reverse: true, lens: []int32{6, 0, 3, 6, 5, 1, 6, 7, 2, 4, 6, 0, 3, 6, 5, 10, 6, 6, 2, 4, 6, 5, 4, 3, 2}},
			{T: 12, B: 13, I: 0, H: 100, batchFirst: true},
			{T: 16, B: 16, I: 20, H: 64, batchFirst: true, zeroState: true},
		} {
			d := newLSTMData(seeded(), c)
			w := d.pack8()
			want := d.run(t, nil, w)
			for _, p := range pools {
				for range min(3, w.v.lanes/4+1) { // the portable kernels are slow
					got := d.run(t, p, w)
					for i, y := range [][]float32{got.y, got.yh, got.yc, got.gates, got.cells} {
						requireSameBits(t, [][]float32{want.y, want.yh, want.yc, want.gates, want.cells}[i], y, "%+v, %d threads", c, p.Threads())
					}
				}
			}
		}
	})
}

// However a batch is cut, a sequence's bits are those of one thread, also where
// the depth of its products takes several pieces.
func TestPartsOfABatchHaveTheBitsOfTheWhole(t *testing.T) {
	pools := []*Pool{NewPool(2), NewPool(3), NewPool(4)}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for B := 7; B < 34; B++ {
			d := newLSTMData(r, lstmCase{T: 2, B: B, I: 290, H: 264})
			for _, as := range []WeightType{WeightFloat32, WeightBFloat16, WeightInt8} {
				if as != WeightFloat32 && B%5 > 0 {
					continue
				}
				w := PackLSTMAs(as, d.I, d.H, d.w, d.r, d.b)
				want := d.run(t, nil, w)
				for _, p := range pools {
					got := d.run(t, p, w)
					requireSameBits(t, want.y, got.y, "%v, batch %d, %d threads", as, B, p.Threads())
					requireSameBits(t, want.yc, got.yc, "%v, batch %d, %d threads", as, B, p.Threads())
				}
			}
		}
	})
}
