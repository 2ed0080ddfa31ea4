// Package onnxtest reads models with expected outputs in the layout of ONNX's
// own backend tests, and compares what a run made with what was expected:
//
//	CASE/model.onnx
//	CASE/test_data_set_0/input_0.pb, output_0.pb, ...
//
// What belongs here: reading and comparing. Running is the caller's business,
// so that one reader serves the tests, the conformance report and the command
// line.
package onnxtest
