package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Raw is the tensor's elements as raw data, whichever way they are held: little-endian, row-major, elements of less than
// a byte packed from the low bits up. It is RawData itself if that is set and new memory otherwise. It fails if the data
// do not match the shape, are external and not loaded, or are strings.
func (t *Tensor) Raw() ([]byte, error) {
	if err := t.checkData(); err != nil {
		return nil, within(label("tensor", -1, t), err)
	}
	switch {
	case t.DataLocation == LocationExternal:
		return nil, within(label("tensor", -1, t), &FormatError{Problem: "external data are not loaded", Offset: -1})
	case t.DataType == String:
		return nil, within(label("tensor", -1, t), &FormatError{Problem: "strings have no raw data", Offset: -1})
	case t.RawData != nil:
		return t.RawData, nil
	}
	switch dataTypes[t.DataType].list {
	case floatList:
		return packed(t.FloatData, 4, func(b []byte, v float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(v)) }), nil
	case doubleList:
		return packed(t.DoubleData, 8, func(b []byte, v float64) { binary.LittleEndian.PutUint64(b, math.Float64bits(v)) }), nil
	case int64List:
		return packed(t.Int64Data, 8, func(b []byte, v int64) { binary.LittleEndian.PutUint64(b, uint64(v)) }), nil
	case uint64List:
		if t.DataType == Uint32 {
			return packed(t.Uint64Data, 4, func(b []byte, v uint64) { binary.LittleEndian.PutUint32(b, uint32(v)) }), nil
		}
		return packed(t.Uint64Data, 8, binary.LittleEndian.PutUint64), nil
	}
	switch t.DataType.Bits() {
	case 32:
		return packed(t.Int32Data, 4, func(b []byte, v int32) { binary.LittleEndian.PutUint32(b, uint32(v)) }), nil
	case 16:
		return packed(t.Int32Data, 2, func(b []byte, v int32) { binary.LittleEndian.PutUint16(b, uint16(v)) }), nil
	}
	return packed(t.Int32Data, 1, func(b []byte, v int32) { b[0] = byte(v) }), nil
}

func packed[T any](list []T, size int, put func(b []byte, v T)) []byte {
	b := make([]byte, len(list)*size)
	for i, v := range list {
		put(b[i*size:], v)
	}
	return b
}

// Strings is the elements of a STRING tensor.
func (t *Tensor) Strings() ([]string, error) {
	err := t.checkData()
	if err == nil && t.DataType != String {
		err = &FormatError{Problem: fmt.Sprintf("type %s, expected STRING", t.DataType), Offset: -1}
	}
	if err != nil {
		return nil, within(label("tensor", -1, t), err)
	}
	s := make([]string, len(t.StringData))
	for i, b := range t.StringData {
		s[i] = string(b)
	}
	return s, nil
}

// checkData compares the data with the type and the shape: exactly one holder of the right kind and of the right length.
func (t *Tensor) checkData() error {
	problem := func(format string, args ...any) error {
		return &FormatError{Problem: fmt.Sprintf(format, args...), Offset: -1}
	}
	if !t.DataType.Valid() {
		return problem("type %s is not an element type", t.DataType)
	}
	count, ok := ElementCount(t.Dims)
	if !ok {
		return problem("shape %v has no number of elements", t.Dims)
	}
	holders := t.holders()
	if len(holders) > 1 {
		return problem("data in both %s and %s", holders[0], holders[1])
	}
	if t.DataLocation == LocationExternal {
		if len(holders) > 0 {
			return problem("data in %s, but also external", holders[0])
		}
		if _, err := t.externalRef(); err != nil {
			return err
		}
		return nil
	}
	if t.RawData != nil {
		want, ok := t.DataType.ByteSize(count)
		if !ok {
			return problem("raw data of type %s and shape %v are not possible", t.DataType, t.Dims)
		}
		if int64(len(t.RawData)) != want {
			return problem("%d bytes of raw data, expected %d for %s of shape %v", len(t.RawData), want, t.DataType, t.Dims)
		}
		return nil
	}
	list := dataTypes[t.DataType].list
	if len(holders) == 1 && holders[0] != list.String() {
		return problem("data in %s, expected %s for %s", holders[0], list, t.DataType)
	}
	if have, want := t.listLen(list), t.listWant(count); have != want {
		return problem("%d numbers in %s, expected %d for %s of shape %v", have, list, want, t.DataType, t.Dims)
	}
	return nil
}

// holders names the fields that hold data, RawData first.
func (t *Tensor) holders() []string {
	var h []string
	if len(t.RawData) > 0 {
		h = append(h, "raw_data")
	}
	for l := floatList; l <= uint64List; l++ {
		if t.listLen(l) > 0 {
			h = append(h, l.String())
		}
	}
	return h
}

func (t *Tensor) listLen(l list) int64 {
	switch l {
	case floatList:
		return int64(len(t.FloatData))
	case int32List:
		return int64(len(t.Int32Data))
	case int64List:
		return int64(len(t.Int64Data))
	case stringList:
		return int64(len(t.StringData))
	case doubleList:
		return int64(len(t.DoubleData))
	case uint64List:
		return int64(len(t.Uint64Data))
	}
	return 0
}

// listWant is the length the typed list of count elements has: complex numbers take two entries, packed types share one.
func (t *Tensor) listWant(count int64) int64 {
	switch bits := t.DataType.Bits(); {
	case t.DataType == Complex64 || t.DataType == Complex128:
		if count > math.MaxInt64/2 {
			return -1
		}
		return 2 * count
	case bits > 0 && bits < 8:
		per := 8 / bits
		return count/per + (count%per+per-1)/per
	}
	return count
}
