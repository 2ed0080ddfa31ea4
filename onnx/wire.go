package onnx

// wireState is what a message remembers of the bytes it was read from, so that writing it gives the same bytes again.
// The zero value belongs to a message built by hand.
type wireState struct {
	seen    uint32 // bit n: field n was present
	alt     uint32 // bit n: the list in field n came in the packing that is not the schema's
	unknown string // fields not in the table, as they came
}
