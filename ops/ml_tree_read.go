package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// treeReader builds an ensemble from the lists of attributes that describe its
// nodes. It keeps the first error.
type treeReader struct {
	a   *Attrs
	t   *kernel.Trees
	err error
}

func (r *treeReader) fail(name, format string, args ...any) {
	r.a.Fail(name, format, args...)
	r.err = fmt.Errorf(format, args...)
}

// numbers is a list of FLOATS, or the tensor that may stand for it under the
// name with _as_tensor.
func (r *treeReader) numbers(name string, since int) []float64 {
	if since >= 3 {
		if t := r.a.Tensor(name + "_as_tensor"); t != nil {
			return tensorFloats(r.a, name+"_as_tensor", t)
		}
	}
	list := r.a.Floats(name)
	out := make([]float64, len(list))
	kernel.ConvertTo(out, list)
	return out
}

// tensorFloats is an attribute's tensor of floats.
func tensorFloats(a *Attrs, name string, t *tensor.Tensor) []float64 {
	if t == nil {
		return nil
	}
	out := make([]float64, t.Len())
	switch t.DType() {
	case tensor.Float32, tensor.Float64:
		convertNumbers(out, t)
	case tensor.Float16:
		half := make([]float32, t.Len())
		widen(half, t)
		kernel.ConvertTo(out, half)
	default:
		a.Fail(name, "has type %v, expected %v", t.DType(), floats)
	}
	return out
}

// length fails unless the list has n elements, or none where it may be
// absent.
func (r *treeReader) length(name string, have, n int, optional bool) {
	if have != n && !(optional && have == 0) && r.err == nil {
		r.fail(name, "has %d elements, expected %d", have, n)
	}
}

var treeModes = map[string]uint8{
	"LEAF": kernel.TreeLeaf, "BRANCH_LEQ": kernel.TreeLEQ, "BRANCH_LT": kernel.TreeLT, "BRANCH_GTE": kernel.TreeGTE,
	"BRANCH_GT": kernel.TreeGT, "BRANCH_EQ": kernel.TreeEQ, "BRANCH_NEQ": kernel.TreeNEQ,
}

type treePlace struct{ tree, node int64 }

// readTrees reads the lists of versions 1 and 3, where nodes are known by the
// ids of tree and node. prefix is "target" or "class".
func readTrees(a *Attrs, since int, prefix string, targets int) *kernel.Trees {
	r := &treeReader{a: a, t: &kernel.Trees{}}
	tree, node := a.Ints("nodes_treeids"), a.Ints("nodes_nodeids")
	feature, modes := a.Ints("nodes_featureids"), a.Strings("nodes_modes")
	yes, no := a.Ints("nodes_truenodeids"), a.Ints("nodes_falsenodeids")
	missing, values := a.Ints("nodes_missing_value_tracks_true"), r.numbers("nodes_values", since)
	r.numbers("nodes_hitrates", since)
	n := len(tree)
	r.length("nodes_nodeids", len(node), n, false)
	r.length("nodes_featureids", len(feature), n, false)
	r.length("nodes_modes", len(modes), n, false)
	r.length("nodes_truenodeids", len(yes), n, false)
	r.length("nodes_falsenodeids", len(no), n, false)
	r.length("nodes_values", len(values), n, false)
	r.length("nodes_missing_value_tracks_true", len(missing), n, true)
	if r.err != nil {
		return r.t
	}
	places := make(map[treePlace]int32, n)
	for i := range tree {
		at := treePlace{tree[i], node[i]}
		if _, twice := places[at]; twice {
			r.fail("nodes_nodeids", "tree %d has two nodes %d", at.tree, at.node)
			return r.t
		}
		places[at] = int32(i)
	}
	r.t.Nodes = make([]kernel.TreeNode, n)
	child := make([]bool, n)
	for i := range r.t.Nodes {
		mode, ok := treeModes[modes[i]]
		if !ok {
			r.fail("nodes_modes", "element %d is %q, which is no mode of a node", i, modes[i])
			return r.t
		}
		x := &r.t.Nodes[i]
		x.Mode, x.Value, x.MissingTrue = mode, values[i], len(missing) > 0 && missing[i] != 0
		if mode == kernel.TreeLeaf {
			continue
		}
		x.Feature = r.index("nodes_featureids", feature[i], 1<<31-1)
		var okYes, okNo bool
		x.True, okYes = places[treePlace{tree[i], yes[i]}]
		x.False, okNo = places[treePlace{tree[i], no[i]}]
		if !okYes || !okNo {
			r.fail("nodes_truenodeids", "node %d of tree %d leads to a node that does not exist", node[i], tree[i])
			return r.t
		}
		child[x.True], child[x.False] = true, true
	}
	r.roots(tree, child)
	r.weights(since, prefix, places, targets)
	r.checkCycles()
	return r.t
}

// roots finds the node of each tree that no other leads to.
func (r *treeReader) roots(tree []int64, child []bool) {
	seen := map[int64]bool{}
	for i := range tree {
		if !child[i] && !seen[tree[i]] {
			seen[tree[i]] = true
			r.t.Roots = append(r.t.Roots, int32(i))
		}
	}
	for _, id := range tree {
		if !seen[id] {
			r.fail("nodes_truenodeids", "tree %d has no root", id)
			return
		}
	}
}

// weights gathers the leaves' weights.
func (r *treeReader) weights(since int, prefix string, places map[treePlace]int32, targets int) {
	name := prefix + "_weights"
	tree, node, id := r.a.Ints(prefix+"_treeids"), r.a.Ints(prefix+"_nodeids"), r.a.Ints(prefix+"_ids")
	value := r.numbers(name, since)
	r.length(prefix+"_treeids", len(tree), len(value), false)
	r.length(prefix+"_nodeids", len(node), len(value), false)
	r.length(prefix+"_ids", len(id), len(value), false)
	if r.err != nil {
		return
	}
	of := make([][]kernel.TreeWeight, len(r.t.Nodes))
	for i := range value {
		at, ok := places[treePlace{tree[i], node[i]}]
		if !ok {
			r.fail(prefix+"_nodeids", "tree %d has no node %d", tree[i], node[i])
			return
		}
		if targets == 1 && prefix == "target" && len(of[at]) > 0 {
			continue // sklearn-onnx repeats the weight for each class of a decision path: ONNX Runtime takes one
		}
		of[at] = append(of[at], kernel.TreeWeight{Target: r.index(prefix+"_ids", id[i], targets), Value: value[i]})
	}
	for i := range of {
		x := &r.t.Nodes[i]
		x.Lo = int32(len(r.t.Weights))
		if x.Mode == kernel.TreeLeaf {
			r.t.Weights = append(r.t.Weights, of[i]...)
		}
		x.Hi = int32(len(r.t.Weights))
	}
}

// index checks that v is in [0, n).
func (r *treeReader) index(name string, v int64, n int) int32 {
	if v < 0 || v >= int64(n) {
		if r.err == nil {
			r.fail(name, "has %d, expected 0 to %d", v, n-1)
		}
		return 0
	}
	return int32(v)
}

// checkCycles fails if a node can be reached from itself.
func (r *treeReader) checkCycles() {
	const open, done = 1, 2
	state := make([]uint8, len(r.t.Nodes))
	var stack []int32
	for _, root := range r.t.Roots {
		stack = append(stack, root)
		for len(stack) > 0 && r.err == nil {
			at := stack[len(stack)-1]
			n := &r.t.Nodes[at]
			if state[at] != 0 || n.Mode == kernel.TreeLeaf {
				state[at] = done
				stack = stack[:len(stack)-1]
				continue
			}
			state[at] = open
			for _, next := range []int32{n.True, n.False} {
				switch state[next] {
				case open:
					r.fail("nodes_truenodeids", "node %d leads back to itself", next)
				case 0:
					stack = append(stack, next)
				}
			}
		}
	}
}

// readTreeEnsemble reads the lists of TreeEnsemble (version 5), where branches
// and leaves are apart and known by index.
func readTreeEnsemble(a *Attrs, targets int) *kernel.Trees {
	a.Require("nodes_splits", "nodes_featureids", "nodes_modes", "nodes_truenodeids", "nodes_falsenodeids",
		"nodes_trueleafs", "nodes_falseleafs", "leaf_targetids", "leaf_weights", "tree_roots")
	r := &treeReader{a: a, t: &kernel.Trees{}}
	splits := tensorFloats(a, "nodes_splits", a.Tensor("nodes_splits"))
	tensorFloats(a, "nodes_hitrates", a.Tensor("nodes_hitrates"))
	weights := tensorFloats(a, "leaf_weights", a.Tensor("leaf_weights"))
	members := tensorFloats(a, "membership_values", a.Tensor("membership_values"))
	feature, target, roots := a.Ints("nodes_featureids"), a.Ints("leaf_targetids"), a.Ints("tree_roots")
	yes, no := a.Ints("nodes_truenodeids"), a.Ints("nodes_falsenodeids")
	yesLeaf, noLeaf := a.Ints("nodes_trueleafs"), a.Ints("nodes_falseleafs")
	missing := a.Ints("nodes_missing_value_tracks_true")
	var modes []uint8
	if t := a.Tensor("nodes_modes"); t != nil {
		if t.DType() == tensor.Uint8 {
			modes = tensor.Of[uint8](t)
		} else {
			r.fail("nodes_modes", "has type %v, expected uint8", t.DType())
		}
	}
	n := len(feature)
	r.length("nodes_splits", len(splits), n, false)
	r.length("nodes_modes", len(modes), n, false)
	r.length("nodes_truenodeids", len(yes), n, false)
	r.length("nodes_falsenodeids", len(no), n, false)
	r.length("nodes_trueleafs", len(yesLeaf), n, false)
	r.length("nodes_falseleafs", len(noLeaf), n, false)
	r.length("leaf_targetids", len(target), len(weights), false)
	r.length("nodes_missing_value_tracks_true", len(missing), n, true)
	if r.err != nil {
		return r.t
	}
	next := func(name string, id, isLeaf int64) int32 {
		if isLeaf != 0 {
			return int32(n) + r.index(name, id, len(weights))
		}
		return r.index(name, id, n)
	}
	for i := range n {
		x := kernel.TreeNode{Mode: modes[i] + 1, Value: splits[i], MissingTrue: len(missing) > 0 && missing[i] != 0}
		x.Feature = r.index("nodes_featureids", feature[i], 1<<31-1)
		x.True, x.False = next("nodes_truenodeids", yes[i], yesLeaf[i]), next("nodes_falsenodeids", no[i], noLeaf[i])
		switch {
		case x.Mode > kernel.TreeMember:
			r.fail("nodes_modes", "element %d is %d, expected 0 to 6", i, modes[i])
		case x.Mode == kernel.TreeMember: // its members run to the next NaN
			k := 0
			for k < len(members) && members[k] == members[k] {
				k++
			}
			x.Members, members = members[:k], members[min(k+1, len(members)):]
		}
		r.t.Nodes = append(r.t.Nodes, x)
	}
	for i, w := range weights {
		r.t.Nodes = append(r.t.Nodes, kernel.TreeNode{Lo: int32(i), Hi: int32(i + 1)})
		r.t.Weights = append(r.t.Weights, kernel.TreeWeight{Target: r.index("leaf_targetids", target[i], targets), Value: w})
	}
	for _, root := range roots { // a node both of whose ways are one leaf is a tree of that leaf
		r.t.Roots = append(r.t.Roots, r.index("tree_roots", root, n))
	}
	r.checkCycles()
	return r.t
}
