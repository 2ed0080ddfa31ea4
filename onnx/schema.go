package onnx

// The tables below are onnx-ml.proto's messages, a row per field: number, name, where it is in the struct. Reading and
// writing both go by them. Lists of numbers say whether the schema packs them.

var modelTable = newTable(
	integer(1, "ir_version", func(m *Model) *int64 { return &m.IRVersion }).byHand(func(*Model) bool { return true }),
	text(2, "producer_name", func(m *Model) *string { return &m.ProducerName }),
	text(3, "producer_version", func(m *Model) *string { return &m.ProducerVersion }),
	text(4, "domain", func(m *Model) *string { return &m.Domain }),
	integer(5, "model_version", func(m *Model) *int64 { return &m.ModelVersion }),
	text(6, "doc_string", func(m *Model) *string { return &m.DocString }),
	one(7, "graph", func(m *Model) **Graph { return &m.Graph }),
	items(8, "opset_import", func(m *Model) *[]OpsetImport { return &m.OpsetImports }),
	items(14, "metadata_props", func(m *Model) *[]StringEntry { return &m.Metadata }),
	many(20, "training_info", func(m *Model) *[]*TrainingInfo { return &m.TrainingInfo }),
	many(25, "function", func(m *Model) *[]*Function { return &m.Functions }),
	many(26, "configuration", func(m *Model) *[]*DeviceConfiguration { return &m.Configuration }),
)

var opsetImportTable = newTable(
	text(1, "domain", func(m *OpsetImport) *string { return &m.Domain }).byHand(func(*OpsetImport) bool { return true }),
	integer(2, "version", func(m *OpsetImport) *int64 { return &m.Version }).byHand(func(*OpsetImport) bool { return true }),
)

var stringEntryTable = newTable(
	text(1, "key", func(m *StringEntry) *string { return &m.Key }),
	text(2, "value", func(m *StringEntry) *string { return &m.Value }),
)

var functionTable = newTable(
	text(1, "name", func(m *Function) *string { return &m.Name }),
	texts(4, "input", func(m *Function) *[]string { return &m.Inputs }),
	texts(5, "output", func(m *Function) *[]string { return &m.Outputs }),
	texts(6, "attribute", func(m *Function) *[]string { return &m.Attributes }),
	many(7, "node", func(m *Function) *[]*Node { return &m.Nodes }),
	text(8, "doc_string", func(m *Function) *string { return &m.DocString }),
	items(9, "opset_import", func(m *Function) *[]OpsetImport { return &m.OpsetImports }),
	text(10, "domain", func(m *Function) *string { return &m.Domain }),
	many(11, "attribute_proto", func(m *Function) *[]*Attribute { return &m.AttributeProtos }),
	many(12, "value_info", func(m *Function) *[]*ValueInfo { return &m.ValueInfos }),
	text(13, "overload", func(m *Function) *string { return &m.Overload }),
	items(14, "metadata_props", func(m *Function) *[]StringEntry { return &m.Metadata }),
).named(1)

var trainingInfoTable = newTable(
	one(1, "initialization", func(m *TrainingInfo) **Graph { return &m.Initialization }),
	one(2, "algorithm", func(m *TrainingInfo) **Graph { return &m.Algorithm }),
	items(3, "initialization_binding", func(m *TrainingInfo) *[]StringEntry { return &m.InitializationBinding }),
	items(4, "update_binding", func(m *TrainingInfo) *[]StringEntry { return &m.UpdateBinding }),
)

var deviceConfigurationTable = newTable(
	text(1, "name", func(m *DeviceConfiguration) *string { return &m.Name }),
	integer(2, "num_devices", func(m *DeviceConfiguration) *int32 { return &m.NumDevices }),
	texts(3, "device", func(m *DeviceConfiguration) *[]string { return &m.Devices }),
)

var graphTable = newTable(
	many(1, "node", func(m *Graph) *[]*Node { return &m.Nodes }),
	text(2, "name", func(m *Graph) *string { return &m.Name }),
	many(5, "initializer", func(m *Graph) *[]*Tensor { return &m.Initializers }),
	text(10, "doc_string", func(m *Graph) *string { return &m.DocString }),
	many(11, "input", func(m *Graph) *[]*ValueInfo { return &m.Inputs }),
	many(12, "output", func(m *Graph) *[]*ValueInfo { return &m.Outputs }),
	many(13, "value_info", func(m *Graph) *[]*ValueInfo { return &m.ValueInfos }),
	many(14, "quantization_annotation", func(m *Graph) *[]*TensorAnnotation { return &m.QuantizationAnnotations }),
	many(15, "sparse_initializer", func(m *Graph) *[]*SparseTensor { return &m.SparseInitializers }),
	items(16, "metadata_props", func(m *Graph) *[]StringEntry { return &m.Metadata }),
).named(2)

var nodeTable = newTable(
	texts(1, "input", func(m *Node) *[]string { return &m.Inputs }),
	texts(2, "output", func(m *Node) *[]string { return &m.Outputs }),
	text(3, "name", func(m *Node) *string { return &m.Name }),
	text(4, "op_type", func(m *Node) *string { return &m.OpType }),
	many(5, "attribute", func(m *Node) *[]*Attribute { return &m.Attributes }),
	text(6, "doc_string", func(m *Node) *string { return &m.DocString }),
	text(7, "domain", func(m *Node) *string { return &m.Domain }),
	text(8, "overload", func(m *Node) *string { return &m.Overload }),
	items(9, "metadata_props", func(m *Node) *[]StringEntry { return &m.Metadata }),
	many(10, "device_configuration", func(m *Node) *[]*NodeDeviceConfiguration { return &m.DeviceConfigurations }),
).named(3, 4, 7)

var attributeTable = newTable(
	text(1, "name", func(m *Attribute) *string { return &m.Name }),
	number(2, "f", float32Codec, func(m *Attribute) *float32 { return &m.F }).byHand(hasValue(AttributeFloat)),
	integer(3, "i", func(m *Attribute) *int64 { return &m.I }).byHand(hasValue(AttributeInt)),
	blob(4, "s", func(m *Attribute) *[]byte { return &m.S }).byHand(hasValue(AttributeString)),
	one(5, "tensor", func(m *Attribute) **Tensor { return &m.T }),
	one(6, "graph", func(m *Attribute) **Graph { return &m.G }),
	numbers(7, "floats", float32Codec, false, func(m *Attribute) *[]float32 { return &m.Floats }),
	numbers(8, "ints", varint[int64](), false, func(m *Attribute) *[]int64 { return &m.Ints }),
	blobs(9, "strings", func(m *Attribute) *[][]byte { return &m.Strings }),
	many(10, "tensor", func(m *Attribute) *[]*Tensor { return &m.Tensors }),
	many(11, "graph", func(m *Attribute) *[]*Graph { return &m.Graphs }),
	text(13, "doc_string", func(m *Attribute) *string { return &m.DocString }),
	one(14, "type_proto", func(m *Attribute) **Type { return &m.TypeProto }),
	many(15, "type_proto", func(m *Attribute) *[]*Type { return &m.TypeProtos }),
	integer(20, "type", func(m *Attribute) *AttributeType { return &m.Type }),
	text(21, "ref_attr_name", func(m *Attribute) *string { return &m.RefAttrName }),
	one(22, "sparse_tensor", func(m *Attribute) **SparseTensor { return &m.SparseTensor }),
	many(23, "sparse_tensor", func(m *Attribute) *[]*SparseTensor { return &m.SparseTensors }),
).named(1)

// hasValue says of an attribute of type t that it holds its value itself.
func hasValue(t AttributeType) func(m *Attribute) bool {
	return func(m *Attribute) bool { return m.Type == t && m.RefAttrName == "" }
}

var valueInfoTable = newTable(
	text(1, "name", func(m *ValueInfo) *string { return &m.Name }),
	one(2, "type", func(m *ValueInfo) **Type { return &m.Type }),
	text(3, "doc_string", func(m *ValueInfo) *string { return &m.DocString }),
	items(4, "metadata_props", func(m *ValueInfo) *[]StringEntry { return &m.Metadata }),
).named(1)

var tensorAnnotationTable = newTable(
	text(1, "tensor_name", func(m *TensorAnnotation) *string { return &m.TensorName }),
	items(2, "quant_parameter_tensor_name", func(m *TensorAnnotation) *[]StringEntry { return &m.QuantParameterTensorNames }),
)

var nodeDeviceConfigurationTable = newTable(
	text(1, "configuration_id", func(m *NodeDeviceConfiguration) *string { return &m.ConfigurationID }),
	many(2, "sharding_spec", func(m *NodeDeviceConfiguration) *[]*ShardingSpec { return &m.ShardingSpecs }),
	integer(3, "pipeline_stage", func(m *NodeDeviceConfiguration) *int32 { return &m.PipelineStage }),
)

var shardingSpecTable = newTable(
	text(1, "tensor_name", func(m *ShardingSpec) *string { return &m.TensorName }),
	numbers(2, "device", varint[int64](), false, func(m *ShardingSpec) *[]int64 { return &m.Devices }),
	many(3, "index_to_device_group_map", func(m *ShardingSpec) *[]*IntIntListEntry { return &m.IndexToDeviceGroupMaps }),
	many(4, "sharded_dim", func(m *ShardingSpec) *[]*ShardedDim { return &m.ShardedDims }),
)

var intIntListEntryTable = newTable(
	integer(1, "key", func(m *IntIntListEntry) *int64 { return &m.Key }),
	numbers(2, "value", varint[int64](), false, func(m *IntIntListEntry) *[]int64 { return &m.Values }),
)

var shardedDimTable = newTable(
	integer(1, "axis", func(m *ShardedDim) *int64 { return &m.Axis }),
	many(2, "simple_sharding", func(m *ShardedDim) *[]*SimpleShardedDim { return &m.SimpleShardings }),
)

var simpleShardedDimTable = newTable(
	dimValue(func(m *SimpleShardedDim) *Dim { return &m.Dim }),
	dimParam(func(m *SimpleShardedDim) *Dim { return &m.Dim }),
	integer(3, "num_shards", func(m *SimpleShardedDim) *int64 { return &m.NumShards }),
)
