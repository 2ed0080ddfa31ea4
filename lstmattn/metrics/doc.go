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
package metrics
