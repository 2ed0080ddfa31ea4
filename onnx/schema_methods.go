package onnx

// Each message hands the generic code its table and its wire state.

func (m *Model) schema() (*table[Model], *wireState)             { return &modelTable, &m.wire }
func (m *OpsetImport) schema() (*table[OpsetImport], *wireState) { return &opsetImportTable, &m.wire }
func (m *StringEntry) schema() (*table[StringEntry], *wireState) { return &stringEntryTable, &m.wire }
func (m *Function) schema() (*table[Function], *wireState)       { return &functionTable, &m.wire }
func (m *TrainingInfo) schema() (*table[TrainingInfo], *wireState) {
	return &trainingInfoTable, &m.wire
}
func (m *DeviceConfiguration) schema() (*table[DeviceConfiguration], *wireState) {
	return &deviceConfigurationTable, &m.wire
}
func (m *Graph) schema() (*table[Graph], *wireState)         { return &graphTable, &m.wire }
func (m *Node) schema() (*table[Node], *wireState)           { return &nodeTable, &m.wire }
func (m *Attribute) schema() (*table[Attribute], *wireState) { return &attributeTable, &m.wire }
func (m *ValueInfo) schema() (*table[ValueInfo], *wireState) { return &valueInfoTable, &m.wire }
func (m *TensorAnnotation) schema() (*table[TensorAnnotation], *wireState) {
	return &tensorAnnotationTable, &m.wire
}
func (m *NodeDeviceConfiguration) schema() (*table[NodeDeviceConfiguration], *wireState) {
	return &nodeDeviceConfigurationTable, &m.wire
}
func (m *ShardingSpec) schema() (*table[ShardingSpec], *wireState) {
	return &shardingSpecTable, &m.wire
}
func (m *IntIntListEntry) schema() (*table[IntIntListEntry], *wireState) {
	return &intIntListEntryTable, &m.wire
}
func (m *ShardedDim) schema() (*table[ShardedDim], *wireState) { return &shardedDimTable, &m.wire }
func (m *SimpleShardedDim) schema() (*table[SimpleShardedDim], *wireState) {
	return &simpleShardedDimTable, &m.wire
}
func (m *Tensor) schema() (*table[Tensor], *wireState)   { return &tensorTable, &m.wire }
func (m *Segment) schema() (*table[Segment], *wireState) { return &segmentTable, &m.wire }
func (m *SparseTensor) schema() (*table[SparseTensor], *wireState) {
	return &sparseTensorTable, &m.wire
}
func (m *Type) schema() (*table[Type], *wireState)                   { return &typeTable, &m.wire }
func (m *TensorType) schema() (*table[TensorType], *wireState)       { return &tensorTypeTable, &m.wire }
func (m *MapType) schema() (*table[MapType], *wireState)             { return &mapTypeTable, &m.wire }
func (m *OpaqueType) schema() (*table[OpaqueType], *wireState)       { return &opaqueTypeTable, &m.wire }
func (m *Shape) schema() (*table[Shape], *wireState)                 { return &shapeTable, &m.wire }
func (m *Dim) schema() (*table[Dim], *wireState)                     { return &dimTable, &m.wire }
func (m *Sequence) schema() (*table[Sequence], *wireState)           { return &sequenceTable, &m.wire }
func (m *Map) schema() (*table[Map], *wireState)                     { return &mapTable, &m.wire }
func (m *OptionalValue) schema() (*table[OptionalValue], *wireState) { return &optionalTable, &m.wire }
