package onnx

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// one is an optional message.
func one[M, C any, P message[C]](num protowire.Number, name string, get func(*M) **C) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			c := get(m)
			if *c == nil {
				if err := allocateFor[C](d, f.lo); err != nil {
					return within(name, err)
				}
				*c = new(C)
			}
			return decodePart[C, P](d, name, -1, *c, f)
		},
		func(e *encoder, m *M, _ *wireState) error {
			if c := *get(m); c != nil {
				return encodePart[C, P](e, num, name, -1, c)
			}
			return nil
		},
	}
}

// many is a list of messages held by pointer.
func many[M, C any, P message[C]](num protowire.Number, name string, get func(*M) *[]*C) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			list := get(m)
			if err := allocateFor[C](d, f.lo); err != nil {
				return within(name, err)
			}
			c := new(C)
			*list = append(*list, c)
			return decodePart[C, P](d, name, len(*list)-1, c, f)
		},
		func(e *encoder, m *M, _ *wireState) error {
			for i, c := range slices.Backward(*get(m)) {
				if err := encodePart[C, P](e, num, name, i, c); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// items is a list of messages held by value.
func items[M, C any, P message[C]](num protowire.Number, name string, get func(*M) *[]C) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			list := get(m)
			if err := allocateFor[C](d, f.lo); err != nil {
				return within(name, err)
			}
			var c C
			*list = append(*list, c)
			return decodePart[C, P](d, name, len(*list)-1, &(*list)[len(*list)-1], f)
		},
		func(e *encoder, m *M, _ *wireState) error {
			list := *get(m)
			for i := len(list) - 1; i >= 0; i-- {
				if err := encodePart[C, P](e, num, name, i, &list[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func decodePart[C any, P message[C]](d *decoder, name string, index int, c P, f rawField) error {
	err := d.expect(f, protowire.BytesType)
	if err == nil {
		err = decodeMessage(d, c, f.lo, f.hi)
	}
	if err != nil {
		return within(label(name, index, c), err)
	}
	return nil
}

func encodePart[C any, P message[C]](e *encoder, num protowire.Number, name string, index int, c P) error {
	if c == nil {
		return &FormatError{Place: label(name, index, nil), Problem: "is nil", Offset: -1}
	}
	end := e.size
	if err := encodeMessage(e, c); err != nil {
		return within(label(name, index, c), err)
	}
	e.putVarint(uint64(e.size - end))
	e.putTag(num, protowire.BytesType)
	return nil
}
