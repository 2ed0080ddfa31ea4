package tensor

import (
	"fmt"

	"github.com/onda-ml/onda/onnx"
)

// FromSequenceONNX is the sequence that a SequenceProto describes.
func FromSequenceONNX(p *onnx.Sequence) (*Sequence, error) {
	s := &Sequence{}
	add := func(i int, v Value, err error) error {
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		if t, ok := v.(*Tensor); ok {
			s.Elem = t.dtype
		}
		s.Items = append(s.Items, v)
		return nil
	}
	for i, e := range p.Tensors {
		v, err := FromONNX(e)
		if err := add(i, v, err); err != nil {
			return nil, err
		}
	}
	for i, e := range p.SparseTensors {
		v, err := FromSparseONNX(e)
		if err := add(i, v, err); err != nil {
			return nil, err
		}
	}
	for i, e := range p.Sequences {
		v, err := FromSequenceONNX(e)
		if err := add(i, v, err); err != nil {
			return nil, err
		}
	}
	for i, e := range p.Maps {
		v, err := FromMapONNX(e)
		if err := add(i, v, err); err != nil {
			return nil, err
		}
	}
	for i, e := range p.Optionals {
		v, err := FromOptionalONNX(e)
		if err := add(i, v, err); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// FromOptionalONNX is the optional that an OptionalProto describes; one without
// a value is empty.
func FromOptionalONNX(p *onnx.OptionalValue) (*Optional, error) {
	o := &Optional{}
	switch {
	case p.Tensor != nil:
		v, err := FromONNX(p.Tensor)
		o.Value = v
		return o, err
	case p.SparseTensor != nil:
		v, err := FromSparseONNX(p.SparseTensor)
		o.Value = v
		return o, err
	case p.Sequence != nil:
		v, err := FromSequenceONNX(p.Sequence)
		o.Value = v
		return o, err
	case p.Map != nil:
		v, err := FromMapONNX(p.Map)
		o.Value = v
		return o, err
	case p.Optional != nil:
		return FromOptionalONNX(p.Optional)
	}
	return o, nil
}

// FromMapONNX is the map that a MapProto describes. Its values are tensors of
// one element each, joined into one tensor.
func FromMapONNX(p *onnx.Map) (*Map, error) {
	m := &Map{}
	switch {
	case len(p.StringKeys) > 0:
		keys := make([]string, len(p.StringKeys))
		for i, k := range p.StringKeys {
			keys[i] = string(k)
		}
		m.Keys = Must(keys, len(keys))
	default:
		m.Keys = Must(p.Keys, len(p.Keys))
	}
	if p.Values == nil {
		return nil, fmt.Errorf("map: values are missing")
	}
	if len(p.Values.Tensors) == 1 && m.Keys.Len() != 1 {
		v, err := FromONNX(p.Values.Tensors[0])
		if err != nil {
			return nil, err
		}
		if v.Len() != m.Keys.Len() {
			return nil, fmt.Errorf("map: %d keys for %d values", m.Keys.Len(), v.Len())
		}
		m.Values = v
		return m, nil
	}
	if len(p.Values.Tensors) != m.Keys.Len() {
		return nil, fmt.Errorf("map: %d keys for %d values", m.Keys.Len(), len(p.Values.Tensors))
	}
	for i, e := range p.Values.Tensors {
		v, err := FromONNX(e)
		if err != nil {
			return nil, fmt.Errorf("map: value %d: %w", i, err)
		}
		if v.Len() != 1 || v.dtype.Size() == 0 {
			return nil, fmt.Errorf("map: value %d is %v, expected one number", i, v)
		}
		if i == 0 {
			if m.Values, err = Zeros(v.dtype, m.Keys.Len()); err != nil {
				return nil, err
			}
		}
		if v.dtype != m.Values.dtype {
			return nil, fmt.Errorf("map: value %d is %v, the first is %v", i, v.dtype, m.Values.dtype)
		}
		copy(m.Values.raw[i*v.dtype.Size():], v.raw)
	}
	return m, nil
}
