package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

// logEvery is the time between lines about steps.
const logEvery = 30 * time.Second

// A trainLog shows a training's progress.
type trainLog struct {
	a     *app
	lines *json.Encoder // nil without --log-json
	bar   *trainBar     // nil without a terminal
	quiet bool

	began, last time.Time // of the steps, and of the last line about them
	first       int       // the step at began
}

func newTrainLog(a *app, asJSON, quiet bool) *trainLog {
	l := &trainLog{a: a, quiet: quiet}
	if asJSON {
		l.lines = json.NewEncoder(a.stdout)
	}
	if f, ok := a.stderr.(*os.File); ok && !quiet {
		l.bar = newTrainBar(f)
	}
	return l
}

// begin says what is trained on what.
func (l *trainLog) begin(all int, windows *series.Windows, validation lstmattn.Dataset, parameters, batch int) {
	if l.quiet {
		return
	}
	check := "no validation"
	if validation != nil {
		check = fmt.Sprintf("%d for validation", validation.Len())
	}
	few := ""
	if left := all - windows.NumSeries(); left > 0 {
		few = fmt.Sprintf(", %d of them too short", left)
	}
	fmt.Fprintf(l.a.stderr, "%d series%s, %d windows for training in batches of %d, %s; %d parameters\n", all, few, windows.Len(), batch, check, parameters)
}

// Step moves the bar, or writes a line now and then: a long epoch shows that it
// is alive.
func (l *trainLog) Step(r train.StepReport) {
	if l.bar != nil {
		l.bar.step(r)
	}
	now := time.Now()
	if l.began.IsZero() {
		l.began, l.last, l.first = now, now, r.Step
		return
	}
	if now.Sub(l.last) < logEvery {
		return
	}
	l.last = now
	rate := float64(r.Step-l.first) / now.Sub(l.began).Seconds()
	left := time.Duration(float64(r.TotalSteps-r.Step) / rate * float64(time.Second)).Round(time.Second)
	if l.lines != nil {
		l.lines.Encode(struct {
			Event string `json:"event"`
			train.StepReport
			Rate float64 `json:"steps_per_second"`
			Left float64 `json:"seconds_left"`
		}{"step", r, rate, left.Seconds()})
	}
	if l.bar == nil && !l.quiet {
		fmt.Fprintf(l.a.stderr, "epoch %d/%d  step %d/%d  loss %.4g  lr %.3g  %.3g steps/s  %v left\n", r.Epoch, r.Epochs, r.Step, r.TotalSteps, r.Loss, r.LearningRate, rate, left)
	}
}

// Evaluation writes a line.
func (l *trainLog) Evaluation(r train.EvaluationReport) {
	if l.lines != nil {
		l.lines.Encode(struct {
			Event string `json:"event"`
			train.EvaluationReport
		}{"evaluation", r})
	}
	if l.quiet {
		return
	}
	text := fmt.Sprintf("epoch %d  step %d  lr %.3g  training %.5g", r.Epoch, r.Step, r.LearningRate, r.TrainLoss)
	if v := r.Validation; v != nil {
		text += fmt.Sprintf("  validation %.5g", v.Loss)
		for _, m := range v.Metrics {
			text += fmt.Sprintf("  MSE/MAE(%d) %.4f/%.4f", m.Horizon, m.MSE, m.MAE)
		}
		if r.Improved {
			text += "  best"
		}
	}
	if l.bar != nil {
		l.bar.clear()
	}
	fmt.Fprintln(l.a.stderr, text)
}

func (l *trainLog) end() {
	if l.bar != nil {
		l.bar.clear()
	}
}

// result says what the training came to.
func (l *trainLog) result(dir string, r *train.Result) error {
	if l.lines != nil {
		return l.lines.Encode(struct {
			Event string `json:"event"`
			Dir   string `json:"dir"`
			*train.Result
		}{"end", dir, r})
	}
	l.a.printf("%s: %d steps, %d epochs, ended by %s, best after step %d", dir, r.Steps, r.Epochs, r.Why, r.BestStep)
	if r.Best != nil {
		l.a.printf(", validation loss %.6g", r.Best.Loss)
		for _, m := range r.Best.Metrics {
			l.a.printf(", MSE/MAE(%d) %.4f/%.4f", m.Horizon, m.MSE, m.MAE)
		}
	}
	l.a.printf("\n")
	return nil
}
