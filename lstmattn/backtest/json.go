package backtest

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/onda-ml/onda/lstmattn/metrics"
)

// MarshalJSON writes all measures of the model, of the seasonal naive forecast and
// of repeat-last, also by step and by column. What isn't known is null.
func (r *Report) MarshalJSON() ([]byte, error) {
	three := func(model, seasonal, last *Score) map[string]any {
		return map[string]any{"model": r.json(model), "seasonal_naive": r.json(seasonal), "repeat_last": r.json(last)}
	}
	rows := func(name string, of []Row) (out []map[string]any) {
		for i := range of {
			row := three(&of[i].Model, &of[i].SeasonalNaive, &of[i].RepeatLast)
			row[name] = of[i].Name
			out = append(out, row)
		}
		return out
	}
	out := three(&r.Model, &r.SeasonalNaive, &r.RepeatLast)
	for name, v := range map[string]any{
		"windows": r.Windows, "series": r.Series, "origins": r.Origins, "fits": r.Fits, "horizon": r.Horizon, "period": r.Period,
		"quantile_levels": r.Levels, "steps": rows("step_ahead", r.Steps), "columns": rows("column", r.Columns),
	} {
		out[name] = v
	}
	return json.Marshal(out)
}

func (r *Report) json(s *Score) map[string]any {
	number := func(v float64) any {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	}
	out := map[string]any{"values": s.MAE.N, "rmse": number(s.RMSE())}
	for name, m := range map[string]metrics.Mean{
		"mse": s.MSE, "mae": s.MAE, "smape": s.SMAPE, "mase": s.MASE, "quantile_loss": s.QuantileLoss, "crps": s.CRPS,
	} {
		out[name] = number(m.Value())
	}
	coverage := map[string]any{}
	for i, p := range r.Intervals {
		coverage[fmt.Sprint(p)] = number(s.Coverage[i].Value())
	}
	out["coverage"] = coverage
	return out
}
