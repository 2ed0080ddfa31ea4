package onnx

import "google.golang.org/protobuf/encoding/protowire"

var tensorTable = newTable(
	numbers(1, "dims", varint[int64](), false, func(m *Tensor) *[]int64 { return &m.Dims }),
	integer(2, "data_type", func(m *Tensor) *DataType { return &m.DataType }).byHand(func(*Tensor) bool { return true }),
	one(3, "segment", func(m *Tensor) **Segment { return &m.Segment }),
	numbers(4, "float_data", float32Codec, true, func(m *Tensor) *[]float32 { return &m.FloatData }),
	numbers(5, "int32_data", varint[int32](), true, func(m *Tensor) *[]int32 { return &m.Int32Data }),
	blobs(6, "string_data", func(m *Tensor) *[][]byte { return &m.StringData }),
	numbers(7, "int64_data", varint[int64](), true, func(m *Tensor) *[]int64 { return &m.Int64Data }),
	text(8, "name", func(m *Tensor) *string { return &m.Name }),
	rawData(9, "raw_data"),
	numbers(10, "double_data", float64Codec, true, func(m *Tensor) *[]float64 { return &m.DoubleData }),
	numbers(11, "uint64_data", varint[uint64](), true, func(m *Tensor) *[]uint64 { return &m.Uint64Data }),
	text(12, "doc_string", func(m *Tensor) *string { return &m.DocString }),
	items(13, "external_data", func(m *Tensor) *[]StringEntry { return &m.External }),
	integer(14, "data_location", func(m *Tensor) *DataLocation { return &m.DataLocation }),
	items(16, "metadata_props", func(m *Tensor) *[]StringEntry { return &m.Metadata }),
).named(8)

// rawData is Tensor.RawData, which stays a part of the buffer. It is present when not nil.
func rawData(num protowire.Number, name string) field[Tensor] {
	return field[Tensor]{num, name,
		func(d *decoder, m *Tensor, _ *wireState, f rawField) error {
			if err := d.expect(f, protowire.BytesType); err != nil {
				return within(name, err)
			}
			m.RawData, m.owner = d.buf[f.lo:f.hi:f.hi], d.owner
			return nil
		},
		func(e *encoder, m *Tensor, _ *wireState) error {
			if m.RawData != nil {
				e.putBytes(num, m.RawData)
			}
			return nil
		},
	}
}

var segmentTable = newTable(
	integer(1, "begin", func(m *Segment) *int64 { return &m.Begin }),
	integer(2, "end", func(m *Segment) *int64 { return &m.End }),
)

var sparseTensorTable = newTable(
	one(1, "values", func(m *SparseTensor) **Tensor { return &m.Values }),
	one(2, "indices", func(m *SparseTensor) **Tensor { return &m.Indices }),
	numbers(3, "dims", varint[int64](), false, func(m *SparseTensor) *[]int64 { return &m.Dims }),
)

// The members of TypeProto's oneof: reading one drops the others.
var typeTable = newTable(
	one(1, "tensor_type", func(m *Type) **TensorType { return &m.Tensor }).then(func(m *Type) { m.keep(Type{Tensor: m.Tensor}) }),
	elemType(4, "sequence_type", func(m *Type) (**Type, *wireState) { return &m.Sequence, &m.sequenceWire }).
		then(func(m *Type) { m.keep(Type{Sequence: m.Sequence, sequenceWire: m.sequenceWire}) }),
	one(5, "map_type", func(m *Type) **MapType { return &m.Map }).then(func(m *Type) { m.keep(Type{Map: m.Map}) }),
	text(6, "denotation", func(m *Type) *string { return &m.Denotation }),
	one(7, "opaque_type", func(m *Type) **OpaqueType { return &m.Opaque }).then(func(m *Type) { m.keep(Type{Opaque: m.Opaque}) }),
	one(8, "sparse_tensor_type", func(m *Type) **TensorType { return &m.SparseTensor }).
		then(func(m *Type) { m.keep(Type{SparseTensor: m.SparseTensor}) }),
	elemType(9, "optional_type", func(m *Type) (**Type, *wireState) { return &m.Optional, &m.optionalWire }).
		then(func(m *Type) { m.keep(Type{Optional: m.Optional, optionalWire: m.optionalWire}) }),
)

// keep replaces the oneof's members by those of other.
func (t *Type) keep(other Type) {
	other.Denotation, other.wire = t.Denotation, t.wire
	*t = other
}

// elem is the message around the element type of a sequence or optional type.
type elem struct {
	typ  *Type
	wire *wireState
}

func (m *elem) schema() (*table[elem], *wireState) { return &elemTable, m.wire }

var elemTable = newTable(one(1, "elem_type", func(m *elem) **Type { return &m.typ }))

// elemType is a Type inside its elem. An elem without a type is read as an empty Type.
func elemType(num protowire.Number, name string, get func(*Type) (**Type, *wireState)) field[Type] {
	return field[Type]{num, name,
		func(d *decoder, m *Type, _ *wireState, f rawField) error {
			typ, st := get(m)
			e := elem{*typ, st}
			err := decodePart(d, name, -1, &e, f)
			if e.typ == nil {
				e.typ = new(Type)
			}
			*typ = e.typ
			return err
		},
		func(e *encoder, m *Type, _ *wireState) error {
			typ, st := get(m)
			if *typ == nil {
				return nil
			}
			el := elem{*typ, st}
			if st.has(0) && !st.has(1) && (*typ).empty() {
				el.typ = nil
			}
			return encodePart(e, num, name, -1, &el)
		},
	}
}

func (t *Type) empty() bool {
	return t.Denotation == "" && t.Tensor == nil && t.Sequence == nil && t.Map == nil && t.Optional == nil &&
		t.SparseTensor == nil && t.Opaque == nil && !t.wire.has(0)
}

var tensorTypeTable = newTable(
	integer(1, "elem_type", func(m *TensorType) *DataType { return &m.ElemType }),
	one(2, "shape", func(m *TensorType) **Shape { return &m.Shape }),
)

var mapTypeTable = newTable(
	integer(1, "key_type", func(m *MapType) *DataType { return &m.KeyType }),
	one(2, "value_type", func(m *MapType) **Type { return &m.Value }),
)

var opaqueTypeTable = newTable(
	text(1, "domain", func(m *OpaqueType) *string { return &m.Domain }),
	text(2, "name", func(m *OpaqueType) *string { return &m.Name }),
)

var shapeTable = newTable(
	items(1, "dim", func(m *Shape) *[]Dim { return &m.Dims }),
)

var dimTable = newTable(
	dimValue(func(m *Dim) *Dim { return m }),
	dimParam(func(m *Dim) *Dim { return m }),
	text(3, "denotation", func(m *Dim) *string { return &m.Denotation }),
)

// dimValue and dimParam are a oneof: reading one drops the other.
func dimValue[M any](get func(*M) *Dim) field[M] {
	has := func(m *M) bool { return get(m).HasValue }
	return integer(1, "dim_value", func(m *M) *int64 { return &get(m).Value }).always(has).only(has).
		then(func(m *M) { get(m).HasValue, get(m).Param = true, "" })
}

func dimParam[M any](get func(*M) *Dim) field[M] {
	return text(2, "dim_param", func(m *M) *string { return &get(m).Param }).
		only(func(m *M) bool { return !get(m).HasValue }).
		then(func(m *M) { get(m).HasValue, get(m).Value = false, 0 })
}

var sequenceTable = newTable(
	text(1, "name", func(m *Sequence) *string { return &m.Name }),
	integer(2, "elem_type", func(m *Sequence) *ValueKind { return &m.ElemType }),
	many(3, "tensor", func(m *Sequence) *[]*Tensor { return &m.Tensors }),
	many(4, "sparse_tensor", func(m *Sequence) *[]*SparseTensor { return &m.SparseTensors }),
	many(5, "sequence", func(m *Sequence) *[]*Sequence { return &m.Sequences }),
	many(6, "map", func(m *Sequence) *[]*Map { return &m.Maps }),
	many(7, "optional", func(m *Sequence) *[]*OptionalValue { return &m.Optionals }),
)

var mapTable = newTable(
	text(1, "name", func(m *Map) *string { return &m.Name }),
	integer(2, "key_type", func(m *Map) *DataType { return &m.KeyType }),
	numbers(3, "keys", varint[int64](), false, func(m *Map) *[]int64 { return &m.Keys }),
	blobs(4, "string_keys", func(m *Map) *[][]byte { return &m.StringKeys }),
	one(5, "values", func(m *Map) **Sequence { return &m.Values }),
)

var optionalTable = newTable(
	text(1, "name", func(m *OptionalValue) *string { return &m.Name }),
	integer(2, "elem_type", func(m *OptionalValue) *ValueKind { return &m.ElemType }),
	one(3, "tensor", func(m *OptionalValue) **Tensor { return &m.Tensor }),
	one(4, "sparse_tensor", func(m *OptionalValue) **SparseTensor { return &m.SparseTensor }),
	one(5, "sequence", func(m *OptionalValue) **Sequence { return &m.Sequence }),
	one(6, "map", func(m *OptionalValue) **Map { return &m.Map }),
	one(7, "optional", func(m *OptionalValue) **OptionalValue { return &m.Optional }),
)
