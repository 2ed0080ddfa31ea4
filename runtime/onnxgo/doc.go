// Package onnxgo is a backend for github.com/owulveryck/onnx-go that runs on
// package runtime. A program that uses onnx-go changes one line:
//
//	backend := onnxgo.NewGraph() // was gorgonnx.NewGraph()
//	model := onnx.NewModel(backend)
//	err := model.UnmarshalBinary(data)
//	err = model.SetInput(0, x)
//	err = backend.Run()
//	y, err := model.GetOutputTensors()
//
// onnx-go's decoder hands a backend the nodes and tensors of a file, but not
// the opset it was written for. Each node therefore gets the opset in which its
// inputs and attributes make sense, nearest to [DefaultOpset].
//
// What belongs here: the graph that onnx-go fills, and tensors in both
// directions. New programs should use package runtime itself.
package onnxgo
