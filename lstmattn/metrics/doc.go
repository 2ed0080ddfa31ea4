// Package metrics measures forecasts: point errors, quantile loss, the
// continuous ranked probability score, interval coverage, and the two naive
// forecasts that every model should beat.
//
//	var p metrics.Point
//	p.Add(actual, forecast, scale)   // for every value; scale is metrics.NaiveScale of the past
//	p.MSE.Value()
//
// What belongs here: functions of numbers. What does not: windows, rolling
// origins and models (lstmattn/backtest).
//
//	point.go         errors of point forecasts, MASE's scale
//	naive.go         the naive forecasts
//	probability.go   quantile loss, CRPS, coverage
package metrics
