// Package table writes forecasts of the series of a frame as CSV, in the form of
// the data they came from: the columns of series and time first, named and written
// as in the frame, the timestamps those after the end of each series.
//
//	values := table.NewValues(w, frame, nil)
//	err := values.Add(f, 0)     // window k of f is of the frame's series k
//	err = values.Flush()
//
// What belongs here: rows and cells. What does not: files and their renaming
// (export.WriteFile), pictures (lstmattn/plot), errors of forecasts
// (lstmattn/backtest).
package table
