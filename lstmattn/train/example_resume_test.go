package train_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"strings"
	"time"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

// stopAt ends a training's context after a step.
type stopAt struct {
	step int
	stop context.CancelFunc
}

func (s stopAt) Step(r train.StepReport) {
	if r.Step == s.step {
		s.stop()
	}
}

func (s stopAt) Evaluation(train.EvaluationReport) {}

// A training of quantiles with a covariate known ahead and the calendar, each
// series scaled by itself, is stopped and goes on where it was.
func ExampleRun_resume() {
	var csv strings.Builder
	csv.WriteString("unique_id,ds,y,promotion\n")
	for day := range 120 {
		date, promotion := time.Date(2024, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), day/5%2
		for k, id := range []string{"a", "b"} {
			fmt.Fprintf(&csv, "%s,%s,%.3f,%d\n", id, date, math.Pow(10, float64(k))*(5+math.Sin(float64(day))+float64(promotion)), promotion)
		}
	}
	frame, err := series.ReadCSV(strings.NewReader(csv.String()), series.Options{Columns: []string{"y"}, Future: []string{"promotion"}})
	if err != nil {
		log.Fatal(err)
	}
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.Scaling = 14, 7, 8, 2, lstmattn.ScalingSeries
	c.Head, c.Quantiles = lstmattn.HeadQuantile, []float64{0.1, 0.5, 0.9}
	c.FutureNames, c.Calendar, c.NumFuture = frame.Future, []string{"day_of_week"}, 2
	settings := train.DefaultConfig()
	settings.Epochs, settings.Threads = 2, 2
	training, validation, err := train.Datasets(frame, c, settings.Split)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	run := func(ctx context.Context, o *train.Options) (*train.Result, error) {
		m, err := lstmattn.New(c, settings.Seed)
		if err != nil {
			return nil, err
		}
		if err := train.SetScalers(m, training); err != nil {
			return nil, err
		}
		return train.Run(ctx, m, training, validation, settings, o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = run(ctx, &train.Options{Dir: dir, Observer: stopAt{3, cancel}})
	var stopped *train.InterruptedError
	fmt.Println("stopped:", errors.As(err, &stopped), "after step", stopped.Step)
	result, err := run(context.Background(), &train.Options{Dir: dir, Resume: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("went on from step", result.Resumed, "to", result.Steps)
	// Output:
	// stopped: true after step 3
	// went on from step 3 to 8
}
