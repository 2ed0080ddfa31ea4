package kernel

import (
	"errors"
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

// A Relay hands on the steps of one recurrence to another that reads them, while
// both run: stacked layers on a thread each. The one that reads must not begin
// before somebody runs the one that makes. All methods do nothing for nil.
type Relay struct {
	made atomic.Int64 // steps whose Y is complete, or allMade or broken
}

const (
	allMade = math.MaxInt64
	broken  = -1

	// relayChunks is into how many parts the steps of a recurrence are cut that
	// reads them while they are made: it ends about one part later.
	relayChunks = 16
	// relayPatience is how long it keeps its processor while it waits. A part
	// takes less by far; who sleeps may oversleep many.
	relayPatience = 2 * time.Millisecond
)

var errBroken = errors.New("what makes the input has failed")

// Open is for the one who starts both, before either runs.
func (r *Relay) Open() { r.pass(0) }

// Close says that no more steps come: all are made, or there was an error.
func (r *Relay) Close(err error) {
	if err != nil {
		r.pass(broken)
		return
	}
	r.pass(allMade)
}

// pass says that the first n steps are made.
func (r *Relay) pass(n int64) {
	if r != nil {
		r.made.Store(n)
	}
}

// Wait returns when the first n steps are made, with an error if they won't be.
func (r *Relay) Wait(n int64) error {
	if r == nil {
		return nil
	}
	var begin time.Time
	for i := 0; ; i++ {
		switch made := r.made.Load(); {
		case made == broken:
			return errBroken
		case made >= n:
			return nil
		case i < spins:
		case begin.IsZero():
			begin = time.Now()
		case time.Since(begin) < relayPatience:
			runtime.Gosched()
		default:
			nap(rest / 2)
		}
	}
}

// WaitAll is Wait for all steps.
func (r *Relay) WaitAll() error { return r.Wait(allMade) }

// relaySpan is of how many steps the gates are prepared at once by a recurrence
// of T steps that waits for them.
func relaySpan(T int) int { return max(1, (T+relayChunks-1)/relayChunks) }

// RelayWorth reports whether stacked recurrences of so many steps and sequences
// are better run by a thread each than by all threads one after the other, which
// share a larger batch with less waiting.
func RelayWorth(T, B int) bool { return T >= 2*relayChunks && batchParts(B, 2) == 1 }
