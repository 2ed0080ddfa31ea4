package onnx

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// table is the schema of a message: its fields in the order of their numbers, which is the order they are written in.
type table[M any] struct {
	fields []field[M]
	index  [32]uint8 // by number: place in fields plus one
	names  uint32    // bits of the fields that errors name the message by
}

// field is one row of a table: a number, a name for errors, and the two directions.
type field[M any] struct {
	num    protowire.Number
	name   string
	decode func(d *decoder, m *M, st *wireState, f rawField) error
	encode func(e *encoder, m *M, st *wireState) error
}

func newTable[M any](fields ...field[M]) table[M] {
	t := table[M]{fields: fields}
	for i, f := range fields {
		t.index[f.num] = uint8(i + 1)
	}
	return t
}

// named marks fields as the ones errors name the message by.
func (t table[M]) named(nums ...protowire.Number) table[M] {
	for _, n := range nums {
		t.names |= 1 << n
	}
	return t
}

func (t *table[M]) find(num protowire.Number) *field[M] {
	if num <= 0 || int(num) >= len(t.index) || t.index[num] == 0 {
		return nil
	}
	return &t.fields[t.index[num]-1]
}

// only has the field written just when want says so.
func (f field[M]) only(want func(m *M) bool) field[M] {
	encode := f.encode
	f.encode = func(e *encoder, m *M, st *wireState) error {
		if !want(m) {
			return nil
		}
		return encode(e, m, st)
	}
	return f
}

// always has the field written, even with its zero value, when want says so.
func (f field[M]) always(want func(m *M) bool) field[M] {
	encode := f.encode
	f.encode = func(e *encoder, m *M, st *wireState) error {
		if !want(m) {
			return encode(e, m, st)
		}
		present := *st
		present.seen |= 1 << f.num
		return encode(e, m, &present)
	}
	return f
}

// byHand is always for messages built by hand; in one that was read, the file decides.
func (f field[M]) byHand(want func(m *M) bool) field[M] {
	read, built := f.encode, f.always(want).encode
	f.encode = func(e *encoder, m *M, st *wireState) error {
		if st.has(0) {
			return read(e, m, st)
		}
		return built(e, m, st)
	}
	return f
}

// then has something done after the field was read: the other members of a oneof go.
func (f field[M]) then(do func(m *M)) field[M] {
	decode := f.decode
	f.decode = func(d *decoder, m *M, st *wireState, raw rawField) error {
		if err := decode(d, m, st, raw); err != nil {
			return err
		}
		do(m)
		return nil
	}
	return f
}

// A codec is a number's form on the wire.
type codec[T any] struct {
	typ  protowire.Type
	size int // of the fixed sizes
	from func(uint64) T
	to   func(T) uint64
}

func varint[T ~int32 | ~int64 | ~uint64]() codec[T] {
	return codec[T]{protowire.VarintType, 0, func(u uint64) T { return T(u) }, func(v T) uint64 { return uint64(int64(v)) }}
}

var (
	float32Codec = codec[float32]{protowire.Fixed32Type, 4,
		func(u uint64) float32 { return math.Float32frombits(uint32(u)) },
		func(v float32) uint64 { return uint64(math.Float32bits(v)) }}
	float64Codec = codec[float64]{protowire.Fixed64Type, 8, math.Float64frombits, math.Float64bits}
)

// number is an optional number.
func number[M, T any](num protowire.Number, name string, c codec[T], get func(*M) *T) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			if err := d.expect(f, c.typ); err != nil {
				return within(name, err)
			}
			*get(m) = c.from(f.number)
			return nil
		},
		func(e *encoder, m *M, st *wireState) error {
			// Compared by its bits: a float's negative zero is not its zero value.
			if u := c.to(*get(m)); u != 0 || st.has(num) {
				e.putNumber(c.typ, u)
				e.putTag(num, c.typ)
			}
			return nil
		},
	}
}

// integer is an optional varint.
func integer[M any, T ~int32 | ~int64 | ~uint64](num protowire.Number, name string, get func(*M) *T) field[M] {
	return number(num, name, varint[T](), get)
}

// numbers is a list of numbers, packed or not in the schema; both are read.
func numbers[M, T any](num protowire.Number, name string, c codec[T], packed bool, get func(*M) *[]T) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, st *wireState, f rawField) error {
			if (f.typ == protowire.BytesType) != packed {
				st.alt |= 1 << num
			}
			list := get(m)
			if f.typ == protowire.BytesType {
				return within(name, decodePacked(d, list, c, f))
			}
			err := d.expect(f, c.typ)
			if err == nil {
				err = allocateFor[T](d, f.lo)
			}
			*list = append(*list, c.from(f.number))
			return within(name, err)
		},
		func(e *encoder, m *M, st *wireState) error {
			list := *get(m)
			if packed != (st.alt>>uint(num)&1 != 0) {
				e.putPacked(num, len(list), c.typ, func(i int) uint64 { return c.to(list[i]) })
				return nil
			}
			for _, v := range slices.Backward(list) {
				e.putNumber(c.typ, c.to(v))
				e.putTag(num, c.typ)
			}
			return nil
		},
	}
}

func decodePacked[T any](d *decoder, list *[]T, c codec[T], f rawField) error {
	b := d.buf[f.lo:f.hi]
	var n int
	if c.typ == protowire.VarintType {
		var whole bool
		if n, whole = countVarints(b); !whole {
			return d.fail(f.hi, "truncated varint")
		}
	} else {
		if n = len(b) / c.size; n*c.size != len(b) {
			return d.fail(f.lo, "packed list of %d bytes, not a multiple of %d,", len(b), c.size)
		}
	}
	if err := d.allocate(f.lo, n*8); err != nil {
		return err
	}
	*list = slices.Grow(*list, n)
	for pos := 0; pos < len(b); {
		var u uint64
		var k int
		switch c.typ {
		case protowire.VarintType:
			if u, k = protowire.ConsumeVarint(b[pos:]); k < 0 {
				return d.fail(f.lo+pos, "%s varint", varintProblem(k))
			}
		case protowire.Fixed32Type:
			var u32 uint32
			u32, k = protowire.ConsumeFixed32(b[pos:])
			u = uint64(u32)
		default:
			u, k = protowire.ConsumeFixed64(b[pos:])
		}
		*list = append(*list, c.from(u))
		pos += k
	}
	return nil
}

// text is an optional string.
func text[M any](num protowire.Number, name string, get func(*M) *string) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			s, err := d.bytes(name, f)
			*get(m) = string(s)
			return err
		},
		func(e *encoder, m *M, st *wireState) error {
			if s := *get(m); s != "" || st.has(num) {
				e.putString(num, s)
			}
			return nil
		},
	}
}

// texts is a list of strings.
func texts[M any](num protowire.Number, name string, get func(*M) *[]string) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			s, err := d.bytes(name, f)
			if err == nil {
				*get(m) = append(*get(m), string(s))
			}
			return err
		},
		func(e *encoder, m *M, _ *wireState) error {
			for _, s := range slices.Backward(*get(m)) {
				e.putString(num, s)
			}
			return nil
		},
	}
}

// blob is optional bytes: present when not nil.
func blob[M any](num protowire.Number, name string, get func(*M) *[]byte) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			s, err := d.bytes(name, f)
			*get(m) = append(make([]byte, 0, len(s)), s...)
			return err
		},
		func(e *encoder, m *M, st *wireState) error {
			if b := *get(m); b != nil || st.has(num) {
				e.putBytes(num, b)
			}
			return nil
		},
	}
}

// blobs is a list of bytes.
func blobs[M any](num protowire.Number, name string, get func(*M) *[][]byte) field[M] {
	return field[M]{num, name,
		func(d *decoder, m *M, _ *wireState, f rawField) error {
			s, err := d.bytes(name, f)
			if err == nil {
				*get(m) = append(*get(m), append(make([]byte, 0, len(s)), s...))
			}
			return err
		},
		func(e *encoder, m *M, _ *wireState) error {
			for _, b := range slices.Backward(*get(m)) {
				e.putBytes(num, b)
			}
			return nil
		},
	}
}

// bytes is the payload of a string or bytes field, which the caller copies.
func (d *decoder) bytes(name string, f rawField) ([]byte, error) {
	err := d.expect(f, protowire.BytesType)
	if err == nil {
		err = d.allocate(f.lo, f.hi-f.lo+3*16)
	}
	if err != nil {
		return nil, within(name, err)
	}
	return d.buf[f.lo:f.hi], nil
}
