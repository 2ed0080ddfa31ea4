// Package series reads time series for forecasting: long CSV (one row per
// series and time: unique_id, ds, y and further columns) and wide CSV (one row
// per time, one column per feature).
//
// What belongs here: files to rows of float32, timestamps and their step,
// rules for missing cells, refusals that name row and column. What does not:
// windows, scaling and models (lstmattn).
package series
