// Package tensor holds the one container that every layer above the file
// format passes around: a dense, row-major, n-dimensional array whose element
// type is known at run time.
//
// What belongs here: element types ([DType]) and their conversions, shapes and
// index arithmetic, construction and typed access ([New], [Data]), the bridge
// to and from ONNX's TensorProto ([FromONNX], [ToONNX]), and the other two
// kinds of ONNX value ([Sequence], [Optional]). What does not: arithmetic.
package tensor
