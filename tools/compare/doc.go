// Command compare measures Onda beside ONNX Runtime in one process: same model,
// same inputs, same threads, the two in turn, so that a drift of the machine's
// speed meets both. It prints the median of the ratios and their spread as a
// Markdown table.
//
// It is a module of its own: ONNX Runtime is reached through cgo, which nothing
// that a user imports may need.
package main
