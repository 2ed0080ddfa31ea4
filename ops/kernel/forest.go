package kernel

import (
	"math"
	"unsafe"
)

// A Forest is [Trees] laid out for speed: where all comparisons are of order, a node is
// a quarter as large, and rows, or trees of a single row, are followed several at a
// time, without a jump that depends on them.
type Forest struct {
	*Trees
	nodes []forestNode // nil where only the trees themselves will do
	roots []int32
	held  [][2]int32 // the weights [lo, hi) of a leaf, by its node
}

// A forestNode leads to node next if the feature is at most value, to the one after it
// otherwise. A leaf leads to itself.
type forestNode struct {
	value   float64
	feature int32
	next    int32
}

// forestLanes is how many ways down are followed at a time: as many as hide each
// other's latency.
const forestLanes = 8

// forestRows is how many rows pass by a tree at a time: they should stay near.
const forestRows = 512

// NewForest lays out trees.
func NewForest(t *Trees) *Forest {
	f := &Forest{Trees: t}
	if !f.layOut() {
		f.nodes, f.roots, f.held = nil, nil, nil
	}
	return f
}

// layOut reports whether there are nodes for all trees.
func (f *Forest) layOut() bool {
	seen := make([]bool, len(f.Nodes))
	type place struct{ from, to int32 }
	var open []place
	for _, root := range f.Roots {
		f.roots = append(f.roots, f.room(1))
		open = append(open[:0], place{root, f.roots[len(f.roots)-1]})
		for len(open) > 0 {
			p := open[len(open)-1]
			open = open[:len(open)-1]
			if seen[p.from] {
				return false // two ways lead there: it would be laid out again and again
			}
			seen[p.from] = true
			n := &f.Nodes[p.from]
			to := &f.nodes[p.to]
			if n.Mode == TreeLeaf {
				to.value, to.next = math.Inf(1), p.to
				f.held[p.to] = [2]int32{n.Lo, n.Hi}
				continue
			}
			value, first, second, ok := n.order()
			if !ok {
				return false
			}
			next := f.room(2)
			f.nodes[p.to] = forestNode{value, n.Feature, next}
			open = append(open, place{second, next + 1}, place{first, next})
		}
	}
	return true
}

// room adds n nodes and returns the first.
func (f *Forest) room(n int) int32 {
	at := len(f.nodes)
	f.nodes, f.held = append(f.nodes, make([]forestNode, n)...), append(f.held, make([][2]int32, n)...)
	return int32(at)
}

// order is the comparison as one of feature <= value, with the nodes that come next if
// it is true and if not. For what isn't NaN, < is <= of the number before.
func (n *TreeNode) order() (value float64, yes, no int32, ok bool) {
	value, yes, no = n.Value, n.True, n.False
	if n.Mode == TreeGT || n.Mode == TreeGTE {
		yes, no = no, yes
	}
	switch n.Mode {
	case TreeLEQ, TreeGT:
	case TreeLT, TreeGTE:
		value = math.Nextafter(value, math.Inf(-1))
	default:
		return 0, 0, 0, false
	}
	return value, yes, no, !math.IsNaN(n.Value) && !math.IsInf(n.Value, 0)
}

// PredictRows is [Trees.Predict] of each row of x (rows, columns), into scores (rows,
// targets). x has every feature that a node looks at.
func (f *Forest) PredictRows(scores, x []float64, columns, targets, aggregate int) {
	rows := len(scores) / targets
	var has []bool
	var room [forestRows]int
	for i := 0; i < rows; {
		plain := room[:0] // rows without NaN, some at a time
		for ; i < rows && len(plain) < forestRows; i++ {
			row := x[i*columns : (i+1)*columns]
			if f.nodes != nil && columns > 0 && aggregate <= TreeSum && !anyNaN(row) {
				plain = append(plain, i)
				continue
			}
			if has == nil {
				has = make([]bool, targets)
			}
			f.Predict(scores[i*targets:(i+1)*targets], has, row, aggregate)
		}
		f.sum(plain, scores, x, columns, targets)
		for _, r := range plain {
			for j := range targets {
				if aggregate == TreeAverage {
					scores[r*targets+j] /= float64(len(f.roots))
				}
			}
		}
	}
}

func anyNaN(x []float64) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// sum adds up the weights for some rows, in the order of the trees.
func (f *Forest) sum(rows []int, scores, x []float64, columns, targets int) {
	for _, r := range rows {
		clear(scores[r*targets : (r+1)*targets])
	}
	var at [forestLanes]int32
	var from [forestLanes]int
	if len(rows) < forestLanes { // lanes are trees
		for _, r := range rows {
			for t := 0; t < len(f.roots); t += forestLanes {
				n := min(forestLanes, len(f.roots)-t)
				for l := range at {
					at[l], from[l] = f.roots[t+min(l, n-1)], r*columns
				}
				f.descend(&at, &from, x)
				for _, leaf := range at[:n] {
					f.add(scores[r*targets:(r+1)*targets], leaf)
				}
			}
		}
		return
	}
	for _, root := range f.roots {
		for i := 0; i < len(rows); i += forestLanes {
			n := min(forestLanes, len(rows)-i)
			for l := range at {
				at[l], from[l] = root, rows[i+min(l, n-1)]*columns
			}
			f.descend(&at, &from, x)
			for l, leaf := range at[:n] {
				r := rows[i+l]
				f.add(scores[r*targets:(r+1)*targets], leaf)
			}
		}
	}
}

func (f *Forest) add(scores []float64, leaf int32) {
	held := f.held[leaf]
	for _, w := range f.Weights[held[0]:held[1]] {
		scores[w.Target] += w.Value
	}
}

// descend goes from nodes at to leaves, each with its row of x.
func (f *Forest) descend(at *[forestLanes]int32, from *[forestLanes]int, x []float64) {
	for l := 0; l < forestLanes; l += 4 {
		descend4((*[4]int32)(at[l:]), unsafe.SliceData(f.nodes), &x[from[l]], &x[from[l+1]], &x[from[l+2]], &x[from[l+3]])
	}
}

// descend4 is descend of four lanes whose features are at x0 to x3. Nodes lead to
// nodes, and have no feature that a row lacks.
func descend4(at *[4]int32, nodes *forestNode, x0, x1, x2, x3 *float64) {
	step := func(at int32, x *float64) int32 {
		n := (*forestNode)(unsafe.Add(unsafe.Pointer(nodes), int(at)*int(unsafe.Sizeof(*nodes))))
		over := int32(0)
		if *(*float64)(unsafe.Add(unsafe.Pointer(x), 8*int(n.feature))) > n.value {
			over = 1
		}
		return n.next + over
	}
	a0, a1, a2, a3 := at[0], at[1], at[2], at[3]
	for {
		b0, b1, b2, b3 := step(a0, x0), step(a1, x1), step(a2, x2), step(a3, x3)
		if (b0^a0)|(b1^a1)|(b2^a2)|(b3^a3) == 0 {
			break
		}
		a0, a1, a2, a3 = b0, b1, b2, b3
	}
	at[0], at[1], at[2], at[3] = a0, a1, a2, a3
}
