package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
)

// heap is the bytes of the objects that are in use.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// memory is what a training step of a shape holds, batch, model and optimiser
// included, and how many objects a warm one allocates.
func memory(s shape, threads int) (bytes, allocations float64, err error) {
	before := heap()
	o, err := newOnda(s, threads)
	if err != nil {
		return 0, 0, err
	}
	defer o.stop()
	for range 2 {
		if _, _, err := o.step(false); err != nil {
			return 0, 0, err
		}
	}
	bytes = heap() - before
	// The fewest of some steps: collections empty pools, and the runtime allocates
	// now and then.
	allocations = math.Inf(1)
	for range 8 {
		var first, last runtime.MemStats
		runtime.ReadMemStats(&first)
		if _, _, err := o.step(false); err != nil {
			return 0, 0, err
		}
		runtime.ReadMemStats(&last)
		allocations = min(allocations, float64(last.Mallocs-first.Mallocs))
	}
	return bytes, allocations, nil
}

// printMemory shows that memory grows linearly in batch and window: equal steps
// down a table add equal amounts.
func printMemory(w io.Writer, s shape, threads int) error {
	fmt.Fprintf(w, "\nMemory of a training step, features %d, hidden %d, %d threads; model and optimiser included. Equal steps in batch or window add equal amounts.\n\n",
		s.features, s.hidden, threads)
	fmt.Fprintln(w, "| window to horizon | batch | MB | allocations of a warm step |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, size := range [][2]int{{168, 16}, {168, 32}, {168, 48}, {336, 16}, {504, 16}} {
		t := s
		t.input, t.batch = size[0], size[1]
		bytes, allocations, err := memory(t, threads)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %d to %d | %d | %.1f | %.0f |\n", t.input, t.horizon, t.batch, bytes/1e6, allocations)
	}
	return nil
}
