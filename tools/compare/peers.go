package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/onda-ml/onda/tools/compare/bench"
)

// peers are the other Go runtimes: their programs, and how the summary and the
// table name them.
var peers = []struct{ program, short, name string }{
	{"gomlx", "GoMLX", "GoMLX (onnx-gomlx 0.3.4, gomlx 0.26.0, Go backend)"},
	{"gonnx", "gonnx", "gonnx 1.1.0"},
	{"gorgonia", "onnx-go with Gorgonia", "onnx-go 0.5.0 with Gorgonia 0.9.18"},
}

// peerTable measures the peers on the models of the command line, at one
// thread, with the first batch size. Where a peer fails, its reason is in the
// table.
func (c *config) peerTable() error {
	t := newTable(c.out, "Other runtimes, one thread. Go's in one process with Onda, taking turns; tract by itself, before Onda.",
		"model", "batch", "runtime", "its ms, Onda ms", "times Onda's", "largest difference, or why not")
	batch := c.batches[0]
	tract := filepath.Join(c.peers, "tract-bench")
	_, noTract := os.Stat(tract)
	for _, path := range c.models {
		name := filepath.Base(filepath.Dir(path))
		if !c.only.MatchString(name) {
			continue
		}
		for _, p := range peers {
			o := bench.Order{Engine: p.name, Model: path, Batch: batch, Threads: 1, Budget: c.budget}
			r, err := inChild(o, filepath.Join(c.peers, p.program))
			c.peerRow(t, name, batch, p.short, p.name, r, err)
		}
		if noTract == nil {
			version, r, err := c.besideTract(tract, path, batch)
			c.peerRow(t, name, batch, "tract", version, r, err)
		}
	}
	if noTract != nil {
		fmt.Fprintln(c.out, "\ntract is left out: it needs cargo.")
	}
	return nil
}

// peerRow writes what a peer did or why it did not.
func (c *config) peerRow(t table, model string, batch int, short, peer string, r *bench.Report, err error) {
	if err != nil {
		t.row(model, fmt.Sprint(batch), peer, "", "", err.Error())
		c.peerTimes.add(model, short, dash)
		return
	}
	t.row(model, fmt.Sprint(batch), peer, milliseconds(r.Peer.Median)+", "+milliseconds(r.Onda.Median),
		fmt.Sprintf("**%.1f**", r.Peer.Ratio), fmt.Sprintf("%.0e", r.Worst))
	c.peerTimes.add(model, short, fmt.Sprintf("%.1f", r.Peer.Ratio))
}
