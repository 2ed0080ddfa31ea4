// Command onda inspects, runs, verifies and measures ONNX models, and makes,
// forecasts with and exports the LSTM-attention model of package lstmattn.
//
// What belongs here: reading arguments and files, printing, plotting. All that
// a Go program might want to do itself is in the packages it calls.
package main
