package train_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"strings"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

// A CSV becomes windows, the windows train a model, the model's directory is
// ready to forecast and to export.
func Example() {
	if err := example(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ended by epochs after 3 epochs
	// better than at first: true
	// saved horizon: 6
}

func example() error {
	var csv strings.Builder
	csv.WriteString("ds,load\n")
	for hour := range 160 {
		fmt.Fprintf(&csv, "%d,%.4f\n", hour, 100+20*math.Sin(2*math.Pi*float64(hour)/12))
	}
	frame, err := series.ReadCSV(strings.NewReader(csv.String()), series.Options{})
	if err != nil {
		return err
	}
	cfg := lstmattn.DefaultConfig(len(frame.Columns))
	cfg.InputSize, cfg.Horizon, cfg.HiddenSize, cfg.NumEncoderLayers, cfg.NumDecoderLayers, cfg.NumAttentionHeads = 24, 6, 8, 1, 1, 2
	training, err := series.NewWindows(frame, series.WindowOptions{InputSize: cfg.InputSize, Horizon: cfg.Horizon, To: "70%"})
	if err != nil {
		return err
	}
	validation, err := series.NewWindows(frame, series.WindowOptions{InputSize: cfg.InputSize, Horizon: cfg.Horizon, From: "70%"})
	if err != nil {
		return err
	}
	scalers, err := training.Scalers()
	if err != nil {
		return err
	}

	settings := train.DefaultConfig()
	settings.Epochs, settings.BatchSize, settings.LearningRate, settings.Seed = 3, 8, 1e-2, 42
	model, err := lstmattn.New(cfg, settings.Seed)
	if err != nil {
		return err
	}
	if err := model.SetScaler(scalers.Columns.Mean, scalers.Columns.Scale); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	first, err := train.Measure(context.Background(), model, validation, lstmattn.Loss{Kind: lstmattn.MSE}, 0)
	if err != nil {
		return err
	}
	result, err := train.Run(context.Background(), model, training, validation, settings, &train.Options{Dir: dir})
	if err != nil {
		return err
	}
	saved, err := export.Load(dir)
	if err != nil {
		return err
	}
	fmt.Printf("ended by %s after %d epochs\n", result.Why, result.Epochs)
	fmt.Println("better than at first:", result.Best.Loss < first.Loss)
	fmt.Println("saved horizon:", saved.Config().Horizon)
	return nil
}
