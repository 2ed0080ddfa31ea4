package tensor

import (
	"fmt"
	"slices"
)

// Header is a tensor of a type and shape without memory, for owners of a plan
// that give it memory later, again and again, with [Tensor.Attach].
func Header(dt DType, shape ...int) (*Tensor, error) {
	if !dt.Valid() {
		return nil, fmt.Errorf("tensor: %v is no element type", dt)
	}
	if _, err := CheckShape(shape, dt.Size()); err != nil {
		return nil, err
	}
	return &Tensor{dtype: dt, shape: slices.Clone(shape)}, nil
}

// Attach gives t the memory of o from element at on; t keeps its own shape. The
// types must agree and o must have that many elements.
func (t *Tensor) Attach(o *Tensor, at int) error {
	n := t.shape.Len()
	if t.dtype != o.dtype || at < 0 || at > o.Len()-n {
		return fmt.Errorf("tensor: %v can't take its elements from element %d of %v on", t, at, o)
	}
	if t.dtype == String {
		t.strs = o.strs[at : at+n : at+n]
		return nil
	}
	size := t.dtype.Size()
	t.raw, t.owner = o.raw[at*size:(at+n)*size:(at+n)*size], o.owner
	return nil
}

// AttachBytes gives t the memory raw, which has exactly t's bytes and is
// aligned for its elements.
func (t *Tensor) AttachBytes(raw []byte) { t.raw = raw }

// Detach takes t's memory away again, so that t doesn't keep it alive.
func (t *Tensor) Detach() { t.raw, t.strs, t.owner = nil, nil, nil }
