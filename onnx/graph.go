package onnx

// Graph is a list of nodes in topological order, with its inputs, outputs and constants (GraphProto).
type Graph struct {
	Name                    string
	Nodes                   []*Node
	Initializers            []*Tensor
	SparseInitializers      []*SparseTensor
	Inputs                  []*ValueInfo
	Outputs                 []*ValueInfo
	ValueInfos              []*ValueInfo
	DocString               string
	QuantizationAnnotations []*TensorAnnotation
	Metadata                []StringEntry

	wire wireState
}

// Node is one use of an operator (NodeProto). An empty name among Inputs or Outputs stands for an optional one that is
// left out.
type Node struct {
	Inputs               []string
	Outputs              []string
	Name                 string
	OpType               string
	Domain               string
	Overload             string
	Attributes           []*Attribute
	DocString            string
	Metadata             []StringEntry
	DeviceConfigurations []*NodeDeviceConfiguration

	wire wireState
}

// Attribute returns the node's attribute of that name, or nil.
func (n *Node) Attribute(name string) *Attribute {
	for _, a := range n.Attributes {
		if a != nil && a.Name == name {
			return a
		}
	}
	return nil
}

// Initializer returns the graph's initializer of that name, or nil.
func (g *Graph) Initializer(name string) *Tensor {
	for _, t := range g.Initializers {
		if t != nil && t.Name == name {
			return t
		}
	}
	return nil
}

// ValueInfo is the name and type of a value (ValueInfoProto).
type ValueInfo struct {
	Name      string
	Type      *Type
	DocString string
	Metadata  []StringEntry

	wire wireState
}

// TensorAnnotation ties quantisation parameters to a tensor.
type TensorAnnotation struct {
	TensorName                string
	QuantParameterTensorNames []StringEntry

	wire wireState
}

// NodeDeviceConfiguration says how a node is spread over the devices of a DeviceConfiguration.
type NodeDeviceConfiguration struct {
	ConfigurationID string
	ShardingSpecs   []*ShardingSpec
	PipelineStage   int32

	wire wireState
}

// ShardingSpec says how one tensor is divided over devices.
type ShardingSpec struct {
	TensorName             string
	Devices                []int64
	IndexToDeviceGroupMaps []*IntIntListEntry
	ShardedDims            []*ShardedDim

	wire wireState
}

// IntIntListEntry is a key and its list of values.
type IntIntListEntry struct {
	Key    int64
	Values []int64

	wire wireState
}

// ShardedDim says how one axis is divided.
type ShardedDim struct {
	Axis            int64
	SimpleShardings []*SimpleShardedDim

	wire wireState
}

// SimpleShardedDim divides a dimension, given by value or by name, into equal shards.
type SimpleShardedDim struct {
	Dim       Dim // its Denotation is not written
	NumShards int64

	wire wireState
}
