package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

type runCmd struct {
	Model     string         `arg:"" help:"An ONNX file." type:"path"`
	Input     []string       `help:"An input as NAME=FILE.npy; repeat for each." placeholder:"NAME=FILE" sep:"none"`
	OutputDir string         `help:"Write each output to DIR/NAME.npy." placeholder:"DIR" type:"path"`
	Random    bool           `help:"Make up the inputs that are not given, from --seed."`
	Seed      uint64         `help:"Seed of the random inputs and of the model's random operators." placeholder:"N"`
	Dim       map[string]int `help:"The size of a symbolic dimension, as NAME=N; 1 where none is given." placeholder:"NAME=N"`
	Threads   int            `help:"Cores to use; 0 means all." placeholder:"N"`
	Plain     bool           `help:"Use the plain interpreter instead of the compiled plan."`

	assumed []string // symbolic dimensions that got a size of 1
}

func (c *runCmd) Run(a *app) error {
	if err := refuseDirectory(c.Model); err != nil {
		return err
	}
	level := runtime.Optimised
	if c.Plain {
		level = runtime.Plain
	}
	m, err := runtime.Load(c.Model, runtime.WithThreads(c.Threads), runtime.WithSeed(c.Seed), runtime.WithLevel(level))
	if err != nil {
		return err
	}
	for _, w := range m.Warnings() {
		fmt.Fprintf(a.stderr, "onda: %s: warning: %s\n", c.Model, w)
	}
	inputs, err := c.inputs(m)
	if err != nil {
		return err
	}
	out, err := m.Run(a.ctx, inputs)
	if err != nil {
		return c.explain(err)
	}
	if c.OutputDir != "" {
		if err := os.MkdirAll(c.OutputDir, 0o755); err != nil {
			return err
		}
	}
	for _, p := range m.Outputs() {
		t := out[p.Name]
		a.printf("%s %v\n", p.Name, t)
		if c.OutputDir == "" {
			continue
		}
		if err := writeNPY(filepath.Join(c.OutputDir, fileName(p.Name)+".npy"), t); err != nil {
			return err
		}
	}
	return nil
}

// fileName makes a value's name fit for a file: what could leave the folder
// becomes _.
func fileName(name string) string {
	name = strings.NewReplacer("/", "_", "\\", "_", ":", "_").Replace(name)
	if name == "." || name == ".." {
		return strings.Repeat("_", len(name))
	}
	return name
}

func (c *runCmd) inputs(m *runtime.Model) (map[string]*tensor.Tensor, error) {
	inputs := map[string]*tensor.Tensor{}
	for _, arg := range c.Input {
		name, file, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("--input %s: expected NAME=FILE.npy", arg)
		}
		t, err := readNPY(file)
		if err != nil {
			return nil, err
		}
		inputs[name] = t
	}
	if c.Random {
		var err error
		c.assumed, err = randomInputs(m, inputs, c.Dim, c.Seed)
		return inputs, err
	}
	return inputs, nil
}

// explain adds to a run's error which sizes of its inputs nobody chose.
func (c *runCmd) explain(err error) error {
	if len(c.assumed) == 0 {
		return err
	}
	return fmt.Errorf("%w (with a size of 1 for %s; --dim chooses others)", err, strings.Join(c.assumed, ", "))
}

// randomInputs makes up what inputs lacks: standard normal floats, integers 0
// or 1. Assumed are the symbolic dimensions that dims does not have.
func randomInputs(m *runtime.Model, inputs map[string]*tensor.Tensor, dims map[string]int, seed uint64) (assumed []string, err error) {
	rng := rand.New(rand.NewPCG(seed, 0x6f6e6461))
	for name, n := range dims {
		if n < 0 {
			return nil, fmt.Errorf("--dim %s=%d: expected 0 or more", name, n)
		}
	}
	for _, p := range m.Inputs() {
		if inputs[p.Name] != nil || p.Optional {
			continue
		}
		if p.Kind != runtime.KindTensor || !p.Ranked {
			return nil, fmt.Errorf("input %q is %v: can't make it up, give it with --input", p.Name, p)
		}
		shape := make([]int, len(p.Shape))
		for i, d := range p.Shape {
			shape[i] = d.Size
			if d.Size < 0 {
				shape[i] = 1
				place := p.Name + "." + strconv.Itoa(i)
				if n, given := dims[d.Name]; given {
					shape[i] = n
				} else if n, given := dims[place]; given {
					shape[i] = n
				} else if name := cmp.Or(d.Name, place); !slices.Contains(assumed, name) {
					assumed = append(assumed, name)
				}
			}
		}
		t, err := tensor.Zeros(p.DType, shape...)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", p.Name, err)
		}
		fillRandom(t, rng)
		inputs[p.Name] = t
	}
	return assumed, nil
}

func fillRandom(t *tensor.Tensor, rng *rand.Rand) {
	switch t.DType() {
	case tensor.Float32:
		fill(tensor.Of[float32](t), func() float32 { return float32(rng.NormFloat64()) })
	case tensor.Float64:
		fill(tensor.Of[float64](t), rng.NormFloat64)
	case tensor.Float16:
		fill(tensor.Of[tensor.F16](t), func() tensor.F16 { return tensor.ToF16(rng.NormFloat64()) })
	case tensor.BFloat16:
		fill(tensor.Of[tensor.BF16](t), func() tensor.BF16 { return tensor.ToBF16(float32(rng.NormFloat64())) })
	case tensor.Int64:
		fill(tensor.Of[int64](t), func() int64 { return rng.Int64N(2) })
	case tensor.Int32:
		fill(tensor.Of[int32](t), func() int32 { return rng.Int32N(2) })
	case tensor.String:
	default:
		if t.DType().Size() == 1 {
			fill(tensor.Of[uint8](t), func() uint8 { return uint8(rng.IntN(2)) })
		}
	}
}

func fill[T any](dst []T, next func() T) {
	for i := range dst {
		dst[i] = next()
	}
}
