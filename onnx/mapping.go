package onnx

// mapping is a file in memory outside Go's heap. A slice of data does not keep it alive; a pointer to the mapping does,
// and when the last is gone the garbage collector has the map undone.
type mapping struct {
	data     []byte
	noWrites bool // every page is still as in the file
}

// Release gives back the memory that the pages of b, a part of data, take, unless they might have been written to. They
// are read from the file again when they are looked at.
func (m *mapping) Release(b []byte) {
	if m.noWrites {
		releasePages(m.data, b)
	}
}
