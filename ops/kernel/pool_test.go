package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel/alloctest"
)

// Chunks cover the range once and are the same whoever is idle.
func TestPoolForCoversTheRangeOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := NewPool(threads)
		for n := range 70 {
			for _, grain := range []int{0, 1, 3, 100} {
				for range 3 {
					var mu sync.Mutex
					seen := make([]int, n)
					starts := map[int]bool{}
					p.For(n, grain, func(lo, hi int) {
						mu.Lock()
						defer mu.Unlock()
						starts[lo] = true
						require.True(t, hi == n || hi-lo >= grain)
						for i := lo; i < hi; i++ {
							seen[i]++
						}
					})
					size, count := chunks(n, grain, threads)
					require.LessOrEqual(t, len(starts), max(count, 0))
					for i := range seen {
						require.Equal(t, 1, seen[i])
						if n > 0 && i%size == 0 {
							require.True(t, starts[i], "chunk at %d", i)
						}
					}
				}
			}
		}
	}
}

func TestNilPoolRunsInline(t *testing.T) {
	var p *Pool
	require.Equal(t, 1, p.Threads())
	p.Enter()
	p.Leave()
	sum := 0
	p.For(10, 1, func(lo, hi int) { sum += hi - lo })
	require.Equal(t, 10, sum)
}

// Goroutines that share a pool, with calls inside calls, all finish, and no
// more threads compute at once than callers and workers there are.
func TestPoolIsSharedWithoutOversubscription(t *testing.T) {
	const threads = 4
	p := NewPool(threads)
	var running, most atomic.Int32
	var wg sync.WaitGroup
	for range threads {
		wg.Go(func() {
			for range 200 {
				var sum atomic.Int64
				p.For(8, 1, func(lo, hi int) {
					p.For(hi-lo, 1, func(l, h int) {
						now := running.Add(1)
						for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
						}
						sum.Add(int64(h - l))
						running.Add(-1)
					})
				})
				if sum.Load() != 8 {
					t.Error("lost work")
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, int(most.Load()), threads+threads-1)
	require.Zero(t, p.load.Load())
}

// With a run entered for every thread, no call takes a worker.
func TestEnteredRunsKeepWorkersForThemselves(t *testing.T) {
	p := NewPool(2)
	p.Enter()
	members := func() (n int) {
		p.lead(2, newStepBuffers(1, 1, 4, 4, 4, true), func(c *crew) { n = len(c.seats) }, nil)
		return n
	}
	require.Equal(t, 2, members())
	p.Enter()
	require.Equal(t, 1, members())
	p.Leave()
	p.Leave()
	require.Zero(t, p.load.Load())
}

func TestPanicReachesTheCaller(t *testing.T) {
	p := NewPool(2)
	for range 20 {
		require.PanicsWithValue(t, "broken", func() {
			p.For(100, 1, func(lo, _ int) {
				if lo > 10 {
					panic("broken")
				}
			})
		})
		require.PanicsWithValue(t, "broken", func() {
			p.lead(2, newStepBuffers(1, 1, 4, 4, 4, true), func(c *crew) {
				for range 1000 {
					c.do(2, phase{})
				}
			}, func(s *seat) {
				if s.hi == 2 { // the helper, or the leader in its place
					panic("broken")
				}
			})
		})
	}
	require.Zero(t, p.load.Load())
}

func TestPoolCallsDoNotAllocate(t *testing.T) {
	p := NewPool(2)
	f := func(int, int) {}
	g, h := func(c *crew) { c.do(2, phase{}) }, func(*seat) {}
	require.Zero(t, alloctest.PerRun(100, func() { p.For(100, 1, f) }))
	require.Zero(t, alloctest.PerRun(100, func() { p.lead(2, newStepBuffers(1, 1, 4, 4, 4, true), g, h) }))
}

func TestWorkersEndWithThePool(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 10 {
		NewPool(4).For(100, 1, func(int, int) {})
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		return runtime.NumGoroutine() <= before
	}, 30*time.Second, 10*time.Millisecond)
}

// A worker that dozes is woken by an invitation and by the end of its pool.
func TestDozingWorkersAreWoken(t *testing.T) {
	if !canDoze {
		t.Skip("workers doze on Linux only")
	}
	for begin := time.Now(); dozing.Load() > 0 && time.Since(begin) < 30*time.Second; time.Sleep(time.Millisecond) {
		runtime.GC() // ends the pools of other tests
	}
	before := runtime.NumGoroutine()
	p := NewPool(2)
	var arrived atomic.Int32
	meet := func(int, int) { // returns when both chunks are being worked on
		arrived.Add(1)
		for begin := time.Now(); arrived.Load() < 2 && time.Since(begin) < 30*time.Second; {
			runtime.Gosched()
		}
	}
	for i := range 20 {
		arrived.Store(0)
		begin, lies := time.Now(), p.dozes.Load()
		p.For(2, 1, meet)
		require.True(t, i == 0 || lies == 1, "nobody lay down")
		require.Less(t, time.Since(begin), 30*time.Second, "no worker came")
		require.Eventually(t, func() bool { return p.dozes.Load() == 1 }, 30*time.Second, time.Millisecond)
	}
	p = nil
	for begin := time.Now(); runtime.NumGoroutine() > before && time.Since(begin) < 30*time.Second; time.Sleep(time.Millisecond) {
		runtime.GC()
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

// Who comes to a job after its end, or to another round of it, does nothing.
func TestLateHelpersStayOut(t *testing.T) {
	p := NewPool(2)
	j := &job{done: make(chan struct{}, 1), size: 1, n: 1, loop: func(int, int) {}}
	p.invite(j, 0)
	require.True(t, j.join(j.round))
	require.False(t, j.join(j.round+1))
	require.Equal(t, 1, j.close())
	require.False(t, j.join(j.round))
	j.leave()
	<-j.done
}

// Work too short to wake anybody is shared with workers that are awake, or in a
// burst of such calls.
func TestShortWorkIsSharedWithWorkersThatAreAwake(t *testing.T) {
	require.Equal(t, 1, NewPool(1).atHand())
	p := NewPool(3)
	for begin := time.Now(); p.awake.Load() > 0 && time.Since(begin) < 30*time.Second; time.Sleep(time.Millisecond) {
	}
	p.met.Store(-int64(time.Hour))
	require.Equal(t, 1, p.atHand())
	require.Eventually(t, func() bool { p.parted(); return p.atHand() == 3 }, time.Minute, time.Millisecond)
}

// A step at a time gives the bits of one thread, whoever takes part.
func TestShortStepsShared(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, size := range [][2]int{{64, 256}, {30, 200}, {0, 333}, {1000, 39}} {
			I, H := size[0], size[1]
			d := newLSTMData(seeded(), lstmCase{T: 1, B: 1, I: I, H: H})
			w := PackLSTM(I, H, d.w, d.r, d.b)
			run := func(p *Pool) (h []float32) {
				h, c := make([]float32, H), make([]float32, H)
				for range 100 {
					require.NoError(t, LSTM(p, w, &LSTMArgs{T: 1, B: 1, X: d.x, XT: d.xt, XB: d.xb, H0: h, C0: c, YH: h, YC: c}))
				}
				return h
			}
			want := run(nil)
			requireSameBits(t, want, run(NewPool(2)), "%d to %d, 2 threads", I, H)
			requireSameBits(t, want, run(NewPool(3)), "%d to %d, 3 threads", I, H)
		}
	})
}
