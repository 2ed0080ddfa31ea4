package main

import (
	"fmt"
	"io"

	"github.com/onda-ml/onda/lstmattn/train"
)

// backtestLog shows progress where standard error is a terminal.
type backtestLog struct {
	w     io.Writer
	shown bool
}

func newBacktestLog(a *app, quiet bool) *backtestLog {
	if quiet || !isTerminal(a.stderr) {
		return &backtestLog{w: io.Discard}
	}
	return &backtestLog{w: a.stderr}
}

func (l *backtestLog) progress(done, all int) { l.print("%d of %d forecasts", done, all) }

// Step is part of train.Observer.
func (l *backtestLog) Step(r train.StepReport) {
	l.print("fitting: epoch %d of %d, step %d, loss %.4g", r.Epoch, r.Epochs, r.Step, r.Loss)
}

// Evaluation is part of train.Observer.
func (l *backtestLog) Evaluation(train.EvaluationReport) {}

func (l *backtestLog) print(format string, args ...any) {
	fmt.Fprintf(l.w, "\r\x1b[K"+format, args...)
	l.shown = true
}

func (l *backtestLog) end() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
