package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/tools/compare/bench"
)

// besideTract measures tract in a process of its own and Onda after it, on the
// same inputs. tract/src/main.rs describes what is handed over.
func (c *config) besideTract(program, path string, batch int) (string, *bench.Report, error) {
	const name = "tract"
	t, err := bench.NewTask(path, batch, 1)
	if err != nil {
		return name, nil, err
	}
	if err := t.Floating(); err != nil {
		return name, nil, err
	}
	dir, err := os.MkdirTemp(c.work, "tract-*")
	if err != nil {
		return name, nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{path, dir, fmt.Sprint(c.budget.Seconds()), fmt.Sprint(bench.LongestRun.Seconds())}
	for i, in := range t.Inputs {
		file := filepath.Join(dir, fmt.Sprintf("input_%d", i))
		if err := os.WriteFile(file, bytesOf(bench.Floats(in.Value)), 0o644); err != nil {
			return name, nil, err
		}
		args = append(args, shapeText(in.Value)+"="+file)
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestChild)
	defer cancel()
	var printed, complaint strings.Builder
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &printed, &complaint
	if err := cmd.Run(); err != nil {
		if s := strings.TrimSpace(complaint.String()); s != "" {
			err = errors.New(s)
		}
		return name, nil, err
	}
	version, rest, _ := strings.Cut(strings.TrimSpace(printed.String()), "\n")
	r, err := c.tractReport(t, dir, rest)
	return version, r, err
}

// tractReport reads the times and outputs of tract, and measures Onda.
func (c *config) tractReport(t *bench.Task, dir, times string) (*bench.Report, error) {
	var theirs []float64
	for _, s := range strings.Fields(times) {
		ms, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, ms)
	}
	if len(theirs) == 0 {
		return nil, errors.New("no run")
	}
	s, err := bench.Onda{}.Load(t)
	if err != nil {
		return nil, err
	}
	stats, err := bench.TakeTurns([]bench.Session{s}, c.budget)
	if err != nil {
		return nil, err
	}
	want, err := s.Outputs()
	if err != nil {
		return nil, err
	}
	got := map[string][]float32{}
	for i, name := range t.Outputs {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("output_%d", i)))
		if err != nil {
			return nil, err
		}
		got[name] = floatsOf(data)
	}
	r := &bench.Report{Onda: stats[0], Peer: bench.Stat{Median: bench.Quantile(theirs, 0.5)}}
	r.Peer.Ratio = r.Peer.Median / r.Onda.Median
	r.Worst, err = bench.LargestDifference(got, want)
	return r, err
}

// shapeText is 1x168x64.
func shapeText(t *tensor.Tensor) string {
	var parts []string
	for _, d := range t.Shape() {
		parts = append(parts, strconv.Itoa(d))
	}
	return strings.Join(parts, "x")
}

func bytesOf(data []float32) []byte {
	b := make([]byte, 0, 4*len(data))
	for _, v := range data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func floatsOf(b []byte) []float32 {
	data := make([]float32, len(b)/4)
	for i := range data {
		data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return data
}
