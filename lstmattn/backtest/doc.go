// Package backtest measures forecasts of the past: from one origin after the
// other a model forecasts rows that it hasn't seen, and its errors stand beside
// those of the naive forecasts.
//
//	fixed := backtest.Fixed(backtest.Model(m, 24))
//	report, err := backtest.Run(ctx, frame, fixed, backtest.Options{InputSize: 168, Horizon: 24, From: "80%"})
//	err = report.WriteText(os.Stdout, false, false)
//
// What belongs here: origins, refits, what is measured, the report as text and
// JSON. What does not: the measures themselves (lstmattn/metrics), training
// (lstmattn/train).
//
//	run.go                       origins, refits, the loop over windows
//	forecaster.go train.go       what is measured, and a fitter that trains it
//	naive.go                     the naive forecasts beside it
//	report.go text.go json.go    the scores, and how they are written
package backtest
