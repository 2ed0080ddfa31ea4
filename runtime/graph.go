package runtime

import (
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// graph is a graph whose names have become slots: positions in a frame of
// values. A slot is assigned once.
type graph struct {
	name     string
	slots    []string   // the name of each slot, for messages
	inputs   []int      // slots of the formal inputs
	outputs  []int      // slots of the outputs
	consts   []constant // initializers
	captures []int      // slots filled from the enclosing graph, see body; -1 where no longer read
	nodes    []*node
}

type constant struct {
	slot  int
	value *tensor.Tensor
}

// node is one operator of a graph, bound to its kernel.
type node struct {
	proto     *onnx.Node
	graph     string // for messages: the subgraph or function it came from
	index     int    // its position there
	id        uint64 // tells random nodes apart
	opset     int64
	version   ops.Version
	replaced  bool // a user's operator in the place of a standard one
	kernel    ops.Kernel
	in        []int   // slots, -1 where an input is left out
	out       []int   // slots, -1 where an output is left out
	captures  []int   // slots of this graph that the node's subgraphs read, -1 where no longer read
	bodies    []*body // the node's subgraphs
	signature string  // what merged compares; "" until it is asked for
	packed    int     // tells kernels that were prepacked from different constants apart; 0 otherwise
}

// fail wraps err with the node's place.
func (n *node) fail(err error) error {
	return &OpError{Graph: n.graph, Index: n.index, Node: n.proto.Name, OpType: n.proto.OpType, Domain: n.proto.Domain, Opset: n.opset, Err: err}
}

// is reports whether n is an operator of ONNX's own domain with that name.
func (n *node) is(opType string) bool {
	return n.proto.OpType == opType && !n.replaced && (n.proto.Domain == "" || n.proto.Domain == "ai.onnx")
}

// isOwn is is for an operator of the runtime's own.
func (n *node) isOwn(opType string) bool {
	return n.proto.OpType == opType && n.proto.Domain == ops.FusedDomain
}

// byElement reports whether n makes, of each element along the first axis of input 0
// and of other inputs that have nothing to do with that axis, the same element of its
// output; but for batch normalisations that train, and a sum that Conv takes in.
func (n *node) byElement() bool {
	switch {
	case n.is("Conv"), n.isOwn("Conv"), n.is("ConvTranspose"), n.is("BatchNormalization"), n.isOwn("BatchNormalization"), n.is("InstanceNormalization"), n.is("LRN"),
		n.is("MaxPool"), n.is("AveragePool"), n.is("GlobalAveragePool"),
		n.is("Relu"), n.is("Clip"), n.is("HardSwish"), n.is("HardSigmoid"), n.is("Sigmoid"), n.is("Tanh"), n.is("LeakyRelu"), n.is("Elu"), n.is("Gelu"), n.is("Mish"):
		return true
	}
	return false
}

// input is the slot of input i, -1 if it is left out.
func (n *node) input(i int) int {
	if i < len(n.in) {
		return n.in[i]
	}
	return -1
}

// only reports whether output 0 is the only one that the node names.
func (n *node) only() bool {
	for _, s := range n.out[1:] {
		if s >= 0 {
			return false
		}
	}
	return true
}

// newSlot adds a slot.
func (g *graph) newSlot(name string) int {
	g.slots = append(g.slots, name)
	return len(g.slots) - 1
}

// clone copies g so that its nodes' slots can be changed; kernels, subgraphs
// and constants are shared.
func (g *graph) clone() *graph {
	c := *g
	c.slots = slices.Clone(g.slots)
	c.inputs = slices.Clone(g.inputs)
	c.outputs = slices.Clone(g.outputs)
	c.captures = slices.Clone(g.captures)
	c.consts = slices.Clone(g.consts)
	c.nodes = make([]*node, len(g.nodes))
	for i, n := range g.nodes {
		c.nodes[i] = n.clone()
	}
	return &c
}

func (n *node) clone() *node {
	c := *n
	c.in = slices.Clone(n.in)
	c.out = slices.Clone(n.out)
	c.captures = slices.Clone(n.captures)
	return &c
}
