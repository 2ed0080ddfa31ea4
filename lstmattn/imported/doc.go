// Package imported makes a forecaster of an ONNX file, whoever wrote it: windows
// of series in, a [lstmattn.Forecast] out, as the hand-built model gives.
//
//	m, err := imported.Load("model.onnx")
//	forecast, err := m.Forecast(ctx, &lstmattn.Batch{Size: 1, X: history}, nil)
//
// The graph has one float32 input (batch, steps, features), perhaps an int64
// horizon with a default, and an output (batch, horizon, features), perhaps with
// the attention (batch, heads, horizon, steps) beside. Where there is one feature
// its dimension may be missing on both sides. A graph that package export wrote may
// have covariates, and what a head gives beside the forecast.
//
// What belongs here: what a graph's inputs, outputs and metadata mean to a
// forecaster. What does not: running it (runtime), windows of data
// (lstmattn/series), writing graphs (export). It stands above both lstmattn and
// runtime, which don't know each other.
//
//	load.go      what a graph is
//	forecast.go  a batch of windows through it
package imported
