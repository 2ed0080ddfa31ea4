// Package runtime loads an ONNX model and runs it.
//
//	model, err := runtime.Load("model.onnx")
//	out, err := model.Run(ctx, map[string]*tensor.Tensor{"x": x})
//
// A [Model] is immutable and serves any number of goroutines at once. Input
// shapes may differ from run to run wherever the model leaves them symbolic.
//
// What belongs here: binding a graph's nodes to operators, the plain
// interpreter (naive.go), the compiled plan with its graph rewrites, memory
// layout and caches, streaming state, limits, errors. What does not: what any
// one operator computes (ops), the file format (onnx), any model family
// (lstmattn).
package runtime
