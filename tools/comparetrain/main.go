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
	threads                 []int
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
	o := options{threads: []int{1, 2}}
	most := flag.Int("threads", 0, "the number of threads; 0 for one and two")
	flag.StringVar(&o.python, "python", "python3", "a Python with PyTorch and safetensors")
	flag.StringVar(&o.scripts, "scripts", "testmodels/scripts", "folder of train_twin.py")
	flag.StringVar(&o.readme, "readme", "", "file that takes the table between its marks")
	flag.StringVar(&o.openBLAS, "openblas", "", "folder of OpenBLAS's libblas.so.3, to measure PyTorch with that too")
	flag.DurationVar(&o.budget, "time", 15*time.Second, "measuring time for each ratio; three rounds are taken anyway")
	flag.Parse()
	if *most > 0 {
		o.threads = []int{*most}
	}
	if err := run(&o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "comparetrain:", err)
		os.Exit(1)
	}
}

func run(o *options, out io.Writer) error {
	var section bytes.Buffer
	w := io.MultiWriter(out, &section)
	fmt.Fprintf(w, "%d cores, %s %s/%s, load average before %s. Time of a training step of PyTorch over Onda's, median and quartiles; above 1 Onda is faster.\n\n",
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, loadAverage())
	fmt.Fprintln(w, "| features, hidden, layers, heads, window to horizon, batch | threads | PyTorch's BLAS | PyTorch, Onda ms | ratio (quartiles) | rounds |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, s := range shapes {
		for _, threads := range o.threads {
			for _, library := range o.libraries() {
				r, err := measure(o, s, threads, library)
				if err != nil {
					return fmt.Errorf("hidden %d, %d threads, BLAS %s: %w", s.hidden, threads, library.name, err)
				}
				fmt.Fprintf(w, "| %d, %d, %d+%d, %d, %d to %d, %d | %d | %s | %.0f, %.0f | **%.2f** (%.2f to %.2f) | %d |\n",
					s.features, s.hidden, s.layers, s.layers, s.heads, s.input, s.horizon, s.batch, threads, r.library,
					quantile(r.theirs, .5), quantile(r.ours, .5), quantile(r.ratios, .5), quantile(r.ratios, .25), quantile(r.ratios, .75), len(r.ratios))
			}
		}
	}
	if o.readme == "" {
		return nil
	}
	return intoReadme(o.readme, section.Bytes())
}

// rounds are what the turns took, in milliseconds, and the rounds' ratios.
type rounds struct {
	library              string // that PyTorch had loaded
	theirs, ours, ratios []float64
}

func measure(o *options, s shape, threads int, library blas) (*rounds, error) {
	ours, err := newOnda(s, threads)
	if err != nil {
		return nil, err
	}
	theirs, err := newTorch(o, ours, s.batch, threads, library)
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
	if library.folder != "" && !strings.Contains(theirs.library, "openblas") {
		return nil, fmt.Errorf("PyTorch loaded %s, expected the library of %s", theirs.library, library.folder)
	}
	r := &rounds{library: theirs.library}
	for start := time.Now(); len(r.ratios) < 3 || time.Since(start) < o.budget; {
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
	return r, nil
}

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
