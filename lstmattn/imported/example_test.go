package imported_test

import (
	"context"
	"fmt"
	"log"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/backtest"
	"github.com/onda-ml/onda/lstmattn/imported"
	"github.com/onda-ml/onda/lstmattn/series"
)

// A model that PyTorch trained and exported, backtested on a series and beside
// the naive forecasts.
func Example() {
	const folder = "../../testmodels/forecasters/airpassengers/"
	m, err := imported.Load(folder + "model.onnx")
	if err != nil {
		log.Fatal(err)
	}
	frame, err := series.ReadFile(folder+"series.csv", series.Options{})
	if err != nil {
		log.Fatal(err)
	}
	forecaster := backtest.Func(func(ctx context.Context, b *lstmattn.Batch) (*backtest.Prediction, error) {
		y, err := m.Forecast(ctx, b, nil)
		if err != nil {
			return nil, err
		}
		return backtest.PredictionOf(y, lstmattn.Greedy), nil
	})
	report, err := backtest.Run(context.Background(), frame, backtest.Fixed(forecaster), backtest.Options{
		InputSize: m.InputSize(), Horizon: m.Horizon(), From: "-24", Period: 12,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.InputSize(), "months back,", m.Horizon(), "ahead,", report.Windows, "forecasts")
	fmt.Println("better than last year's:", report.Model.MAE.Value() < report.SeasonalNaive.MAE.Value())
	// Output:
	// 24 months back, 12 ahead, 2 forecasts
	// better than last year's: true
}
