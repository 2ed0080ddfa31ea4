package backtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/backtest"
	"github.com/onda-ml/onda/lstmattn/series"
)

// drift forecasts that the last step's rise goes on: any forecaster can be
// measured.
type drift struct{ back, ahead int }

func (d drift) Forecast(_ context.Context, b *lstmattn.Batch) (*backtest.Prediction, error) {
	p := &backtest.Prediction{}
	for k := range b.Size {
		window := b.X[k*d.back : (k+1)*d.back]
		last, rise := window[d.back-1], window[d.back-1]-window[d.back-2]
		for t := range d.ahead {
			p.Values = append(p.Values, last+float32(t+1)*rise)
		}
	}
	return p, nil
}

// The report beside the naive forecasts, as a table and as JSON.
func ExampleReport_WriteText() {
	values := make([]float32, 60)
	for i := range values {
		values[i] = float32(i)
	}
	frame, err := series.NewFrame([]string{"load"}, values)
	if err != nil {
		log.Fatal(err)
	}
	report, err := backtest.Run(context.Background(), frame, backtest.Fixed(drift{4, 2}), backtest.Options{InputSize: 4, Horizon: 2, From: "80%", Period: 4})
	if err != nil {
		log.Fatal(err)
	}
	if err := report.WriteText(os.Stdout, true, false); err != nil {
		log.Fatal(err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		log.Fatal(err)
	}
	var read struct {
		Naive struct{ MAE float64 } `json:"seasonal_naive"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		log.Fatal(err)
	}
	fmt.Println("\nseasonal naive is off by", read.Naive.MAE)
	// Output:
	// 6 forecasts of 2 steps, 1 series, 6 origins, one model throughout
	//
	//             model  seasonal naive, 4  repeat last
	//        MSE      0                 16          2.5
	//        MAE      0                  4          1.5
	//       RMSE      0                  4        1.581
	//   sMAPE, %      0              7.802        2.851
	//       MASE      0                  1        0.375
	//       CRPS      0                  4          1.5
	//
	//   step ahead  MSE  MAE  CRPS  MSE: seasonal naive, 4  MAE  MSE: repeat last  MAE
	//            1    0    0     0                      16    4                 1    1
	//            2    0    0     0                      16    4                 4    2
	//
	// seasonal naive is off by 4
}
