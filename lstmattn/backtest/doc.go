// Package backtest measures forecasts of the past: from one origin after the
// other a model forecasts rows that it hasn't seen, and its errors stand beside
// those of the naive forecasts.
//
//	fixed := backtest.Fixed(backtest.Model(m, 24))
//	report, err := backtest.Run(ctx, frame, fixed, backtest.Options{InputSize: 168, Horizon: 24, From: "80%"})
//	report.Model.MAE.Value() < report.SeasonalNaive.MAE.Value()
//
// What belongs here: origins, refits, what is measured. What does not: the
// measures themselves (lstmattn/metrics), training (lstmattn/train), tables
// (tools/onda).
package backtest
