package kernel

import (
	"math/bits"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who rings keeps the sleeper's thread off the own processor until it is awake;
// then it may use all that it could before.
func TestSleepersWakeElsewhere(t *testing.T) {
	if getcpu == 0 || runtime.NumCPU() == 1 {
		t.Skip("nowhere else to wake")
	}
	count := func(p *processors) (n int) {
		for _, w := range p.words {
			n += bits.OnesCount64(uint64(w))
		}
		return n
	}
	var b bed
	var before, awake, after processors
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		b.lie()
		before.get(b.thread)
		b.sleep(10 * time.Second)
		for b.state.Load() != rung { // it may return early
			runtime.Gosched()
		}
		awake.get(b.thread)
		b.rise()
		after.get(b.thread)
		close(done)
	}()
	for begin := time.Now(); !b.ring(); time.Sleep(time.Millisecond) {
		require.Less(t, time.Since(begin), 5*time.Second, "nobody sleeps")
	}
	<-done
	require.Equal(t, count(&before)-1, count(&awake))
	require.Equal(t, before, after)
	require.False(t, b.ring(), "nobody sleeps any more")
}
