package backtest_test

import (
	"context"
	"fmt"
	"math"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/backtest"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

// A model is trained anew before every second origin and measured beside the
// naive forecasts.
func Example() {
	values := make([]float32, 200)
	for i := range values {
		values[i] = float32(10 + math.Sin(float64(i)*math.Pi/6) + 0.05*float64(i))
	}
	frame, err := series.NewFrame([]string{"load"}, values)
	if err != nil {
		panic(err)
	}
	config := lstmattn.DefaultConfig(1)
	config.InputSize, config.Horizon, config.HiddenSize, config.NumAttentionHeads = 24, 6, 16, 2
	config.NumEncoderLayers, config.NumDecoderLayers, config.Normalization = 1, 1, lstmattn.NormalizationLast
	training := train.DefaultConfig()
	training.LearningRate, training.Epochs, training.Threads = 1e-2, 15, 1

	report, err := backtest.Run(context.Background(), frame, backtest.Train(config, training, lstmattn.Options{}, nil), backtest.Options{
		InputSize: 24, Horizon: 6, From: "-24", Refit: 2, Period: 12,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Windows, "forecasts by", report.Fits, "models")
	fmt.Println("seasonal naive is off by what the trend adds in a season:", fmt.Sprintf("%.2f", report.SeasonalNaive.MAE.Value()))
	fmt.Println("the model is better:", report.Model.MASE.Value() < report.SeasonalNaive.MASE.Value())
	// Output:
	// 4 forecasts by 2 models
	// seasonal naive is off by what the trend adds in a season: 0.60
	// the model is better: true
}
