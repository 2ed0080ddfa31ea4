package onnx

import "math"

// everything is the model of testdata/everything.onnx, built by hand: every field of every message once.
func everything() *Model {
	return &Model{
		IRVersion: 13, ProducerName: "p", ProducerVersion: "pv", Domain: "d", ModelVersion: -5, DocString: "doc",
		OpsetImports:  []OpsetImport{{Domain: "", Version: 17}, {Domain: "custom", Version: 300}},
		Metadata:      []StringEntry{{Key: "k", Value: "v"}},
		Configuration: []*DeviceConfiguration{{Name: "conf", NumDevices: 2, Devices: []string{"cpu", "gpu"}}},
		TrainingInfo: []*TrainingInfo{{
			Initialization: &Graph{Name: "init"}, Algorithm: &Graph{Name: "algo"},
			InitializationBinding: []StringEntry{{Key: "a", Value: "b"}},
			UpdateBinding:         []StringEntry{{Key: "c", Value: "d"}},
		}},
		Functions: []*Function{{
			Name: "f", Domain: "custom", Overload: "o", DocString: "fd",
			Inputs: []string{"x", "y"}, Outputs: []string{"z"}, Attributes: []string{"alpha"},
			AttributeProtos: []*Attribute{AttrFloat("beta", 0.5)},
			Nodes: []*Node{{OpType: "Add", Inputs: []string{"x", "y"}, Outputs: []string{"z"},
				Attributes: []*Attribute{AttrRef("q", AttributeInt, "alpha")}}},
			OpsetImports: []OpsetImport{{Domain: "", Version: 18}},
			ValueInfos:   []*ValueInfo{{Name: "z"}},
			Metadata:     []StringEntry{{Key: "fk", Value: "fv"}},
		}},
		Graph: &Graph{
			Name: "main", DocString: "gd",
			Nodes: []*Node{{
				Name: "n", OpType: "Op", Domain: "custom", Overload: "o", DocString: "nd",
				Inputs: []string{"x", ""}, Outputs: []string{"y"},
				Metadata:             []StringEntry{{Key: "nk", Value: "nv"}},
				DeviceConfigurations: []*NodeDeviceConfiguration{everythingDevices()},
				Attributes:           everythingAttributes(),
			}},
			Initializers:       everythingTensors(),
			SparseInitializers: []*SparseTensor{{Values: &Tensor{Name: "sparse", DataType: Float, Dims: []int64{0}}, Dims: []int64{4}}},
			Inputs: []*ValueInfo{{Name: "x", DocString: "vd", Type: &Type{Tensor: &TensorType{ElemType: Float}},
				Metadata: []StringEntry{{Key: "vk", Value: "vv"}}}},
			Outputs:    []*ValueInfo{{Name: "y"}},
			ValueInfos: []*ValueInfo{{Name: "between"}},
			QuantizationAnnotations: []*TensorAnnotation{{TensorName: "x",
				QuantParameterTensorNames: []StringEntry{{Key: "SCALE_TENSOR", Value: "float"}}}},
			Metadata: []StringEntry{{Key: "gk", Value: "gv"}},
		},
	}
}

func everythingDevices() *NodeDeviceConfiguration {
	return &NodeDeviceConfiguration{ConfigurationID: "conf", PipelineStage: 1, ShardingSpecs: []*ShardingSpec{{
		TensorName: "x", Devices: []int64{0, -1},
		IndexToDeviceGroupMaps: []*IntIntListEntry{{Key: -1, Values: []int64{0, 1}}},
		ShardedDims: []*ShardedDim{{Axis: 1, SimpleShardings: []*SimpleShardedDim{
			{Dim: DimValue(4), NumShards: 2}, {Dim: DimParam("N"), NumShards: 3}}}},
	}}}
}

func everythingAttributes() []*Attribute {
	zero := AttrFloat("f", 0)
	zero.DocString = "ad"
	tensorType := func(d DataType) *Type { return &Type{Tensor: &TensorType{ElemType: d}} }
	return []*Attribute{
		zero,
		AttrInt("i", -3),
		AttrString("s", "\x00\xff"),
		AttrTensor("t", &Tensor{Dims: []int64{1}, DataType: Float, RawData: []byte{1, 2, 3, 4}}),
		AttrGraph("g", &Graph{Name: "sub", Outputs: []*ValueInfo{{Name: "x"}}}),
		AttrFloats("fs", 1, float32(math.Copysign(0, -1)), 2.5),
		AttrInts("is", 1, -1, math.MaxInt64),
		AttrStrings("ss", "a", ""),
		{Name: "ts", Type: AttributeTensors, Tensors: []*Tensor{
			{DataType: Int64, Int64Data: []int64{1}}, {DataType: Int64, Dims: []int64{0}}}},
		{Name: "gs", Type: AttributeGraphs, Graphs: []*Graph{{Name: "a"}, {Name: "b"}}},
		{Name: "sp", Type: AttributeSparseTensor, SparseTensor: &SparseTensor{
			Values:  &Tensor{Name: "v", DataType: Float, Dims: []int64{1}, FloatData: []float32{2}},
			Indices: &Tensor{DataType: Int64, Dims: []int64{1}, Int64Data: []int64{3}},
			Dims:    []int64{2, 2}}},
		{Name: "sps", Type: AttributeSparseTensors, SparseTensors: []*SparseTensor{{Dims: []int64{7}}}},
		{Name: "tp", Type: AttributeTypeProto, TypeProto: &Type{Denotation: "den", Tensor: &TensorType{ElemType: Float,
			Shape: &Shape{Dims: []Dim{{HasValue: true, Denotation: "b"}, DimParam("n"), {}}}}}},
		{Name: "tps", Type: AttributeTypeProtos, TypeProtos: []*Type{
			{Sequence: tensorType(String)},
			{Map: &MapType{KeyType: Int64, Value: &Type{Tensor: &TensorType{ElemType: Double, Shape: &Shape{}}}}},
			{Optional: &Type{Sequence: tensorType(Bool)}},
			{SparseTensor: &TensorType{ElemType: Float, Shape: &Shape{Dims: []Dim{DimValue(-1)}}}},
			{Opaque: &OpaqueType{Domain: "od", Name: "on"}},
		}},
	}
}

func everythingTensors() []*Tensor {
	return []*Tensor{
		{Name: "float", DataType: Float, Dims: []int64{2}, FloatData: []float32{1.5, float32(math.Copysign(0, -1))},
			DocString: "td", Metadata: []StringEntry{{Key: "tk", Value: "tv"}}},
		{Name: "int32", DataType: Int32, Dims: []int64{3}, Int32Data: []int32{0, -1, 300}},
		{Name: "int64", DataType: Int64, Dims: []int64{2}, Int64Data: []int64{math.MinInt64, 128}},
		{Name: "string", DataType: String, Dims: []int64{2}, StringData: [][]byte{[]byte("one"), {}}},
		{Name: "double", DataType: Double, Dims: []int64{1}, DoubleData: []float64{1e300}},
		{Name: "uint64", DataType: Uint64, Dims: []int64{1}, Uint64Data: []uint64{math.MaxUint64}},
		{Name: "outside", DataType: Float, Dims: []int64{4}, DataLocation: LocationExternal,
			External: []StringEntry{{Key: "location", Value: "w.bin"}, {Key: "offset", Value: "4096"}, {Key: "length", Value: "16"}}},
		{Name: "part", DataType: Float, Segment: &Segment{Begin: 1, End: 200}},
	}
}
