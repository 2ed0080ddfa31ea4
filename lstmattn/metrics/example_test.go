package metrics_test

import (
	"fmt"

	"github.com/onda-ml/onda/lstmattn/metrics"
)

// Errors of a forecast, of the naive one, and the score of an interval.
func Example() {
	history := []float64{10, 20, 11, 21, 12, 22} // a season of two
	actual, forecast := []float64{13, 23}, []float64{13, 22}
	scale := metrics.NaiveScale(history, 2)
	var errors metrics.Point
	for i := range actual {
		errors.Add(actual[i], forecast[i], scale)
	}
	fmt.Printf("MAE %.2f, RMSE %.2f, MASE %.2f\n", errors.MAE.Value(), errors.RMSE(), errors.MASE.Value())

	naive := make([]float32, 2)
	metrics.SeasonalNaive(naive, []float32{10, 20, 11, 21, 12, 22}, 1, 2)
	fmt.Println("seasonal naive", naive)
	fmt.Printf("CRPS of a normal %.3f, pinball loss at 0.9 %.2f\n", metrics.CRPSNormal(13, 12, 2), metrics.QuantileLoss(13, 15, 0.9))
	// Output:
	// MAE 0.50, RMSE 0.71, MASE 0.50
	// seasonal naive [12 22]
	// CRPS of a normal 0.663, pinball loss at 0.9 0.20
}
