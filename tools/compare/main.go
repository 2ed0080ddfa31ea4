package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onda-ml/onda/tools/compare/bench"
	"github.com/onda-ml/onda/tools/section"
)

func main() {
	if err := compare(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// config is the command line.
type config struct {
	library string // ONNX Runtime's
	peers   string // folder of the programs made from peers/ and tract/
	report  string // file to write the tables into, "" for none
	readme  string // file to write their summary into, "" for none
	work    string // folder for the models made here
	tables  []string
	threads []int
	batches []int
	budget  time.Duration
	only    *regexp.Regexp
	models  []string // paths of model.onnx

	out io.Writer

	// What the README has of the tables.
	ratios, peerTimes grid
	service           bytes.Buffer
}

// tables are the tables in their order.
var tables = []struct {
	name  string
	write func(*config) error
}{
	{"speed", (*config).speedTable},
	{"service", (*config).serviceTable},
	{"peers", (*config).peerTable},
}

func compare(args []string) error {
	if len(args) > 0 && args[0] == memoryCommand {
		return bench.Serve(args[1:], peakMemory)
	}
	c, err := parse(args)
	if err != nil {
		return err
	}
	if err := startORT(c.library); err != nil {
		return err
	}
	if c.work, err = os.MkdirTemp("", "compare-*"); err != nil {
		return err
	}
	defer os.RemoveAll(c.work)
	head := fmt.Sprintf("%s, %d cores, %s %s/%s, ONNX Runtime %s%s", cpuName(), goruntime.NumCPU(),
		goruntime.Version(), goruntime.GOOS, goruntime.GOARCH, ortVersion(), loadAverage())
	var report bytes.Buffer
	c.out = io.MultiWriter(os.Stdout, &report)
	fmt.Fprintln(c.out, head)
	for _, t := range tables {
		if slices.Contains(c.tables, t.name) {
			if err := t.write(c); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	if c.report != "" {
		if err := section.Replace(c.report, "compare", "make compare", report.Bytes()); err != nil {
			return err
		}
	}
	if c.readme == "" {
		return nil
	}
	return section.Replace(c.readme, "compare", "make compare", c.summary(head))
}

// summary is what a reader wants to know first: medians alone.
func (c *config) summary(head string) []byte {
	var threads []string
	for _, n := range c.threads {
		threads = append(threads, threadsText(n))
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, head)
	c.ratios.write(&b, "Time of Onda over time of ONNX Runtime, medians, with "+strings.Join(threads, ", with ")+"; below 1 Onda is faster.", "model")
	b.Write(c.service.Bytes())
	c.peerTimes.write(&b, fmt.Sprintf("Time of other runtimes over Onda's, batch %d, one thread; a dash where the model isn't run.", c.batches[0]), "model")
	return b.Bytes()
}

func parse(args []string) (*config, error) {
	c := &config{}
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.StringVar(&c.library, "onnxruntime", "", "path of libonnxruntime.so")
	fs.StringVar(&c.peers, "peers", "", "folder of the programs made from peers/ and tract/")
	fs.StringVar(&c.report, "report", "", "file whose section is replaced by the tables")
	fs.StringVar(&c.readme, "readme", "", "file whose section is replaced by a summary of the tables")
	fs.DurationVar(&c.budget, "time", 2*time.Second, "measuring time for each ratio")
	names := fs.String("tables", "speed,service,peers", "tables to make")
	threads := fs.String("threads", "1,2", "thread counts")
	batches := fs.String("batch", "1,8,32", "batch sizes")
	only := fs.String("only", "", "only models whose name matches this regular expression")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	var err error
	c.tables = strings.Split(*names, ",")
	if c.threads, err = numbers(*threads); err != nil {
		return nil, fmt.Errorf("-threads: %w", err)
	}
	if c.batches, err = numbers(*batches); err != nil {
		return nil, fmt.Errorf("-batch: %w", err)
	}
	if c.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	for _, dir := range fs.Args() {
		found, err := filepath.Glob(filepath.Join(dir, "*", "model.onnx"))
		if err != nil {
			return nil, err
		}
		c.models = append(c.models, found...)
	}
	if len(c.models) == 0 {
		return nil, errors.New("expected a folder of folders with a model.onnx each")
	}
	return c, nil
}

// numbers are positive and separated by commas.
func numbers(list string) ([]int, error) {
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

func cpuName() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(data), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return goruntime.GOARCH
}

// loadAverage tells how busy the machine is with other work, as far as the
// system says.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(data), " ")
	text := ", load average " + first
	if v, err := strconv.ParseFloat(first, 64); err == nil && v > float64(goruntime.NumCPU()) {
		text += ". More work than cores waits beside this: the times are longer than they need be, and the ratios are rough"
	}
	return text
}
