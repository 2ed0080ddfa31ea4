package onnx

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// typeText is a type such as float[batch,24] or seq(int64[]); without a shape it is float, and unknown types are empty.
func typeText(t *Type, depth int) string {
	switch {
	case t == nil || depth > maxDepth:
		return ""
	case t.Tensor != nil:
		return tensorTypeText(t.Tensor)
	case t.SparseTensor != nil:
		return "sparse_tensor(" + tensorTypeText(t.SparseTensor) + ")"
	case t.Sequence != nil:
		return "seq(" + typeText(t.Sequence, depth+1) + ")"
	case t.Optional != nil:
		return "optional(" + typeText(t.Optional, depth+1) + ")"
	case t.Map != nil:
		return "map(" + strings.ToLower(t.Map.KeyType.String()) + ", " + typeText(t.Map.Value, depth+1) + ")"
	case t.Opaque != nil:
		return "opaque(" + word(t.Opaque.Domain) + ", " + word(t.Opaque.Name) + ")"
	}
	return ""
}

func tensorTypeText(t *TensorType) string {
	s := strings.ToLower(t.ElemType.String())
	if t.Shape == nil {
		return s
	}
	dims := make([]string, len(t.Shape.Dims))
	for i := range t.Shape.Dims {
		dims[i] = dimText(&t.Shape.Dims[i])
	}
	return s + "[" + strings.Join(dims, ",") + "]"
}

func dimText(d *Dim) string {
	switch {
	case d.HasValue:
		return strconv.FormatInt(d.Value, 10)
	case d.Param != "":
		return word(d.Param)
	}
	return "?"
}

// String is the type as in ONNX's textual syntax, such as float[batch,24]; empty if it is not known.
func (t *Type) String() string { return typeText(t, 0) }

// tensorText is a constant's type, its name if it has one, and its elements if they are few.
func tensorText(t *Tensor) string {
	if t == nil {
		return "nil"
	}
	dims := make([]string, len(t.Dims))
	for i, d := range t.Dims {
		dims[i] = strconv.FormatInt(d, 10)
	}
	s := strings.ToLower(t.DataType.String()) + "[" + strings.Join(dims, ",") + "]"
	if t.Name != "" {
		s += " " + word(t.Name)
	}
	if t.DataLocation == LocationExternal {
		location, _ := entryValue(t.External, "location")
		return s + " = external " + quote(location)
	}
	if n, ok := ElementCount(t.Dims); ok && n <= longList {
		if e := elementsText(t); e != nil {
			return s + " = {" + strings.Join(e, ", ") + "}"
		}
	}
	return s
}

func sparseText(t *SparseTensor) string {
	if t == nil || t.Values == nil {
		return "nil"
	}
	dims := make([]string, len(t.Dims))
	for i, d := range t.Dims {
		dims[i] = strconv.FormatInt(d, 10)
	}
	s := "sparse_tensor(" + strings.ToLower(t.Values.DataType.String()) + "[" + strings.Join(dims, ",") + "])"
	if t.Values.Name != "" {
		s += " " + word(t.Values.Name)
	}
	return s
}

// elementsText is the elements of a tensor of one of the common types, nil for the others and for malformed data.
func elementsText(t *Tensor) []string {
	if t.DataType == String {
		list, err := t.Strings()
		if err != nil {
			return nil
		}
		for i := range list {
			list[i] = quote(list[i])
		}
		return list
	}
	raw, err := t.Raw()
	if err != nil {
		return nil
	}
	switch t.DataType {
	case Float:
		return eachText(raw, 4, func(b []byte) string { return floatText(math.Float32frombits(binary.LittleEndian.Uint32(b))) })
	case Double:
		return eachText(raw, 8, func(b []byte) string {
			return strconv.FormatFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)), 'g', -1, 64)
		})
	case Int64:
		return eachText(raw, 8, func(b []byte) string { return strconv.FormatInt(int64(binary.LittleEndian.Uint64(b)), 10) })
	case Int32:
		return eachText(raw, 4, func(b []byte) string { return strconv.Itoa(int(int32(binary.LittleEndian.Uint32(b)))) })
	case Int8:
		return eachText(raw, 1, func(b []byte) string { return strconv.Itoa(int(int8(b[0]))) })
	case Uint8, Bool:
		return eachText(raw, 1, func(b []byte) string { return strconv.Itoa(int(b[0])) })
	}
	return nil
}

func eachText(raw []byte, size int, text func(b []byte) string) []string {
	s := make([]string, 0, len(raw)/size)
	for ; len(raw) >= size; raw = raw[size:] {
		s = append(s, text(raw[:size]))
	}
	return s
}
