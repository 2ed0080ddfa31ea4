package onnx

import "encoding/binary"

func (c *checker) checkTensor(p *place, t *Tensor) {
	if t == nil {
		c.report(p, "is nil")
		return
	}
	if t.Segment != nil {
		c.report(p, "is a segment of a tensor")
	}
	c.reportError(p, t.checkData())
	if t.DataLocation == LocationExternal {
		if location, ok := entryValue(t.External, "location"); ok && location != "" {
			_, err := cleanLocation(location)
			c.reportError(p, err)
		}
	}
}

// checkValueInfo says whether v has a name.
func (c *checker) checkValueInfo(p *place, v *ValueInfo, typed bool) bool {
	if v == nil {
		c.report(p, "is nil")
		return false
	}
	if typed || v.Type != nil {
		c.checkValueType(p, v.Type, typed)
	}
	if v.Name == "" {
		c.report(p, "no name")
		return false
	}
	return true
}

func (c *checker) checkValueType(p *place, t *Type, needed bool) {
	if t == nil || t.kinds() == 0 {
		if needed {
			c.report(p, "no type")
		}
		return
	}
	c.checkType(p, t, 0)
}

// kinds is how many members of the oneof are set.
func (t *Type) kinds() int {
	n := 0
	for _, set := range []bool{t.Tensor != nil, t.Sequence != nil, t.Map != nil, t.Optional != nil, t.SparseTensor != nil, t.Opaque != nil} {
		if set {
			n++
		}
	}
	return n
}

func (c *checker) checkType(p *place, t *Type, depth int) {
	if depth > maxDepth {
		c.report(p, "types nested too deeply")
		return
	}
	if t == nil {
		return
	}
	if t.kinds() > 1 {
		c.report(p, "more than one kind of type")
	}
	for _, tensor := range []*TensorType{t.Tensor, t.SparseTensor} {
		if tensor != nil && tensor.ElemType != Undefined && !tensor.ElemType.Valid() {
			c.report(p, "element type %s", tensor.ElemType)
		}
	}
	if t.Sequence != nil {
		c.checkType(p.at("sequence_type", -1, nil), t.Sequence, depth+1)
	}
	if t.Optional != nil {
		c.checkType(p.at("optional_type", -1, nil), t.Optional, depth+1)
	}
	if t.Map != nil {
		switch t.Map.KeyType {
		case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, String:
		default:
			c.report(p, "map with keys of type %s, expected an integer type or STRING", t.Map.KeyType)
		}
		c.checkType(p.at("map_type", -1, nil), t.Map.Value, depth+1)
	}
}

func (c *checker) checkSparse(p *place, t *SparseTensor) {
	if t == nil || t.Values == nil {
		c.report(p, "no values")
		return
	}
	c.checkTensor(p.at("values", -1, t.Values), t.Values)
	if len(t.Values.Dims) != 1 {
		c.report(p, "values of shape %v, expected one dimension", t.Values.Dims)
		return
	}
	if len(t.Dims) == 0 {
		c.report(p, "no dims")
		return
	}
	size, ok := ElementCount(t.Dims)
	if !ok {
		c.report(p, "shape %v has no number of elements", t.Dims)
		return
	}
	nnz := t.Values.Dims[0]
	if t.Indices == nil {
		if nnz != 0 {
			c.report(p, "%d values, but no indices", nnz)
		}
		return
	}
	q := p.at("indices", -1, t.Indices)
	before := len(c.findings)
	c.checkTensor(q, t.Indices)
	if len(c.findings) == before && !c.full() && t.Indices.DataLocation != LocationExternal {
		c.checkIndices(q, t, nnz, size)
	}
}

// checkIndices compares the indices of a sparse tensor with its shape: in range and ascending. The tensor itself is
// known to be sound.
func (c *checker) checkIndices(p *place, t *SparseTensor, nnz, size int64) {
	ix := t.Indices
	rank := int64(len(t.Dims))
	linear := len(ix.Dims) == 1 && ix.Dims[0] == nnz
	if ix.DataType != Int64 || !linear && (len(ix.Dims) != 2 || ix.Dims[0] != nnz || ix.Dims[1] != rank) {
		c.report(p, "%s of shape %v, expected INT64 of shape [%d] or [%d %d]", ix.DataType, ix.Dims, nnz, nnz, rank)
		return
	}
	raw, err := ix.Raw()
	if err != nil {
		c.reportError(p, err)
		return
	}
	at := func(i int64) int64 { return int64(binary.LittleEndian.Uint64(raw[8*i:])) }
	last := int64(-1)
	for i := range nnz {
		var index int64
		if linear {
			if index = at(i); index < 0 || index >= size {
				c.report(p, "index %d is %d, expected 0 to %d", i, index, size-1)
				return
			}
		} else {
			for j, d := range t.Dims {
				v := at(i*rank + int64(j))
				if v < 0 || v >= d {
					c.report(p, "index %d has %d in dimension %d of size %d", i, v, j, d)
					return
				}
				index = index*d + v
			}
		}
		if index <= last {
			c.report(p, "index %d is not above the one before", i)
			return
		}
		last = index
	}
}
