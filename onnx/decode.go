package onnx

import (
	"fmt"
	"math/bits"
	"unsafe"
)

// Decode reads a model. RawData of its tensors are parts of b, which must not change while the model is in use; external
// data stay where they are (see [Model.LoadExternal]). The time is linear in len(b).
//
// The error is a *FormatError.
func Decode(b []byte, opts ...LoadOption) (*Model, error) {
	o := newLoadOptions(opts)
	m := new(Model)
	d := &decoder{buf: b, memoryLimit: o.memoryLimit}
	if err := decodeMessage(d, m, 0, len(b)); err != nil {
		return nil, explain(b, err)
	}
	m.memory = d.memory
	return m, nil
}

// DecodeTensor reads a TensorProto, such as an input_0.pb of a test-data folder.
func DecodeTensor(b []byte) (*Tensor, error) { return decodeOne[Tensor](b) }

// DecodeSequence reads a SequenceProto.
func DecodeSequence(b []byte) (*Sequence, error) { return decodeOne[Sequence](b) }

// DecodeMap reads a MapProto.
func DecodeMap(b []byte) (*Map, error) { return decodeOne[Map](b) }

// DecodeOptional reads an OptionalProto.
func DecodeOptional(b []byte) (*OptionalValue, error) { return decodeOne[OptionalValue](b) }

func decodeOne[M any, P message[M]](b []byte) (*M, error) {
	m := P(new(M))
	if err := decodeMessage(&decoder{buf: b}, m, 0, len(b)); err != nil {
		return nil, err
	}
	return m, nil
}

// decoder reads messages out of one buffer; all positions are offsets in it.
type decoder struct {
	buf         []byte
	depth       int
	owner       *mapping // of buf
	memoryLimit int64    // on what decoding allocates; 0 for none
	memory      int64    // allocated so far
}

// message is what the generic code asks of a message type: its table and its wire state. The call goes through the type
// parameter, which lets tables refer to each other in a circle.
type message[M any] interface {
	*M
	schema() (*table[M], *wireState)
}

// decodeMessage reads buf[pos:end] into m, adding to what m has already, as protobuf asks when a message comes in pieces.
func decodeMessage[M any, P message[M]](d *decoder, m P, pos, end int) error {
	if d.depth++; d.depth > maxDepth {
		return d.fail(pos, "more than %d messages inside each other", maxDepth)
	}
	defer func() { d.depth-- }()
	t, st := m.schema()
	st.seen |= 1
	for pos < end {
		f, err := d.nextField(pos, end)
		known := t.find(f.num)
		switch {
		case err != nil:
			if known != nil {
				err = within(known.name, err)
			}
		case known == nil:
			if err = d.allocate(pos, f.next-pos); err == nil {
				st.unknown = append(st.unknown, d.buf[pos:f.next]...)
			}
		default:
			if err = known.decode(d, m, st, f); err == nil {
				st.seen |= 1 << f.num
			}
		}
		if err != nil {
			nameAfterError(d, m, t, st, f.next, end)
			return err
		}
		pos = f.next
	}
	return nil
}

// nameAfterError looks for the fields that name m in the rest of it, so that the error can: a graph's name follows its
// nodes in the file.
func nameAfterError[M any](d *decoder, m *M, t *table[M], st *wireState, pos, end int) {
	for pos > 0 && pos < end && t.names&^st.seen != 0 {
		f, err := d.nextField(pos, end)
		if err != nil {
			return
		}
		if known := t.find(f.num); known != nil && t.names>>uint(f.num)&1 != 0 {
			if known.decode(d, m, st, f) != nil {
				return
			}
			st.seen |= 1 << f.num
		}
		pos = f.next
	}
}

// allocate counts n bytes about to be allocated, and refuses what goes over the limit.
func (d *decoder) allocate(pos, n int) error {
	if d.memory += int64(n); d.memoryLimit > 0 && d.memory > d.memoryLimit {
		return &FormatError{Problem: fmt.Sprintf("decoding takes more than the memory limit of %d bytes", d.memoryLimit),
			Offset: int64(pos), Err: ErrMemoryLimit}
	}
	return nil
}

// allocateFor counts one M, and its share of the list it is in.
func allocateFor[M any](d *decoder, pos int) error {
	var m M
	return d.allocate(pos, int(unsafe.Sizeof(m))+2*bits.UintSize/8)
}

// countVarints is the number of varints in b, which must end with the end of one.
func countVarints(b []byte) (n int, whole bool) {
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return n, len(b) == 0 || b[len(b)-1] < 0x80
}
