// Package onnx is the ONNX file format in both directions: reading a model into plain structs, writing it back, finding
// its external data and checking its structure. There is no arithmetic here and no knowledge of any operator.
//
// The structs ([Model], [Graph], [Node], [Attribute], [Tensor], [Type] ...) follow ONNX's own messages, field by field;
// build them by hand, or read them with [Load], [LoadFS], [LoadReader] or [Decode]. [Model.Save] and [Model.Encode] write
// them. What was read is written back byte for byte: whether an empty field was present, how a list was packed, and the
// fields this package does not know travel along unseen.
//
// # Where things are
//
//	model.go graph.go attribute.go tensor.go dtype.go type.go value.go   the structs, and helpers that build them
//	schema*.go     one field table per message, read by both directions
//	wire.go        tags, varints and byte offsets: everything that knows protobuf
//	fields.go messages.go   the kinds of field (string, packed list, nested message ...), each with both directions
//	decode.go      bytes to structs
//	encode.go      structs to bytes
//	load.go save.go external.go mapping*.go   files, folders and memory maps
//	check*.go      the structural checker; walk.go visits every tensor
//	elements.go    the elements of a tensor, whichever way they are held
//	errors.go      FormatError and the place it names; signature.go knows what else a file may be
//	text*.go       a model as text for people
//
// # Memory
//
// [Tensor.RawData] is a part of the bytes that were read, not a copy. When the model came from a path, those bytes are a
// private memory map of the file, and each Tensor keeps the map alive. A RawData slice alone does not: whoever keeps the
// slice and lets the Tensor go must keep [Tensor.Owner] or [Model.Owner] too. All other fields are copies and live on
// their own.
package onnx
