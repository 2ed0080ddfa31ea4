package bench

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

// LongestRun is how long a peer may take to load a model and run it once.
const LongestRun = time.Minute

// An Order is what a child process is to measure.
type Order struct {
	Engine         string // of those that the program has
	Model          string // path of the file
	Batch, Threads int
	Budget         time.Duration
	Library        string // ONNX Runtime's, where that is the engine
}

// A Report is what it found.
type Report struct {
	Error string
	Peak  int64 // bytes resident at most
	Peer  Stat  // with the ratio to Onda
	Onda  Stat
	Worst float64 // largest difference of an output from Onda's
}

// Serve is the main function of a child process: it does the order of the
// command line and writes the report to a file, since the engines print what
// they like.
func Serve(args []string, do func(Order) (*Report, error)) error {
	fs := flag.NewFlagSet("child", flag.ContinueOnError)
	text := fs.String("order", "", "what to measure, as JSON")
	file := fs.String("report", "", "file to write")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var o Order
	if err := json.Unmarshal([]byte(*text), &o); err != nil {
		return fmt.Errorf("-order: %w", err)
	}
	r, err := do(o)
	if err != nil {
		r = &Report{Error: err.Error()}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(*file, data, 0o644)
}

// Main is the main function of a peer's program: the peer and Onda take turns.
func Main(peer Engine) {
	err := Serve(os.Args[1:], func(o Order) (*Report, error) { return besideOnda(o, peer) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func besideOnda(o Order, peer Engine) (*Report, error) {
	t, err := NewTask(o.Model, o.Batch, o.Threads)
	if err != nil {
		return nil, err
	}
	if err := t.Floating(); err != nil {
		return nil, err
	}
	theirs, err := firstRun(peer, t)
	if err != nil {
		return nil, err
	}
	ours, err := Onda{}.Load(t)
	if err != nil {
		return nil, err
	}
	sessions := []Session{ours, theirs}
	r := &Report{}
	err = guarded(func() error {
		var err error
		if r.Worst, err = differenceOf(theirs, ours); err != nil {
			return err
		}
		stats, err := TakeTurns(sessions, o.Budget)
		if err != nil {
			return err
		}
		r.Onda, r.Peer = stats[0], stats[1]
		return nil
	})
	return r, err
}

// differenceOf compares the outputs of sessions that have both run.
func differenceOf(a, b Session) (float64, error) {
	got, err := a.Outputs()
	if err != nil {
		return 0, err
	}
	want, err := b.Outputs()
	if err != nil {
		return 0, err
	}
	return LargestDifference(got, want)
}

// firstRun loads the peer and runs it once. What it panics with is an error;
// if it takes longer than LongestRun it is left behind, for the process to end.
func firstRun(peer Engine, t *Task) (Session, error) {
	type result struct {
		s   Session
		err error
	}
	done := make(chan result, 1)
	go func() {
		var res result
		res.err = guarded(func() (err error) {
			if res.s, err = peer.Load(t); err != nil {
				return err
			}
			return res.s.Run()
		})
		done <- res
	}()
	select {
	case res := <-done:
		return res.s, res.err
	case <-time.After(LongestRun):
		return nil, fmt.Errorf("more than %v for loading and one run", LongestRun)
	}
}
