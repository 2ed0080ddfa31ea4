package main

import (
	"context"
	"fmt"
	"io"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/tools/compare/bench"
)

// serviceModels are measured as a service would use them: a large traced graph
// and a single layer.
var serviceModels = []string{"seq2seq_2x512", "lstm_64_256"}

// serviceTable has what matters beside the time of one run.
func (c *config) serviceTable() error {
	t := newTable(io.MultiWriter(c.out, &c.service), "Loading, memory, many goroutines.", "what", "model", "ONNX Runtime", "Onda", "ratio")
	for _, name := range serviceModels {
		path := c.find(name)
		if path == "" || !c.only.MatchString(name) {
			continue
		}
		for _, row := range []func(table, string, string) error{c.loading, c.memory, c.throughput, c.allocations} {
			if err := row(t, name, path); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// find is the path of the model of that name, "" if there is none.
func (c *config) find(name string) string {
	i := slices.IndexFunc(c.models, func(path string) bool { return strings.HasSuffix(path, name+"/model.onnx") })
	if i < 0 {
		return ""
	}
	return c.models[i]
}

// loadSession's run loads the model and drops it again.
type loadSession struct{ load func() error }

func (s loadSession) Run() error                           { return s.load() }
func (loadSession) Outputs() (map[string][]float32, error) { return nil, nil }
func (loadSession) Close()                                 {}

// loading compares runtime.Load with the creation of a session.
func (c *config) loading(t table, name, path string) error {
	job, err := bench.NewTask(path, 1, 1)
	if err != nil {
		return err
	}
	theirs := loadSession{func() error {
		s, err := ortEngine{}.Load(job)
		if err != nil {
			return err
		}
		s.Close()
		return nil
	}}
	ours := loadSession{func() error {
		_, err := runtime.Load(path, runtime.WithThreads(1))
		return err
	}}
	stats, err := bench.TakeTurns([]bench.Session{theirs, ours}, c.budget)
	if err != nil {
		return err
	}
	t.row("load, ms", name, milliseconds(stats[0].Median), milliseconds(stats[1].Median), spread(stats[1]))

	first := loadSession{func() error {
		_, err := bench.Onda{}.Load(job)
		return err
	}}
	theirFirst := loadSession{func() error {
		s, err := ortEngine{}.Load(job)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Run()
	}}
	if stats, err = bench.TakeTurns([]bench.Session{theirFirst, first}, c.budget); err != nil {
		return err
	}
	t.row("load and first run, ms", name, milliseconds(stats[0].Median), milliseconds(stats[1].Median), spread(stats[1]))
	return nil
}

// memory compares the most memory that a process of each has resident.
func (c *config) memory(t table, name, path string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	peaks := map[string]int64{}
	for _, engine := range []string{"ort", "onda", "none"} {
		r, err := inChild(bench.Order{Engine: engine, Model: path, Batch: 1, Threads: 1, Library: c.library}, exe, memoryCommand)
		if err != nil {
			return err
		}
		peaks[engine] = r.Peak
	}
	t.row(fmt.Sprintf("peak memory, of it %s for the process itself", megabytes(peaks["none"])), name,
		megabytes(peaks["ort"]), megabytes(peaks["onda"]), fmt.Sprintf("**%.2f**", float64(peaks["onda"])/float64(peaks["ort"])))
	return nil
}

// throughput compares goroutines that share one model, one for each core, with
// one goroutine at one thread: for ONNX Runtime and Onda at one thread a run,
// and for Onda with each run allowed every core.
func (c *config) throughput(t table, name, path string) error {
	cores := goruntime.NumCPU()
	one, err := bench.NewTask(path, 1, 1)
	if err != nil {
		return err
	}
	all := *one
	all.Threads = cores
	theirs, err := ortEngine{}.Load(one)
	if err != nil {
		return err
	}
	defer theirs.Close()
	theirRuns, err := ortRuns(theirs.(*ortSession), cores)
	if err != nil {
		return err
	}
	ours, err := ondaRuns(one, cores)
	if err != nil {
		return err
	}
	ourRuns, err := ondaRuns(&all, cores)
	if err != nil {
		return err
	}
	rates, err := rates(c.budget, [][]func() error{theirRuns[:1], theirRuns, ours[:1], ours, ourRuns[:1], ourRuns})
	if err != nil {
		return err
	}
	gain := func(many, single int) string {
		return fmt.Sprintf("%.1f, %.2f times one", rates[many], rates[many]/rates[single])
	}
	what := fmt.Sprintf("runs a second, %d goroutines, one thread each", cores)
	t.row(what, name, gain(1, 0), gain(3, 2), fmt.Sprintf("**%.2f**", rates[1]/rates[3]))
	t.row(fmt.Sprintf("the same, %d threads each", cores), name, "", gain(5, 2), fmt.Sprintf("**%.2f** of one thread each", rates[5]/rates[3]))
	return nil
}

// ondaRuns are n goroutines' runs of one model, each into memory of its own.
func ondaRuns(t *bench.Task, n int) ([]func() error, error) {
	m, err := runtime.Load(t.Path, runtime.WithThreads(t.Threads))
	if err != nil {
		return nil, err
	}
	var runs []func() error
	for range n {
		s, err := bench.NewOndaSession(m, t)
		if err != nil {
			return nil, err
		}
		runs = append(runs, s.Run)
	}
	return runs, nil
}

// rates are runs a second of each set of goroutines; the sets take turns, each
// several times.
func rates(budget time.Duration, sets [][]func() error) ([]float64, error) {
	const rounds = 5
	samples := make([][]float64, len(sets))
	for range rounds {
		for i, set := range sets {
			r, err := rate(budget/rounds, set)
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], r)
		}
	}
	medians := make([]float64, len(sets))
	for i, s := range samples {
		medians[i] = bench.Quantile(s, 0.5)
	}
	return medians, nil
}

// rate is runs a second of all goroutines together. A goroutine's last run may
// end late: each counts with the time that it took.
func rate(budget time.Duration, runs []func() error) (float64, error) {
	time.Sleep(bench.Pause)
	perSecond := make([]float64, len(runs))
	errs := make([]error, len(runs))
	var group sync.WaitGroup
	start := time.Now()
	for i, run := range runs {
		group.Add(1)
		go func() {
			defer group.Done()
			n := 0
			for n == 0 || time.Since(start) < budget {
				if errs[i] = run(); errs[i] != nil {
					return
				}
				n++
			}
			perSecond[i] = float64(n) / time.Since(start).Seconds()
		}()
	}
	group.Wait()
	total := 0.0
	for i := range runs {
		if errs[i] != nil {
			return 0, errs[i]
		}
		total += perSecond[i]
	}
	return total, nil
}

// allocations counts Go allocations of a warm RunInto, without garbage collections
// meanwhile: they empty the pools that memory is kept in, which have a part for
// each processor and are full once a run has met every one.
func (c *config) allocations(t table, name, path string) error {
	const runs = 10
	var counts []string
	for _, threads := range c.threads {
		job, err := bench.NewTask(path, 1, threads)
		if err != nil {
			return err
		}
		m, err := runtime.Load(path, runtime.WithThreads(threads))
		if err != nil {
			return err
		}
		n, err := allocationsOf(m, job.Named(), runs)
		if err != nil {
			return err
		}
		counts = append(counts, fmt.Sprintf("%.1f with %s", float64(n)/runs, threadsText(threads)))
	}
	t.row("allocations of a warm RunInto", name, "", strings.Join(counts, ", "), "")
	return nil
}

func allocationsOf(m *runtime.Model, in map[string]*tensor.Tensor, runs int) (uint64, error) {
	ctx := context.Background()
	out, err := m.Run(ctx, in)
	if err != nil {
		return 0, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range 2 * runs {
		if err := m.RunInto(ctx, in, out); err != nil {
			return 0, err
		}
	}
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	for range runs {
		if err := m.RunInto(ctx, in, out); err != nil {
			return 0, err
		}
	}
	goruntime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs, nil
}
