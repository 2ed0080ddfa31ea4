package onnx

// mapping is a file in memory outside Go's heap. A slice of data does not keep it alive; a pointer to the mapping does,
// and when the last is gone the garbage collector has the map undone.
type mapping struct {
	data []byte
}
