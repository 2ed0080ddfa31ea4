package onnx

import (
	"encoding/binary"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Encode writes the model as one block of bytes. Fields that are zero are left out unless they were present in the file
// the model came from; an attribute's value is written according to its Type.
//
// It fails, with a *FormatError, for a nil in a list, for messages nested too deeply (as in a graph that contains itself)
// and for a model of 2 GiB or more, which no reader of protobuf accepts: those need [WithExternalData] on saving.
func (m *Model) Encode() ([]byte, error) { return encodeOne(m) }

// EncodeTensor writes a TensorProto.
func EncodeTensor(t *Tensor) ([]byte, error) { return encodeOne(t) }

// EncodeSequence writes a SequenceProto.
func EncodeSequence(s *Sequence) ([]byte, error) { return encodeOne(s) }

// EncodeMap writes a MapProto.
func EncodeMap(m *Map) ([]byte, error) { return encodeOne(m) }

// EncodeOptional writes an OptionalProto.
func EncodeOptional(o *OptionalValue) ([]byte, error) { return encodeOne(o) }

func encodeOne[M any, P message[M]](m P) ([]byte, error) {
	e := new(encoder)
	if err := e.run(func() error { return encodeMessage(e, m) }); err != nil {
		return nil, err
	}
	return slices.Concat(e.segments()...), nil
}

// encodeMessage writes m, last field first.
func encodeMessage[M any, P message[M]](e *encoder, m P) error {
	if e.depth++; e.depth > maxDepth {
		return &FormatError{Problem: fmt.Sprintf("more than %d messages inside each other", maxDepth), Offset: -1}
	}
	defer func() { e.depth-- }()
	if t, ok := any(m).(*Tensor); ok && e.external != nil {
		if r := e.external[t]; r != nil {
			m = any(r).(P)
		}
	}
	t, st := m.schema()
	e.put(st.unknown)
	for i := len(t.fields) - 1; i >= 0; i-- {
		if err := t.fields[i].encode(e, m, st); err != nil {
			return err
		}
	}
	return nil
}

// encoder writes from the end to the beginning: when a message's length has to be written, the message is already there.
// What it writes is a list of segments, last first; large blobs become segments of their own and are never copied.
type encoder struct {
	block    []byte // what is free of the current block, and behind it, up to end, what is written
	free     int
	size     int64 // of everything written
	depth    int
	done     [][]byte            // finished segments, last first
	external map[*Tensor]*Tensor // tensors to write in another's place
}

const (
	firstBlock = 4 << 10
	laterBlock = 256 << 10
	largeBlob  = 16 << 10
)

// run does the writing and judges its result.
func (e *encoder) run(write func() error) error {
	if err := write(); err != nil {
		return err
	}
	if e.size > maxSize {
		return &FormatError{Offset: -1,
			Problem: fmt.Sprintf("takes %d bytes, protobuf's readers accept at most %d: use external data", e.size, maxSize)}
	}
	return nil
}

// segments is everything written, in order.
func (e *encoder) segments() [][]byte {
	e.flush()
	s := slices.Clone(e.done)
	slices.Reverse(s)
	return s
}

func (e *encoder) flush() {
	if e.free < len(e.block) {
		e.done = append(e.done, e.block[e.free:])
		e.block = e.block[:e.free]
	}
}

// put writes b before what is written.
func (e *encoder) put(b []byte) {
	if len(b) >= largeBlob {
		e.flush()
		e.done = append(e.done, b)
		e.size += int64(len(b))
		return
	}
	copy(e.room(len(b)), b)
}

// room is space for n bytes before what is written.
func (e *encoder) room(n int) []byte {
	if e.free < n {
		e.flush()
		size := laterBlock
		if e.size == 0 {
			size = firstBlock
		}
		e.block = make([]byte, max(n, size))
		e.free = len(e.block)
	}
	e.free -= n
	e.size += int64(n)
	return e.block[e.free : e.free+n]
}

func (e *encoder) putVarint(u uint64) {
	protowire.AppendVarint(e.room(protowire.SizeVarint(u))[:0], u)
}

func (e *encoder) putTag(num protowire.Number, typ protowire.Type) {
	e.putVarint(protowire.EncodeTag(num, typ))
}

func (e *encoder) putNumber(typ protowire.Type, u uint64) {
	switch typ {
	case protowire.Fixed32Type:
		binary.LittleEndian.PutUint32(e.room(4), uint32(u))
	case protowire.Fixed64Type:
		binary.LittleEndian.PutUint64(e.room(8), u)
	default:
		e.putVarint(u)
	}
}

// putPacked writes a packed list of n numbers; nothing if it is empty.
func (e *encoder) putPacked(num protowire.Number, n int, typ protowire.Type, at func(i int) uint64) {
	if n == 0 {
		return
	}
	end := e.size
	for i := n - 1; i >= 0; i-- {
		e.putNumber(typ, at(i))
	}
	e.putVarint(uint64(e.size - end))
	e.putTag(num, protowire.BytesType)
}

func (e *encoder) putBytes(num protowire.Number, b []byte) {
	e.put(b)
	e.putVarint(uint64(len(b)))
	e.putTag(num, protowire.BytesType)
}

func (e *encoder) putString(num protowire.Number, s string) {
	copy(e.room(len(s)), s)
	e.putVarint(uint64(len(s)))
	e.putTag(num, protowire.BytesType)
}
