package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomTrees are trees of up to so many levels, whose comparisons are of the given
// modes with one of a few values.
func randomTrees(r *rand.Rand, count, depth, features, targets int, modes ...uint8) *Trees {
	t := &Trees{}
	var grow func(level int) int32
	grow = func(level int) int32 {
		at := int32(len(t.Nodes))
		t.Nodes = append(t.Nodes, TreeNode{})
		if level == depth || r.IntN(6) == 0 {
			n := TreeNode{Lo: int32(len(t.Weights))}
			for range r.IntN(3) {
				t.Weights = append(t.Weights, TreeWeight{Value: r.NormFloat64(), Target: int32(r.IntN(targets))})
			}
			n.Hi = int32(len(t.Weights))
			t.Nodes[at] = n
			return at
		}
		n := TreeNode{Mode: modes[r.IntN(len(modes))], Value: float64(r.IntN(9)-4) / 2, Feature: int32(r.IntN(features)), MissingTrue: r.IntN(2) == 0, Members: []float64{0, 1}}
		n.False = grow(level + 1)
		n.True = grow(level + 1)
		t.Nodes[at] = n
		return at
	}
	for range count {
		t.Roots = append(t.Roots, grow(0))
	}
	return t
}

// A forest gives the very bits that its trees give.
func TestForestsAreTheirTrees(t *testing.T) {
	r := seeded()
	const features, targets = 5, 3
	order := []uint8{TreeLEQ, TreeLT, TreeGTE, TreeGT}
	for _, c := range []struct {
		name  string
		trees *Trees
		fast  bool
	}{
		{"as sklearn writes", randomTrees(r, 21, 9, features, targets, TreeLEQ), true},
		{"all orders", randomTrees(r, 30, 7, features, targets, order...), true},
		{"leaves only", randomTrees(r, 9, 0, features, targets, TreeLEQ), true},
		{"none", &Trees{}, false},
		{"equality", randomTrees(r, 9, 6, features, targets, append(order, TreeEQ)...), false},
		{"sets", randomTrees(r, 9, 6, features, targets, TreeMember, TreeNEQ), false},
	} {
		f := NewForest(c.trees)
		require.Equal(t, c.fast, f.nodes != nil, c.name)
		for _, rows := range []int{0, 1, 7, 8, 29, forestRows + 3} {
			x := make([]float64, rows*features)
			for i := range x {
				x[i] = []float64{float64(r.IntN(9)-4) / 2, r.NormFloat64(), math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64}[min(r.IntN(30), 5)]
				if r.IntN(40) == 0 {
					x[i] = math.NaN()
				}
			}
			for _, aggregate := range []int{TreeAverage, TreeSum, TreeMin, TreeMax} {
				want, got := make([]float64, rows*targets), make([]float64, rows*targets)
				for i := range rows {
					c.trees.Predict(want[i*targets:(i+1)*targets], make([]bool, targets), x[i*features:(i+1)*features], aggregate)
				}
				f.PredictRows(got, x, features, targets, aggregate)
				same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b }
				require.True(t, slices.EqualFunc(want, got, same), "%s: %d rows, aggregate %d", c.name, rows, aggregate)
			}
		}
	}
}

func TestForestsKeepWhatNoOrderSays(t *testing.T) {
	leaves := []TreeNode{{Mode: TreeLEQ, True: 1, False: 2}, {Lo: 0, Hi: 1}, {Lo: 1, Hi: 2}}
	weights := []TreeWeight{{Value: 1}, {Value: 2}}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0} {
		for _, mode := range []uint8{TreeLEQ, TreeLT, TreeGT, TreeGTE} {
			nodes := slices.Clone(leaves)
			nodes[0].Value, nodes[0].Mode = v, mode
			trees := &Trees{Nodes: nodes, Weights: weights, Roots: []int32{0}}
			for _, x := range []float64{math.Inf(-1), -1, 0, 1, math.Inf(1), math.NaN()} {
				want, got := make([]float64, 1), make([]float64, 1)
				trees.Predict(want, make([]bool, 1), []float64{x}, TreeSum)
				NewForest(trees).PredictRows(got, []float64{x}, 1, 1, TreeSum)
				require.Equal(t, want, got, "%v, mode %d, %v", x, mode, v)
			}
		}
	}
	shared := &Trees{Nodes: []TreeNode{{Mode: TreeLEQ, True: 1, False: 1}, {Lo: 0, Hi: 1}}, Weights: weights, Roots: []int32{0}}
	require.Nil(t, NewForest(shared).nodes)
	constant := &Trees{Nodes: []TreeNode{{Lo: 0, Hi: 1}}, Weights: weights, Roots: []int32{0}}
	got := make([]float64, 9)
	NewForest(constant).PredictRows(got, nil, 0, 1, TreeSum) // rows without columns
	require.Equal(t, slices.Repeat([]float64{1}, 9), got)
}
