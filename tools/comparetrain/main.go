package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/tools/section"
)

// A shape is a row of the table.
type shape struct{ features, hidden, layers, heads, input, horizon, batch int }

var shapes = []shape{
	{1, 64, 1, 4, 168, 24, 32},
	{7, 128, 2, 8, 96, 24, 32},
	{1, 256, 2, 8, 168, 24, 32},
}

func (s shape) config() lstmattn.Config {
	c := lstmattn.DefaultConfig(s.features)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = s.input, s.horizon, s.hidden, s.heads
	c.NumEncoderLayers, c.NumDecoderLayers = s.layers, s.layers
	return c
}

type options struct {
	python, scripts, readme string
	openBLAS                string // folder of its libblas.so.3; "" leaves it out
	budget                  time.Duration
	threads                 int
	hidden                  int // of the only shape to measure; 0 for all
}

// A blas is the library that PyTorch multiplies with.
type blas struct{ name, folder string }

// libraries are those to measure with. Debian's PyTorch takes what the loader
// finds as libblas.so.3: the reference BLAS where nothing else is installed.
func (o *options) libraries() []blas {
	list := []blas{{"as installed", ""}}
	if o.openBLAS != "" {
		list = append(list, blas{"OpenBLAS", o.openBLAS})
	}
	return list
}

func main() {
	var o options
	threads := flag.Int("threads", runtime.NumCPU(), "the number of threads of both sides")
	flag.StringVar(&o.python, "python", "python3", "a Python with PyTorch and safetensors")
	flag.StringVar(&o.scripts, "scripts", "testmodels/scripts", "folder of train_twin.py")
	flag.StringVar(&o.readme, "readme", "", "file that takes the table between its marks")
	flag.StringVar(&o.openBLAS, "openblas", "", "folder of OpenBLAS's libblas.so.3, to measure PyTorch with that too")
	flag.IntVar(&o.hidden, "hidden", 0, "measure the shape of this hidden size alone")
	flag.DurationVar(&o.budget, "time", 10*time.Second, "measuring time for each ratio; for three rounds four times as much may pass")
	flag.Parse()
	o.threads = max(*threads, 1)
	if err := run(&o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "comparetrain:", err)
		os.Exit(1)
	}
}

func run(o *options, out io.Writer) error {
	var tables bytes.Buffer
	w := io.MultiWriter(out, &tables)
	most := peak(o.threads)
	fmt.Fprintf(w, "%s, %d cores, %s %s/%s, load average before %s, both sides with %d threads. Time of a training step of PyTorch over Onda's, median and quartiles; above 1 Onda is faster.",
		processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, loadAverage(), o.threads)
	if most > 0 {
		fmt.Fprintf(w, " The share of the peak, %.0f GFLOP/s of float32 multiply-adds measured on as many threads, is that of the matrix products' operations over the time of the whole step.", most/1e9)
	}
	fmt.Fprint(w, "\n\n| features, hidden, layers, heads, window to horizon, batch | PyTorch's BLAS | PyTorch, Onda ms | ratio (quartiles) | rounds | Onda's GFLOP/s | share of the peak |\n|---|---|---|---|---|---|---|\n")
	for _, s := range shapes {
		if o.hidden > 0 && s.hidden != o.hidden {
			continue
		}
		for _, library := range o.libraries() {
			r, err := measure(o, s, library)
			if err != nil {
				return fmt.Errorf("hidden %d, BLAS %s: %w", s.hidden, library.name, err)
			}
			c := s.config()
			rate, share := productsOf(&c)*float64(s.batch)/quantile(r.alone, .5)*1000, "unknown"
			if most > 0 {
				share = fmt.Sprintf("%.0f %%", 100*rate/most)
			}
			fmt.Fprintf(w, "| %d, %d, %d+%d, %d, %d to %d, %d | %s | %.0f, %.0f | **%.2f** (%.2f to %.2f) | %d | %.0f | %s |\n",
				s.features, s.hidden, s.layers, s.layers, s.heads, s.input, s.horizon, s.batch, r.library,
				quantile(r.theirs, .5), quantile(r.ours, .5), quantile(r.ratios, .5), quantile(r.ratios, .25), quantile(r.ratios, .75), len(r.ratios), rate/1e9, share)
		}
	}
	if err := printMemory(w, shapes[0], o.threads); err != nil {
		return err
	}
	if o.readme == "" {
		return nil
	}
	return section.Replace(o.readme, "compare-train", "make compare-train", tables.Bytes())
}

// rounds are what the turns took, in milliseconds, and the rounds' ratios.
type rounds struct {
	library              string // that PyTorch had loaded
	theirs, ours, ratios []float64
	alone                []float64 // what our steps took while PyTorch's side was gone
}

func measure(o *options, s shape, library blas) (*rounds, error) {
	ours, err := newOnda(s, o.threads)
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	theirs, err := newTorch(o, ours, s.batch, o.threads, library)
	if err != nil {
		return nil, err
	}
	defer theirs.stop()
	a, _, err := theirs.step(true)
	if err != nil {
		return nil, err
	}
	b, _, err := ours.step(true)
	if err != nil {
		return nil, err
	}
	if !(math.Abs(a-b) <= 1e-4*math.Abs(a)) {
		return nil, fmt.Errorf("the loss of the first step is %v in PyTorch and %v here: not the same training", a, b)
	}
	if library.folder != "" && !strings.Contains(theirs.library, "OpenBLAS") {
		return nil, fmt.Errorf("PyTorch loaded %s, expected the library of %s", theirs.library, library.folder)
	}
	r := &rounds{library: theirs.library}
	for start := time.Now(); o.more(len(r.ratios), time.Since(start)); {
		time.Sleep(pause)
		_, slow, err := theirs.step(false)
		if err != nil {
			return nil, err
		}
		time.Sleep(pause)
		_, fast, err := ours.step(false)
		if err != nil {
			return nil, err
		}
		r.theirs, r.ours, r.ratios = append(r.theirs, slow), append(r.ours, fast), append(r.ratios, slow/fast)
	}
	theirs.stop()
	for len(r.alone) < steps {
		_, ms, err := ours.step(false)
		if err != nil {
			return nil, err
		}
		r.alone = append(r.alone, ms)
	}
	return r, nil
}

// more says whether another round is taken: until the time is over, and then
// until there are three, unless they are very slow.
func (o *options) more(rounds int, passed time.Duration) bool {
	return passed < o.budget || rounds < 1 || rounds < 3 && passed < 4*o.budget
}

// steps are how many of ours the rate is taken from.
const steps = 9

// pause lets the threads of the turn before go to sleep.
const pause = 20 * time.Millisecond

// quantile is the value at level q of the sorted values, between neighbours in
// proportion.
func quantile(v []float64, q float64) float64 {
	v = slices.Sorted(slices.Values(v))
	at := q * float64(len(v)-1)
	lo := int(at)
	hi := min(lo+1, len(v)-1)
	return v[lo] + (at-float64(lo))*(v[hi]-v[lo])
}
