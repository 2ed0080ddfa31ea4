package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/onda-ml/onda/ops/kernel"
)

// kernelRate is how fast one variant computes one shape, on one thread.
type kernelRate struct {
	Kernel  string  `json:"kernel"`
	Variant string  `json:"variant"`
	MicroS  float64 `json:"best_us"`
	Rate    float64 `json:"giga_per_s"`
	Unit    string  `json:"unit"` // FLOP or B (bytes read and written)
	Chosen  bool    `json:"chosen"`
}

// kernelCase is a shape to measure: f does work units of it.
type kernelCase struct {
	name string
	work float64
	unit string
	f    func()
}

// benchKernels shows every variant's rate. The variant is chosen once when a
// process starts, so each is measured by a process of its own.
func (c *benchCmd) benchKernels(a *app) error {
	if c.Active {
		return a.json(measureKernels(c.Runs))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var all []kernelRate
	for _, v := range kernel.Variants() {
		cmd := exec.CommandContext(a.ctx, self, "bench", "--kernels", "--active", "--json", "--runs", strconv.Itoa(c.Runs))
		cmd.Env = append(os.Environ(), "ONDA_KERNELS="+v)
		cmd.Stderr = a.stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("measuring the %s kernels: %w", v, err)
		}
		var rates []kernelRate
		if err := json.Unmarshal(out, &rates); err != nil {
			return fmt.Errorf("measuring the %s kernels: %w", v, err)
		}
		for _, r := range rates {
			r.Chosen = r.Variant == kernel.Variant()
			all = append(all, r)
		}
	}
	if c.JSON {
		return a.json(all)
	}
	printKernels(a, all)
	return nil
}

// printKernels writes a line for each shape and a column for each variant.
func printKernels(a *app, all []kernelRate) {
	variants := kernel.Variants()
	a.printf("one thread, best of repeated runs; * marks the variant in use\n%-34s", "kernel")
	for _, v := range variants {
		if v == kernel.Variant() {
			v += "*"
		}
		a.printf(" %12s", v)
	}
	a.printf("\n")
	shapes := len(all) / len(variants)
	for i, r := range all[:shapes] {
		a.printf("%-34s", r.Kernel)
		for v := range variants {
			a.printf(" %12.1f", all[v*shapes+i].Rate)
		}
		a.printf("  G%s/s\n", r.Unit)
	}
}

// measureKernels measures the variant in use: each shape runs times, or until
// runs shares of 400 us are over.
func measureKernels(runs int) []kernelRate {
	var out []kernelRate
	for _, k := range kernelCases() {
		k.f()
		best := time.Hour
		begin, share := time.Now(), 400*time.Microsecond
		for n := 0; n < runs && (n < 3 || time.Since(begin) < time.Duration(runs)*share); n++ {
			start := time.Now()
			k.f()
			best = min(best, max(time.Since(start), 1))
		}
		out = append(out, kernelRate{
			Kernel: k.name, Variant: kernel.Variant(), Unit: k.unit,
			MicroS: float64(best.Nanoseconds()) / 1e3, Rate: k.work / float64(best.Nanoseconds()),
		})
	}
	return out
}

// kernelCases are the shapes that models are made of.
func kernelCases() []kernelCase {
	var cases []kernelCase
	add := func(unit string, work int, f func(), format string, args ...any) {
		cases = append(cases, kernelCase{fmt.Sprintf(format, args...), float64(work), unit, f})
	}
	for _, t := range []struct {
		name string
		as   kernel.WeightType
	}{{"f32", kernel.WeightFloat32}, {"bf16", kernel.WeightBFloat16}, {"int8", kernel.WeightInt8}} {
		for _, s := range [][3]int{{1, 1024, 1024}, {8, 1024, 1024}, {32, 1024, 256}, {168, 1024, 512}, {384, 384, 384}} {
			m, n, k := s[0], s[1], s[2]
			x, y := ripple(m*k), make([]float32, m*n)
			w := kernel.PackBAs(t.as, false, k, n, ripple(k*n), n)
			add("FLOP", 2*m*n*k, func() { kernel.GemmPacked(nil, m, x, k, w, y, n, kernel.Epilogue{}) }, "product %s %dx%dx%d", t.name, m, n, k)
		}
		for _, s := range [][3]int{{1, 64, 256}, {32, 64, 256}} {
			const T = 32
			B, I, H := s[0], s[1], s[2]
			w := kernel.PackLSTMAs(t.as, I, H, ripple(4*H*I), ripple(4*H*H), nil)
			args := &kernel.LSTMArgs{T: T, B: B, X: ripple(T * B * I), XT: B * I, XB: I, Y: make([]float32, T*B*H), YT: B * H, YB: H}
			add("FLOP", 8*T*B*H*(I+H), func() { _ = kernel.LSTM(nil, w, args) }, "LSTM %s %d to %d, batch %d", t.name, I, H, B)
		}
	}
	const n = 4096
	x, y := ripple(n), make([]float32, n)
	for _, v := range []struct {
		name string
		f    func(dst, src []float32)
	}{{"exp", kernel.Exp}, {"log", kernel.Log}, {"tanh", kernel.Tanh}, {"sigmoid", kernel.Sigmoid}, {"erf", kernel.Erf}, {"softmax", kernel.Softmax}} {
		add("B", 8*n, func() { v.f(y, x) }, "%s of %d", v.name, n)
	}
	add("B", 8*n, func() { kernel.LayerNorm(y, x, nil, nil, 1e-5) }, "layer norm of %d", n)
	add("B", 12*n, func() { kernel.Add(y, x, x) }, "add of %d", n)
	add("B", 4*n, func() { kernel.Sum(x) }, "sum of %d", n)
	return cases
}

// ripple is n values in [0.01, 0.21], not all equal.
func ripple(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 0.01 + float32(i%61)/305
	}
	return x
}
