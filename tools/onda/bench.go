package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	goruntime "runtime"
	"slices"
	"time"

	"github.com/onda-ml/onda/runtime"
)

type benchCmd struct {
	Model   string         `arg:"" optional:"" help:"An ONNX file." type:"path"`
	Threads int            `help:"Cores to use; 0 means all." placeholder:"N"`
	Dim     map[string]int `help:"The size of a symbolic dimension, as NAME=N; 1 where none is given." placeholder:"NAME=N"`
	Runs    int            `help:"Measured runs, after a tenth as many to warm up." default:"100"`
	Profile bool           `help:"Also show where the time of a run goes, by operator and for the ten slowest nodes."`
	Plain   bool           `help:"Use the plain interpreter instead of the compiled plan."`
	Weights bool           `help:"Compare weights stored as float32, bfloat16 and int8: what they change, time and memory; on the bundled forecasters where no MODEL is given."`
	Kernels bool           `help:"Show how fast each variant of the kernels is on this machine, and which one is in use."`
	Active  bool           `hidden:"" help:"With --kernels: measure the variant in use alone."`
	JSON    bool           `name:"json" help:"Print JSON."`
}

// measurement is what bench reports; times are in milliseconds.
type measurement struct {
	File    string            `json:"file"`
	Threads int               `json:"threads"`
	Inputs  map[string]string `json:"inputs"`
	Runs    int               `json:"runs"`
	LoadMS  float64           `json:"load_ms"`
	FirstMS float64           `json:"first_run_ms"`
	MinMS   float64           `json:"min_ms"`
	P50MS   float64           `json:"p50_ms"`
	P90MS   float64           `json:"p90_ms"`
	P99MS   float64           `json:"p99_ms"`
	MaxMS   float64           `json:"max_ms"`
	Allocs  float64           `json:"allocs_per_run"`
	Bytes   float64           `json:"bytes_per_run"`
	PeakMB  float64           `json:"peak_memory_mb,omitempty"`
	Profile []opTime          `json:"profile,omitempty"`
}

// opTime is the time that the nodes of one operator take in a run.
type opTime struct {
	Op    string  `json:"op"`
	Nodes int     `json:"nodes"`
	MS    float64 `json:"ms"`
}

func (c *benchCmd) Run(a *app) error {
	if c.Runs < 1 {
		return fmt.Errorf("--runs %d: expected 1 or more", c.Runs)
	}
	if c.Kernels {
		return c.benchKernels(a)
	}
	if c.Weights {
		return c.benchWeights(a)
	}
	if c.Model == "" {
		return errors.New("bench needs a MODEL")
	}
	if err := refuseDirectory(c.Model); err != nil {
		return err
	}
	start := time.Now()
	level := runtime.Optimised
	if c.Plain {
		level = runtime.Plain
	}
	m, err := runtime.Load(c.Model, runtime.WithThreads(c.Threads), runtime.WithLevel(level))
	if err != nil {
		return err
	}
	r := measurement{File: c.Model, Threads: c.Threads, Runs: c.Runs, Inputs: map[string]string{}, LoadMS: since(start)}
	if r.Threads == 0 {
		r.Threads = goruntime.GOMAXPROCS(0)
	}
	rc := runCmd{Random: true, Dim: c.Dim}
	inputs, err := rc.inputs(m)
	if err != nil {
		return err
	}
	for name, t := range inputs {
		r.Inputs[name] = t.String()
	}
	start = time.Now()
	if _, err := m.Run(a.ctx, inputs); err != nil {
		return rc.explain(err)
	}
	r.FirstMS = since(start)
	for range c.Runs / 10 {
		if _, err := m.Run(a.ctx, inputs); err != nil {
			return err
		}
	}
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	times := make([]float64, c.Runs)
	for i := range times {
		start := time.Now()
		if _, err := m.Run(a.ctx, inputs); err != nil {
			return err
		}
		times[i] = since(start)
	}
	goruntime.ReadMemStats(&after)
	slices.Sort(times)
	quantile := func(q float64) float64 { return times[int(math.Ceil(q*float64(len(times))))-1] }
	r.MinMS, r.P50MS, r.P90MS, r.P99MS, r.MaxMS = times[0], quantile(0.5), quantile(0.9), quantile(0.99), times[len(times)-1]
	r.Allocs = float64(after.Mallocs-before.Mallocs) / float64(c.Runs)
	r.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(c.Runs)
	r.PeakMB = peakMB()
	if c.Profile {
		steps, err := m.Profile(a.ctx, inputs)
		if err != nil {
			return err
		}
		r.Profile = byOperator(steps)
		if !c.JSON {
			defer printSlowest(a, steps)
		}
	}
	if c.JSON {
		return a.json(r)
	}
	r.print(a)
	return nil
}

// byOperator adds up the times of the steps, the longest first.
func byOperator(steps []runtime.StepTime) []opTime {
	sums := map[string]*opTime{}
	for _, s := range steps {
		if sums[s.Op] == nil {
			sums[s.Op] = &opTime{Op: s.Op}
		}
		sums[s.Op].Nodes++
		sums[s.Op].MS += float64(s.Time.Nanoseconds()) / 1e6
	}
	var out []opTime
	for _, name := range sortedKeys(sums) {
		out = append(out, *sums[name])
	}
	slices.SortStableFunc(out, func(x, y opTime) int { return cmp.Compare(y.MS, x.MS) })
	return out
}

func printSlowest(a *app, steps []runtime.StepTime) {
	slices.SortStableFunc(steps, func(x, y runtime.StepTime) int { return cmp.Compare(y.Time, x.Time) })
	a.printf("  slowest nodes\n")
	for _, s := range steps[:min(10, len(steps))] {
		a.printf("    %9.3f ms  %s %s\n", float64(s.Time.Nanoseconds())/1e6, s.Op, s.Node)
	}
}

func since(start time.Time) float64 { return float64(time.Since(start).Nanoseconds()) / 1e6 }

func (r *measurement) print(a *app) {
	a.printf("%s, %d threads\n", r.File, r.Threads)
	for _, name := range sortedKeys(r.Inputs) {
		a.printf("  input      %s %s\n", name, r.Inputs[name])
	}
	a.printf("  load       %9.3f ms\n  first run  %9.3f ms\n", r.LoadMS, r.FirstMS)
	a.printf("  latency    %9.3f ms median of %d; min %.3f, p90 %.3f, p99 %.3f, max %.3f\n", r.P50MS, r.Runs, r.MinMS, r.P90MS, r.P99MS, r.MaxMS)
	a.printf("  allocation %9.1f objects, %.0f bytes a run\n", r.Allocs, r.Bytes)
	if r.PeakMB > 0 {
		a.printf("  memory     %9.1f MB at the peak\n", r.PeakMB)
	}
	for _, o := range r.Profile {
		a.printf("    %9.3f ms  %5d x %s\n", o.MS, o.Nodes, o.Op)
	}
}
