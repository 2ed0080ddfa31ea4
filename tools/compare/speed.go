package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/onda-ml/onda/tools/compare/bench"
)

// contest is one row's engines: loaders of a task, the first of which is
// ONNX Runtime.
type contest struct {
	name    string
	path    string // the model's file
	loaders []func(*bench.Task) (bench.Session, error)
	labels  []string // of the loaders after the first
	apart   bool     // the first runs another model of the same sizes: outputs can't be compared
}

// speedTable measures every model at every batch and thread count.
func (c *config) speedTable() error {
	columns := []string{"model", "batch"}
	for _, n := range c.threads {
		columns = append(columns, fmt.Sprintf("%s: ONNX Runtime, Onda ms", threadsText(n)), "ratio (quartiles)")
	}
	t := newTable(c.out, "Time of Onda over time of ONNX Runtime, median and quartiles; below 1 Onda is faster.", append(columns, "largest difference")...)
	contests, err := c.contests()
	if err != nil {
		return err
	}
	for _, contest := range contests {
		if !c.only.MatchString(contest.name) {
			continue
		}
		for _, batch := range c.batches {
			c.speedRows(t, contest, batch)
		}
	}
	return nil
}

// contests are the models of the command line, the exports of the hand-built
// forecaster, and an LSTM one step at a time.
func (c *config) contests() ([]contest, error) {
	both := []func(*bench.Task) (bench.Session, error){ortEngine{}.Load, bench.Onda{}.Load}
	var all []contest
	for _, path := range c.models {
		name := filepath.Base(filepath.Dir(path))
		if strings.HasPrefix(name, "seq2seq") {
			name += ", traced by PyTorch"
		}
		all = append(all, contest{name: name, path: path, loaders: both, labels: []string{""}})
	}
	for _, f := range forecasters {
		if !c.only.MatchString(f.name) {
			continue
		}
		m, err := f.build()
		if err != nil {
			return nil, err
		}
		built := func(t *bench.Task) (bench.Session, error) { s := newBuilt(m, t); return s, s.Run() }
		path, err := f.export(m, c.work)
		if err != nil {
			return nil, err
		}
		all = append(all, contest{name: f.name + ", our export", path: path,
			loaders: append(both, built), labels: []string{"", "; hand-built model"}})
		if traced := c.find(f.name + "_mha"); traced != "" {
			exported := func(t *bench.Task) (bench.Session, error) {
				own, err := bench.NewTask(path, t.Value("x").Shape()[0], t.Threads)
				if err != nil {
					return nil, err
				}
				return bench.Onda{}.Load(own)
			}
			all = append(all, contest{name: f.name + "_mha, traced, in ONNX Runtime; ", path: traced, apart: true,
				loaders: []func(*bench.Task) (bench.Session, error){ortEngine{}.Load, exported, built}, labels: []string{"our export in Onda", "hand-built model"}})
		}
	}
	path := filepath.Join(c.work, "lstm_step.onnx")
	if err := writeStep(path, 256); err != nil {
		return nil, err
	}
	ours := func(t *bench.Task) (bench.Session, error) { return newStream(t, stepFeedback) }
	theirs := func(t *bench.Task) (bench.Session, error) { return newORTStream(t, stepFeedback) }
	return append(all, contest{name: "LSTM 64 to 256, a step at a time", path: path,
		loaders: []func(*bench.Task) (bench.Session, error){theirs, ours}, labels: []string{""}}), nil
}

// speedRows writes the rows of one batch size, one for each engine but the
// first.
func (c *config) speedRows(t table, contest contest, batch int) {
	rows := make([][]string, len(contest.labels))
	differences := make([]float64, len(rows))
	for i, label := range contest.labels {
		rows[i] = []string{contest.name + label, fmt.Sprint(batch)}
	}
	for _, n := range c.threads {
		stats, diffs, err := c.run(contest, batch, n)
		if err != nil {
			fmt.Fprintln(os.Stderr, "compare:", err)
		}
		for i := range rows {
			if err != nil {
				rows[i] = append(rows[i], err.Error(), "")
				c.ratios.add(rows[i][0], "batch "+rows[i][1], dash)
				continue
			}
			s := stats[i+1]
			rows[i] = append(rows[i], milliseconds(stats[0].Median)+", "+milliseconds(s.Median), spread(s))
			if !contest.apart {
				differences[i] = max(differences[i], diffs[i])
			}
			c.ratios.add(rows[i][0], "batch "+rows[i][1], fmt.Sprintf("%.2f", s.Ratio))
		}
	}
	for i := range rows {
		difference := fmt.Sprintf("%.0e", differences[i])
		if contest.apart {
			difference = dash
		}
		t.row(append(rows[i], difference)...)
	}
}

// run loads the engines of one contest, compares their outputs with the
// first's, and lets them take turns.
func (c *config) run(contest contest, batch, threads int) ([]bench.Stat, []float64, error) {
	t, err := bench.NewTask(contest.path, batch, threads)
	if err != nil {
		return nil, nil, err
	}
	var sessions []bench.Session
	defer func() {
		for _, s := range sessions {
			s.Close()
		}
	}()
	for _, load := range contest.loaders {
		s, err := load(t)
		if err != nil {
			return nil, nil, err
		}
		sessions = append(sessions, s)
	}
	var differences []float64
	if contest.apart {
		for _, s := range sessions {
			if err := s.Run(); err != nil {
				return nil, nil, err
			}
		}
	} else if differences, err = bench.DifferencesFromFirst(sessions); err != nil {
		return nil, nil, err
	}
	stats, err := bench.TakeTurns(sessions, c.budget)
	return stats, differences, err
}

func threadsText(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}
