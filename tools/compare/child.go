package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/onda-ml/onda/tools/compare/bench"
)

// memoryCommand is the first argument of this program as its own child.
const memoryCommand = "memory"

// longestChild is after how long a child is ended.
const longestChild = 2 * time.Minute

// inChild has the order done by a new process of program, with as many threads
// of Go as the order says.
func inChild(o bench.Order, program string, args ...string) (*bench.Report, error) {
	dir, err := os.MkdirTemp("", "compare-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "report.json")
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestChild)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(args, "-order", string(data), "-report", file)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(o.Threads))
	printed, failed := cmd.CombinedOutput()
	data, err = os.ReadFile(file)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("more than %v", longestChild)
	} else if err != nil {
		return nil, fmt.Errorf("it ended the process (%v): %s", failed, oneLine(string(printed)))
	}
	r := &bench.Report{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	if r.Error != "" {
		return nil, errors.New(r.Error)
	}
	return r, nil
}

// peakMemory is the most memory the process has had resident after loading and
// running the model. Without an engine it is that of the process alone.
func peakMemory(o bench.Order) (*bench.Report, error) {
	t, err := bench.NewTask(o.Model, o.Batch, o.Threads)
	if err != nil {
		return nil, err
	}
	var e bench.Engine
	switch o.Engine {
	case "onda":
		e = bench.Onda{}
	case "ort":
		if err := startORT(o.Library); err != nil {
			return nil, err
		}
		e = ortEngine{}
	}
	if e != nil {
		s, err := e.Load(t)
		if err != nil {
			return nil, err
		}
		for range 3 {
			if err := s.Run(); err != nil {
				return nil, err
			}
		}
	}
	peak, err := highWater()
	return &bench.Report{Peak: peak}, err
}

// highWater reads VmHWM. getrusage will not do: a child inherits its maximum
// from the process that started it.
func highWater() (int64, error) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
