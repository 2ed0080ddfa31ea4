package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/sbinet/npyio/npy"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/ops/tensor"
)

// readNPY reads a .npy file of numbers or booleans in C order.
func readNPY(path string) (*tensor.Tensor, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := npy.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: not a .npy file: %w", path, err)
	}
	d := r.Header.Descr
	if d.Fortran && len(d.Shape) > 1 {
		return nil, fmt.Errorf("%s: is in Fortran order, expected C order", path)
	}
	code := strings.TrimLeft(d.Type, "<|=")
	for dt, c := range npyCodes {
		if c != code {
			continue
		}
		n, err := tensor.CheckShape(d.Shape, dt.Size())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		size := n * dt.Size()
		if size > len(data) {
			return nil, fmt.Errorf("%s: %d bytes of elements are announced, the file has %d bytes", path, size, len(data))
		}
		t, err := tensor.FromBytes(dt, data[len(data)-size:], d.Shape...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return t, nil
	}
	return nil, fmt.Errorf("%s: elements of type %q, expected little-endian numbers or booleans", path, d.Type)
}

// npyCodes are numpy's names of the element types that .npy files can hold.
var npyCodes = map[tensor.DType]string{
	tensor.Float32: "f4", tensor.Float64: "f8", tensor.Float16: "f2", tensor.Bool: "b1",
	tensor.Int8: "i1", tensor.Int16: "i2", tensor.Int32: "i4", tensor.Int64: "i8",
	tensor.Uint8: "u1", tensor.Uint16: "u2", tensor.Uint32: "u4", tensor.Uint64: "u8",
	tensor.Complex64: "c8", tensor.Complex128: "c16",
}

// writeNPY writes t as a .npy file (version 1.0). Small floats that numpy has
// no type for are written as float32.
func writeNPY(path string, t *tensor.Tensor) error {
	code, ok := npyCodes[t.DType()]
	if !ok && t.DType().IsFloat() {
		wide := tensor.Float64s(t)
		narrow := make([]float32, len(wide))
		for i, v := range wide {
			narrow[i] = float32(v)
		}
		t, code, ok = tensor.Must(narrow, t.Shape()...), "f4", true
	}
	if !ok {
		return fmt.Errorf("%s: a .npy file can't hold elements of type %v", path, t.DType())
	}
	order := "<"
	if t.DType().Size() == 1 {
		order = "|"
	}
	dims := make([]string, t.Rank())
	for i, d := range t.Shape() {
		dims[i] = fmt.Sprintf("%d,", d)
	}
	head := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", order, code, strings.Join(dims, " "))
	head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n"
	out := []byte("\x93NUMPY\x01\x00")
	out = binary.LittleEndian.AppendUint16(out, uint16(len(head)))
	out = append(out, head...)
	return export.WriteFile(path, append(out, t.Bytes()...))
}
