package bench

import (
	"fmt"
	"math"
)

// An Engine loads models.
type Engine interface {
	// Load makes the task's model ready to run on the task's inputs.
	Load(t *Task) (Session, error)
}

// A Session is a loaded model with its inputs in place.
type Session interface {
	// Run computes the task's outputs once.
	Run() error
	// Outputs are those of the last run, by name, valid until the next.
	Outputs() (map[string][]float32, error)
	Close()
}

// guarded turns what f panics with into an error.
func guarded(f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			err = fmt.Errorf("panic: %w", r)
		default:
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// LargestDifference is over all elements of the outputs in want.
func LargestDifference(got, want map[string][]float32) (float64, error) {
	worst := 0.0
	for name, w := range want {
		g := got[name]
		if len(g) != len(w) {
			return 0, fmt.Errorf("output %q has %d elements instead of %d", name, len(g), len(w))
		}
		for i := range w {
			d := math.Abs(float64(g[i]) - float64(w[i]))
			if math.IsNaN(d) {
				return 0, fmt.Errorf("output %q, element %d: %v instead of %v", name, i, g[i], w[i])
			}
			worst = max(worst, d)
		}
	}
	return worst, nil
}

// DifferencesFromFirst runs all sessions once and compares the outputs of each
// with the first's.
func DifferencesFromFirst(sessions []Session) ([]float64, error) {
	var want map[string][]float32
	var differences []float64
	for i, s := range sessions {
		if err := s.Run(); err != nil {
			return nil, err
		}
		got, err := s.Outputs()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			want = got
			continue
		}
		d, err := LargestDifference(got, want)
		if err != nil {
			return nil, err
		}
		differences = append(differences, d)
	}
	return differences, nil
}
