package onnx

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxDepth is how deeply messages may nest; protobuf's own readers stop at the same number.
const maxDepth = 100

// maxSize is the size of the largest message protobuf's own readers accept, in bytes.
const maxSize = 1<<31 - 1

// wireState is what a message remembers of the bytes it was read from, so that writing it gives the same bytes again.
// The zero value belongs to a message built by hand.
type wireState struct {
	seen    uint32 // bit n: field n was present; bit 0: the message was read at all
	alt     uint32 // bit n: the list in field n came in the packing that is not the schema's
	unknown []byte // fields not in the table, as they came
}

func (s *wireState) has(num protowire.Number) bool { return s.seen>>uint(num)&1 != 0 }

// rawField is one field as it stands in the buffer: a number for the fixed sizes and varints, a range for the rest.
type rawField struct {
	num    protowire.Number
	typ    protowire.Type
	number uint64
	lo, hi int // the field's payload
	next   int // where the next field begins
}

// nextField reads the field that begins at pos and ends before end. On an error inside the payload num is set.
func (d *decoder) nextField(pos, end int) (rawField, error) {
	var f rawField
	tag, n := protowire.ConsumeVarint(d.buf[pos:end])
	if n < 0 {
		return f, d.fail(pos, "%s tag", varintProblem(n))
	}
	num, typ := protowire.DecodeTag(tag)
	if num < protowire.MinValidNumber {
		return f, d.fail(pos, "invalid field number %d", tag>>3)
	}
	f.num, f.typ, f.lo = num, typ, pos+n
	b := d.buf[f.lo:end]
	switch f.typ {
	case protowire.VarintType:
		f.number, n = protowire.ConsumeVarint(b)
		if n < 0 {
			return f, d.fail(f.lo, "%s varint", varintProblem(n))
		}
	case protowire.Fixed32Type:
		var u uint32
		if u, n = protowire.ConsumeFixed32(b); n < 0 {
			return f, d.fail(f.lo, "truncated number of 4 bytes")
		}
		f.number = uint64(u)
	case protowire.Fixed64Type:
		if f.number, n = protowire.ConsumeFixed64(b); n < 0 {
			return f, d.fail(f.lo, "truncated number of 8 bytes")
		}
	case protowire.BytesType:
		size, m := protowire.ConsumeVarint(b)
		if m < 0 {
			return f, d.fail(f.lo, "%s length", varintProblem(m))
		}
		if size > uint64(len(b)-m) {
			return f, d.fail(f.lo, "length %d where %d bytes are left", size, len(b)-m)
		}
		f.lo += m
		n = int(size)
	case protowire.StartGroupType:
		if n = protowire.ConsumeFieldValue(f.num, f.typ, b); n < 0 {
			return f, d.fail(f.lo, "malformed group")
		}
	default:
		return f, d.fail(pos, "invalid wire type %d", f.typ)
	}
	f.hi = f.lo + n
	f.next = f.hi
	return f, nil
}

func varintProblem(n int) string {
	if errors.Is(protowire.ParseError(n), io.ErrUnexpectedEOF) {
		return "truncated"
	}
	return "overlong"
}

func (d *decoder) fail(pos int, format string, args ...any) error {
	return &FormatError{Problem: fmt.Sprintf(format, args...), Offset: int64(pos)}
}

var wireTypeNames = map[protowire.Type]string{
	protowire.VarintType: "varint", protowire.Fixed32Type: "4 bytes", protowire.Fixed64Type: "8 bytes",
	protowire.BytesType: "length-delimited", protowire.StartGroupType: "group",
}

// expect refuses a field of another wire type than want.
func (d *decoder) expect(f rawField, want protowire.Type) error {
	if f.typ != want {
		return d.fail(f.lo, "wire type %s, expected %s,", wireTypeNames[f.typ], wireTypeNames[want])
	}
	return nil
}
