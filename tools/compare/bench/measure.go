package bench

import (
	"slices"
	"time"
)

// Pause is made between turns. ONNX Runtime's threads spin for a million pauses
// of the processor after a run, 20 to 70 ms, during which they keep a core from
// whoever comes next.
const Pause = 100 * time.Millisecond

const (
	shortestTurn = 20 * time.Millisecond // shorter runs are repeated to fill it
	longRun      = time.Second           // from here on what a first run warms up doesn't matter
	fewestRounds = 5
	mostRounds   = 1000
)

// Stat is what one session took: milliseconds a run, and the ratio to the first
// session, round by round.
type Stat struct {
	Median           float64 // of the milliseconds
	Ratio, Low, High float64 // median and quartiles of the ratio
}

// TakeTurns runs the sessions in turn for the given time, at least
// fewestRounds rounds. Each must have run before.
func TakeTurns(sessions []Session, budget time.Duration) ([]Stat, error) {
	times := make([][]float64, len(sessions))
	runs := make([]int, len(sessions))
	for i, s := range sessions {
		ms, err := timed(s, 1)
		if err != nil {
			return nil, err
		}
		runs[i] = max(1, min(2000, int(float64(shortestTurn.Milliseconds())/ms)))
	}
	for start := time.Now(); len(times[0]) < fewestRounds || time.Since(start) < budget && len(times[0]) < mostRounds; {
		for i, s := range sessions {
			ms, err := timed(s, runs[i])
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], ms)
		}
	}
	stats := make([]Stat, len(sessions))
	for i := range sessions {
		stats[i] = statOf(times[i], times[0])
	}
	return stats, nil
}

// timed is the time of one run, in milliseconds, on the average of n. A run
// before them wakes threads, clocks and caches; it counts only if it is long.
func timed(s Session, n int) (float64, error) {
	time.Sleep(Pause)
	start := time.Now()
	if err := s.Run(); err != nil {
		return 0, err
	}
	if first := time.Since(start); first > longRun {
		return float64(first.Nanoseconds()) / 1e6, nil
	}
	start = time.Now()
	for range n {
		if err := s.Run(); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(start).Nanoseconds()) / 1e6 / float64(n), nil
}

// statOf compares the times with those of the first session in the same rounds.
func statOf(times, first []float64) Stat {
	ratios := make([]float64, len(times))
	for i := range times {
		ratios[i] = times[i] / first[i]
	}
	return Stat{Median: Quantile(times, 0.5), Ratio: Quantile(ratios, 0.5), Low: Quantile(ratios, 0.25), High: Quantile(ratios, 0.75)}
}

// Quantile is the value nearest to fraction q of the sorted values.
func Quantile(values []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return s[int(q*float64(len(s)-1)+0.5)]
}
