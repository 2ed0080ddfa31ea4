package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/onda-ml/onda/lstmattn/train"
)

// A trainBar is the progress bar of a training: loss, rate, time left.
type trainBar struct {
	bar   *progressbar.ProgressBar
	out   *os.File
	first int // the step before the first that the bar saw
}

// newTrainBar is nil where f is no terminal.
func newTrainBar(f *os.File) *trainBar {
	if !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &trainBar{out: f}
}

func (b *trainBar) step(r train.StepReport) {
	if b.bar == nil { // a resumed training's bar counts what is left to do
		b.first = r.Step - 1
		b.bar = progressbar.NewOptions(r.TotalSteps-b.first,
			progressbar.OptionSetWriter(b.out), progressbar.OptionShowIts(), progressbar.OptionSetItsString("steps"),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(true), progressbar.OptionUseANSICodes(true), progressbar.OptionClearOnFinish())
	}
	b.bar.Describe(fmt.Sprintf("epoch %d/%d  step %d/%d  loss %.4g  lr %.3g", r.Epoch, r.Epochs, r.Step, r.TotalSteps, r.Loss, r.LearningRate))
	b.bar.Set(r.Step - b.first)
}

func (b *trainBar) clear() {
	if b.bar != nil {
		b.bar.Clear()
	}
}
