// Package series reads time series for forecasting and cuts them into the
// windows that a model is trained and measured on. Long CSV has one row per
// series and time (unique_id, ds, y and further columns), wide CSV one row per
// time and one column per feature.
//
//	frame, err := series.ReadFile("load.csv", series.Options{Columns: []string{"y"}, Future: []string{"holiday"}})
//	train, err := series.NewWindows(frame, series.WindowOptions{InputSize: 168, Horizon: 24, To: "80%"})
//	check, err := series.NewWindows(frame, series.WindowOptions{InputSize: 168, Horizon: 24, From: "80%"})
//
// What belongs here: files to rows of float32, in memory or on disk; timestamps
// and their step; rules for missing cells; refusals that name row and column;
// windows as lstmattn.Dataset. What does not: models and their training
// (lstmattn, lstmattn/train).
//
//	csv.go refuse.go            cells of CSV, and what is none
//	builder.go finish.go        rows by series
//	round.go                    what float32 loses
//	gaps.go                     what is missing
//	times.go clock.go           timestamps, and how they are read
//	series.go store.go          frames, in memory and on disk
//	windows.go put.go           windows as batches
//	cut.go scale.go             ranges, means and deviations
package series
