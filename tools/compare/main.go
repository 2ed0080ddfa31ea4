package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
)

func main() {
	if err := compare(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	library string
	threads []int
	batches []int
	budget  time.Duration
	only    *regexp.Regexp
}

func compare(args []string) error {
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	library := fs.String("onnxruntime", "", "path of libonnxruntime.so")
	threads := fs.String("threads", "1,2", "thread counts")
	batches := fs.String("batch", "1,8,32", "batch sizes")
	budget := fs.Duration("time", 3*time.Second, "measuring time for each cell")
	only := fs.String("only", "", "only models whose name matches this regular expression")
	if err := fs.Parse(args); err != nil {
		return err
	}
	o := options{library: *library, budget: *budget}
	var err error
	if o.threads, err = ints(*threads); err != nil {
		return err
	}
	if o.batches, err = ints(*batches); err != nil {
		return err
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	if err := startORT(o.library); err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, ONNX Runtime %s, %s\n\n", cpuName(), goruntime.NumCPU(), ortVersion(), goruntime.Version())
	fmt.Println("| model | batch | threads | ONNX Runtime ms | Onda ms | ratio | spread | largest difference |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, dir := range fs.Args() {
		cases, err := onnxtest.Find(os.DirFS(dir), ".")
		if err != nil {
			return err
		}
		for _, c := range cases {
			if !o.only.MatchString(c.Name) {
				continue
			}
			for _, batch := range o.batches {
				for _, n := range o.threads {
					row(o, filepath.Join(dir, c.Name), batch, n)
				}
			}
		}
	}
	return nil
}

func ints(list string) ([]int, error) {
	var out []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q: expected positive integers separated by commas", list)
		}
		out = append(out, n)
	}
	return out, nil
}

// row measures one model at one batch size and thread count, and prints it.
func row(o options, dir string, batch, threads int) {
	r, err := measure(o, filepath.Join(dir, "model.onnx"), batch, threads)
	name := filepath.Base(dir)
	if err != nil {
		fmt.Printf("| %s | %d | %d | | | | | %s |\n", name, batch, threads, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("| %s | %d | %d | %.3f | %.3f | %.2f | %.2f to %.2f | %.1e |\n", name, batch, threads, r.theirs, r.ours, r.ratio, r.low, r.high, r.difference)
}

type result struct {
	ours, theirs     float64 // median milliseconds
	ratio, low, high float64 // median and quartiles of ours/theirs, pair by pair
	difference       float64 // largest absolute difference of any output element
}

func measure(o options, model string, batch, threads int) (*result, error) {
	m, err := runtime.Load(model, runtime.WithThreads(threads))
	if err != nil {
		return nil, err
	}
	inputs, err := makeInputs(m, filepath.Dir(model), batch)
	if err != nil {
		return nil, err
	}
	s, err := newSession(model, m, threads)
	if err != nil {
		return nil, fmt.Errorf("ONNX Runtime: %w", err)
	}
	defer s.close()
	ctx := context.Background()
	ours := func() (map[string]*tensor.Tensor, error) { return m.Run(ctx, inputs) }
	theirs, release, err := s.prepare(inputs)
	if err != nil {
		return nil, fmt.Errorf("ONNX Runtime: %w", err)
	}
	defer release()
	got, err := ours()
	if err != nil {
		return nil, err
	}
	want, err := theirs()
	if err != nil {
		return nil, fmt.Errorf("ONNX Runtime: %w", err)
	}
	r := &result{difference: largestDifference(got, want)}
	var a, b, ratios []float64
	for start := time.Now(); len(ratios) < 5 || time.Since(start) < o.budget && len(ratios) < 2000; {
		x, err := timed(func() error { _, err := ours(); return err })
		if err != nil {
			return nil, err
		}
		y, err := timed(func() error { _, err := theirs(); return err })
		if err != nil {
			return nil, err
		}
		a, b, ratios = append(a, x), append(b, y), append(ratios, x/y)
	}
	for _, s := range [][]float64{a, b, ratios} {
		slices.Sort(s)
	}
	at := func(s []float64, q float64) float64 { return s[int(q*float64(len(s)-1)+0.5)] }
	r.ours, r.theirs, r.ratio, r.low, r.high = at(a, 0.5), at(b, 0.5), at(ratios, 0.5), at(ratios, 0.25), at(ratios, 0.75)
	return r, nil
}

// timed is the time f takes, in milliseconds.
func timed(f func() error) (float64, error) {
	start := time.Now()
	err := f()
	return float64(time.Since(start).Nanoseconds()) / 1e6, err
}

func cpuName() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(data), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return goruntime.GOARCH
}
