package runtime

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// rewriteRule replaces a few nodes by one that computes the same faster. It is
// asked for every node as the last of its pattern and returns the node that
// takes its place, or nil.
type rewriteRule struct {
	name  string
	apply func(w *work, n *node) *node
}

// rewriteRules are tried in this order: what one makes, those after it may use.
func rewriteRules() []rewriteRule {
	return []rewriteRule{
		{"layer-norm", rewriteLayerNorm},
		{"gelu", rewriteGelu},
		{"conv-batch-norm", rewriteConvBatchNorm},
		{"conv-add", rewriteConvAdd},
		{"conv-activation", rewriteConvActivation},
		{"conv-winograd", rewriteConvWinograd},
		{"attention", rewriteAttention},
		{"dynamic-product", rewriteDynamicProduct},
		{"quantised-product", rewriteQuantisedProduct},
		{"linear", rewriteLinear},
		{"linear-batch-norm", rewriteLinearBatchNorm},
		{"linear-scale", rewriteLinearScale},
		{"linear-activation", rewriteLinearActivation},
		{"batch-norm-relu", rewriteBatchNormRelu},
		{"recurrent", rewriteRecurrent},
	}
}

// Rewrites lists the names of the rewrites that [WithoutRewrite] turns off.
func Rewrites() []string {
	var names []string
	for _, r := range rewriteRules() {
		names = append(names, r.name)
	}
	return append(names, unrolling, widening, splitting)
}

// WithoutRewrite turns rewrites off by name, to find out what one does or to
// work around a defect of it; see [Rewrites].
func WithoutRewrite(names ...string) Option {
	return func(c *config) error {
		for _, name := range names {
			if !slices.Contains(Rewrites(), name) {
				return fmt.Errorf("runtime: there is no rewrite %q, expected one of %s", name, strings.Join(Rewrites(), ", "))
			}
		}
		c.without = append(c.without, names...)
		return nil
	}
}

// rewrite applies the rules to the nodes in order.
func (w *work) rewrite() {
	for _, r := range rewriteRules() {
		if slices.Contains(w.config.without, r.name) {
			continue
		}
		w.count()
		for i, n := range w.g.nodes {
			m := r.apply(w, n)
			if m == nil {
				continue
			}
			w.g.nodes[i] = m
			for _, s := range m.out {
				if s >= 0 {
					w.made[s] = m
				}
			}
			w.changed = true
			_ = w.infer(m)
			w.count()
		}
		w.sort()
		w.trim()
	}
}

// sort puts every node behind those it reads from, after a rewrite that made a
// node in a later place than some of its readers.
func (w *work) sort() {
	if !w.unsorted {
		return
	}
	w.unsorted = false
	maker := map[int]*node{}
	for _, n := range w.g.nodes {
		for _, s := range n.out {
			if s >= 0 {
				maker[s] = n
			}
		}
	}
	sorted := make([]*node, 0, len(w.g.nodes))
	placed := map[*node]bool{}
	var place func(n *node)
	place = func(n *node) {
		if n == nil || placed[n] {
			return
		}
		placed[n] = true
		for _, list := range [][]int{n.in, n.captures} {
			for _, s := range list {
				if s >= 0 {
					place(maker[s])
				}
			}
		}
		sorted = append(sorted, n)
	}
	for _, n := range w.g.nodes {
		place(n)
	}
	w.g.nodes = sorted
}

// count notes how often each slot is read.
func (w *work) count() {
	w.reads = make([]int, len(w.g.slots))
	for _, n := range w.g.nodes {
		for _, list := range [][]int{n.in, n.captures} {
			for _, s := range list {
				if s >= 0 {
					w.reads[s]++
				}
			}
		}
	}
	for _, s := range w.g.outputs {
		w.reads[s]++
	}
}

// by is the node that makes slot s if it is one of the given operators.
func (w *work) by(s int, opTypes ...string) *node {
	n := w.producer(s)
	if n == nil || !n.only() || n.out[0] != s {
		return nil
	}
	for _, t := range opTypes {
		if n.is(t) {
			return n
		}
	}
	return nil
}

// inner is by for a value that nobody else reads.
func (w *work) inner(s int, opTypes ...string) *node {
	if s < 0 || w.reads[s] != 1 {
		return nil
	}
	return w.by(s, opTypes...)
}

// number is the constant in slot s if it is a single float.
func (w *work) number(s int) (float64, bool) {
	v := w.value(s)
	if v == nil || v.Len() != 1 || !v.DType().IsFloat() {
		return 0, false
	}
	return tensor.Float64s(v)[0], true
}

// isNumber reports whether slot s holds want, up to float32's rounding.
func (w *work) isNumber(s int, want float64) bool {
	v, ok := w.number(s)
	return ok && math.Abs(v-want) <= 1e-6*math.Abs(want)
}

// with finds, of a binary node's inputs, the one that is a number; other is the
// slot of the other.
func (w *work) with(n *node) (number float64, other int, ok bool) {
	if n == nil || len(n.in) != 2 {
		return 0, -1, false
	}
	for i := range n.in {
		if v, ok := w.number(n.in[i]); ok && w.facts[n.in[1-i]].Value == nil {
			return v, n.in[1-i], true
		}
	}
	return 0, -1, false
}

// float reports whether slot s is float32.
func (w *work) float(s int) bool { return s >= 0 && w.facts[s].DType == tensor.Float32 }

// fused makes the node that takes n's place: the same outputs by another
// operator. It is nil if the set of operators lacks it.
func (w *work) fused(n *node, domain, opType string, opset int64, in []int, attrs ...*onnx.Attribute) *node {
	p := &onnx.Node{OpType: opType, Domain: domain, Name: n.proto.Name, Attributes: attrs}
	for _, s := range in {
		p.Inputs = append(p.Inputs, w.name(s))
	}
	for _, s := range n.out {
		p.Outputs = append(p.Outputs, w.name(s))
	}
	if w.config.set.Replaced(domain, opType) {
		return nil
	}
	k, v, err := w.config.set.Bind(p, opset, nil)
	if err != nil {
		return nil
	}
	return &node{proto: p, graph: n.graph, index: n.index, id: n.id, opset: opset, version: v, kernel: k, in: slices.Clone(in), out: slices.Clone(n.out)}
}

// name is what a node calls the value in slot s: nothing if it is absent.
func (w *work) name(s int) string {
	if s >= 0 && w.g.slots[s] == "" {
		return fmt.Sprintf("value %d", s)
	} else if s >= 0 {
		return w.g.slots[s]
	}
	return ""
}

// own is fused for an operator of the runtime's own.
func (w *work) own(n *node, opType string, in []int, attrs ...*onnx.Attribute) *node {
	return w.fused(n, ops.FusedDomain, opType, 1, in, attrs...)
}
