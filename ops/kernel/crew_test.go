package kernel

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stroll is a recurrence in integers: each of the units adds up all of the units
// before, what the gates hold for the step, and its own cell.
type stroll struct {
	units, steps int
	naps         func() time.Duration // of helpers, while they work
	helped, late atomic.Int64
	end          []float32
}

func (w *stroll) lead(c *crew) {
	for done := 0; done < w.steps; done += 2 {
		c.do(w.units, phase{project: true, first: done, n: 2})
		for s := range 2 {
			c.do(w.units, phase{n: done + s, at: s, time: done + s})
		}
	}
	w.end = append(append(w.end[:0], c.bufs.h[0]...), c.bufs.c...)
}

func (w *stroll) share(s *seat) {
	b, ph := s.phase.bufs, s.phase
	nap := func() {
		if s.leads {
			time.Sleep(20 * time.Microsecond) // time for helpers to come
		} else {
			time.Sleep(w.naps())
		}
	}
	nap()
	if ph.project {
		for r := range 2 {
			for j := s.lo; j < s.hi; j++ {
				b.gates[r*w.units+j] = float32((ph.first + r + j) % 7)
			}
		}
		return
	}
	before, after := b.h[ph.n%2], b.h[1-ph.n%2]
	own := make([]float32, 2*w.units)
	for j := s.lo; j < s.hi; j++ {
		sum := b.gates[ph.at*w.units+j] + b.c[j]
		for _, v := range before {
			sum += v
		}
		own[j] = float32(int(sum) % 1001)
		own[w.units+j] = float32(int(b.c[j]+sum) % 13)
	}
	nap()
	if !s.commit() {
		w.late.Add(1)
		return
	}
	if !s.leads {
		w.helped.Add(1)
	}
	copy(after[s.lo:s.hi], own[s.lo:s.hi])
	copy(b.c[s.lo:s.hi], own[w.units+s.lo:])
	clear(b.gates[ph.at*w.units+s.lo : ph.at*w.units+s.hi]) // as the leader of an LSTM does
}

func (w *stroll) run(p *Pool) []float32 {
	b := newStepBuffers(2, 1, w.units, w.units, 1, true)
	for _, s := range [][]float32{b.h[0], b.h[1], b.c} {
		clear(s)
	}
	p.lead(p.Threads(), b, w.lead, w.share)
	return w.end
}

// Helpers that come late, fall behind, are dismissed and come back change
// nothing in the result.
func TestCrewDoesNotDependOnItsHelpers(t *testing.T) {
	for name, naps := range map[string]func() time.Duration{
		"prompt": func() time.Duration { return 0 },
		"slow":   func() time.Duration { return time.Millisecond },
		"fitful": func() time.Duration {
			if rand.IntN(8) > 0 {
				return 0
			}
			return time.Duration(rand.IntN(int(time.Millisecond)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &stroll{units: 12, steps: 100, naps: naps}
			want := append([]float32(nil), w.run(nil)...)
			require.NotZero(t, want[0])
			for _, threads := range []int{2, 4} {
				p := NewPool(threads)
				for range 5 {
					require.Equal(t, want, w.run(p))
				}
				require.Zero(t, p.load.Load())
			}
			if name == "slow" {
				require.NotZero(t, w.late.Load(), "nobody was dismissed")
			}
		})
	}
}

// A helper that found nothing to do for long enough to sleep, and one that was
// dismissed before it saw its share, are given work again.
func TestHelpersReturnToTheCrew(t *testing.T) {
	var helped atomic.Bool
	p := NewPool(2)
	p.lead(2, newStepBuffers(1, 1, 4, 4, 4, true), func(c *crew) {
		s := &c.seats[1]
		there := func() bool { return s.state.Load() == ready || s.state.Load() == away }
		require.Eventually(t, there, 30*time.Second, time.Millisecond)
		time.Sleep(20 * rest)
		for !s.state.CompareAndSwap(ready, dismissed) {
			runtime.Gosched()
		}
		for begin := time.Now(); !helped.Load() && time.Since(begin) < 30*time.Second; {
			c.do(2, phase{})
		}
	}, func(s *seat) {
		if !s.leads && s.commit() {
			helped.Store(true)
		}
	})
	require.True(t, helped.Load())
}

// A recurrence gives the same bits whoever else wants the processors.
func TestRecurrencesBesideBusyGoroutines(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
					Fill(make([]float32, 1<<12), 1)
				}
			}
		}()
	}
	const T, B, I, H = 60, 2, 3, 200
	r := seeded()
	x := random(r, T*B*I)
	lw := PackLSTM(I, H, random(r, 4*H*I), random(r, 4*H*H), random(r, 8*H))
	q := newLSTMData(r, lstmCase{T: T, B: 8, I: I, H: H, lens: []int32{60, 50, 3, 60, 60, 0, 44, 60}})
	qw := q.pack8()
	gw := PackGRU(I, H, random(r, 3*H*I), random(r, 3*H*H), random(r, 6*H))
	run := func(p *Pool) (all []float32) {
		all = make([]float32, 2*T*B*H)
		require.NoError(t, LSTM(p, lw, &LSTMArgs{T: T, B: B, X: x, XT: B * I, XB: I, Y: all, YT: B * H, YB: H}))
		require.NoError(t, GRU(p, gw, &GRUArgs{T: T, B: B, X: x, XT: B * I, XB: I, Y: all[T*B*H:], YT: B * H, YB: H, Reverse: true}))
		y := q.run(t, p, qw)
		return append(append(append(all, y.y...), y.yh...), y.yc...)
	}
	want := run(nil)
	for _, threads := range []int{2, 3} {
		p := NewPool(threads)
		for range 5 {
			requireSameBits(t, want, run(p), "%d threads", threads)
		}
	}
}
