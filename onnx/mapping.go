package onnx

// mapping is memory outside Go's heap. Whoever holds a slice of it holds the mapping too.
type mapping struct {
	data []byte
}
