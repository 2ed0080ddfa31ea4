package kernel

import "math"

// How a tree's node compares a feature with its value.
const (
	TreeLeaf   uint8 = iota // no comparison
	TreeLEQ                 // feature <= value
	TreeLT                  // feature < value
	TreeGTE                 // feature >= value
	TreeGT                  // feature > value
	TreeEQ                  // feature == value
	TreeNEQ                 // feature != value
	TreeMember              // feature is one of Members
)

// TreeNode is a node of a decision tree: a comparison with the nodes that come
// next, or a leaf with the weights [Lo, Hi).
type TreeNode struct {
	Value       float64
	Members     []float64
	Feature     int32
	True, False int32
	Lo, Hi      int32
	Mode        uint8
	MissingTrue bool // NaN counts as true
}

// TreeWeight is what a leaf adds to a target.
type TreeWeight struct {
	Value  float64
	Target int32
}

// Trees are decision trees: nodes without cycles, all features and targets in
// range.
type Trees struct {
	Nodes   []TreeNode
	Weights []TreeWeight
	Roots   []int32
}

// How the trees' weights for a target become one.
const (
	TreeAverage = iota
	TreeSum
	TreeMin
	TreeMax
)

// Predict folds the weights of the leaf that x reaches in each tree into
// scores, one per target, and notes in has which targets had any.
func (t *Trees) Predict(scores []float64, has []bool, x []float64, aggregate int) {
	clear(scores)
	clear(has)
	for _, root := range t.Roots {
		leaf := t.leaf(root, x)
		for _, w := range t.Weights[leaf.Lo:leaf.Hi] {
			switch {
			case aggregate == TreeMin && has[w.Target]:
				scores[w.Target] = min(scores[w.Target], w.Value)
			case aggregate == TreeMax && has[w.Target]:
				scores[w.Target] = max(scores[w.Target], w.Value)
			default:
				scores[w.Target] += w.Value
			}
			has[w.Target] = true
		}
	}
	if aggregate == TreeAverage {
		for i := range scores {
			scores[i] /= float64(len(t.Roots))
		}
	}
}

func (t *Trees) leaf(at int32, x []float64) *TreeNode {
	for {
		n := &t.Nodes[at]
		if n.Mode == TreeLeaf {
			return n
		}
		v := x[n.Feature]
		if n.test(v) || n.MissingTrue && math.IsNaN(v) {
			at = n.True
		} else {
			at = n.False
		}
	}
}

func (n *TreeNode) test(v float64) bool {
	switch n.Mode {
	case TreeLEQ:
		return v <= n.Value
	case TreeLT:
		return v < n.Value
	case TreeGTE:
		return v >= n.Value
	case TreeGT:
		return v > n.Value
	case TreeEQ:
		return v == n.Value
	case TreeNEQ:
		return v != n.Value
	}
	for _, m := range n.Members {
		if v == m {
			return true
		}
	}
	return false
}

// What becomes of a model's scores in the end.
const (
	PostNone = iota
	PostSoftmax
	PostLogistic
	PostSoftmaxZero
	PostProbit
)

// PostTransform is one of the transformations above, in place.
func PostTransform(scores []float64, post int) {
	switch post {
	case PostSoftmax, PostSoftmaxZero:
		softmaxScores(scores, post == PostSoftmaxZero)
	case PostLogistic:
		for i, v := range scores {
			scores[i] = Sigmoid1(v)
		}
	case PostProbit:
		for i, v := range scores {
			scores[i] = probit(v)
		}
	}
}

// softmaxScores is Softmax, which with keepZero leaves scores of 0 (nearly) at
// 0.
func softmaxScores(scores []float64, keepZero bool) {
	m := math.Inf(-1)
	for _, v := range scores {
		m = max(m, v)
	}
	sum := 0.0
	for i, v := range scores {
		if keepZero && math.Abs(v) <= 1e-7 {
			scores[i] = v * math.Exp(-m)
		} else {
			scores[i] = math.Exp(v - m)
		}
		sum += scores[i]
	}
	for i := range scores {
		if sum == 0 {
			scores[i] = 0.5
		} else {
			scores[i] /= sum
		}
	}
}

// probit is the quantile function of the standard normal, by Winitzki's
// approximation of erfinv, which ONNX Runtime uses too.
func probit(p float64) float64 {
	x := 2*p - 1
	q := (1 - x) * (1 + x)
	if q == 0 {
		return 0
	}
	const a = 0.147
	log := math.Log(q)
	v := 2/(math.Pi*a) + 0.5*log
	r := math.Sqrt(-v + math.Sqrt(v*v-log/a))
	if x < 0 {
		r = -r
	}
	return math.Sqrt2 * r
}
