package runtime

import (
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
)

// blockDomain is the domain of images in blocks of channels. How many channels a block
// has isn't in the file, and not all weights show it: what one of them shows holds for
// all.
const blockDomain = "com.microsoft.nchwc"

func isBlocked(n *onnx.Node) bool { return n.Domain == blockDomain && n.OpType == "Conv" }

// channelBlock is how many channels a block of the model's weights has, 0 where none
// shows it.
func channelBlock(g *onnx.Graph) int {
	if !slices.ContainsFunc(g.Nodes, isBlocked) {
		return 0
	}
	dims := map[string][]int64{}
	for _, t := range g.Initializers {
		dims[t.Name] = t.Dims
	}
	block := 0
	for _, n := range g.Nodes {
		if isBlocked(n) && len(n.Inputs) > 1 {
			if b := ops.BlockOf(dims[n.Inputs[1]]); block == 0 || b == 8 {
				block = b
			}
		}
	}
	return block
}

// blocked is n, with what the model shows of its blocks.
func (b *binder) blocked(n *onnx.Node) *onnx.Node {
	if b.block == 0 || !isBlocked(n) {
		return n
	}
	told := *n
	told.Attributes = append(slices.Clone(n.Attributes), onnx.AttrInt(ops.BlockAttribute, int64(b.block)))
	return &told
}
