package runtime_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onda-ml/onda/onnx"
)

// Strings grow, are many, are split into many, or are held against expressions that
// take for ever.
func TestHostileStrings(t *testing.T) {
	constant := func(s ...string) *onnx.Node {
		return op("Constant", nil, names("s"), onnx.AttrStrings("value_strings", s...))
	}
	match := func(pattern string) *onnx.Node {
		return op("RegexFullMatch", names("s"), names("y"), onnx.AttrString("pattern", pattern))
	}
	var stop []string
	for i := range 20_000 {
		stop = append(stop, fmt.Sprintf("a%d", i))
	}
	doubled := []*onnx.Node{constant(strings.Repeat("x", 1000))}
	for i, from := range append(names("s"), strings.Fields(strings.Repeat("d ", 40))...) {
		if i > 0 {
			from += fmt.Sprint(i)
		}
		doubled = append(doubled, op("StringConcat", names(from, from), names(fmt.Sprintf("d%d", i+1))))
	}
	doubled = append(doubled, op("Identity", names("d41"), names("y")))
	many := initializer("many", vec[int64](3_000_000))
	expanded := func(s string, n *onnx.Node) *onnx.Graph {
		return graph(1, []*onnx.Node{constant(s), op("Expand", names("s", "many"), names("e")), n}, many)
	}
	for name, g := range map[string]*onnx.Graph{
		"twice as long":     graph(1, doubled),
		"of no end":         graph(1, []*onnx.Node{op("ConstantOfShape", names("n"), names("y"), onnx.AttrTensor("value", initializer("", vec("abc"))))}, initializer("n", vec[int64](200_000_000))),
		"split":             expanded("bab", op("StringSplit", names("e"), names("y", "z"), onnx.AttrString("delimiter", "a"))),
		"split into many":   expanded(strings.Repeat("a ", 10_000), op("StringSplit", names("e"), names("y", "z"))),
		"normalised":        expanded("word", op("StringNormalizer", names("e"), names("y"), onnx.AttrStrings("stopwords", stop...), onnx.AttrInt("is_case_sensitive", 0))),
		"of numbers":        graph(1, []*onnx.Node{op("Expand", names("x", "many"), names("e")), op("Cast", names("e"), names("y"), onnx.AttrInt("to", int64(onnx.String)))}, many),
		"nested repetition": graph(1, []*onnx.Node{constant(strings.Repeat("a", 100_000)), match(strings.Repeat("(a*)*b", 20))}),
		"counted":           graph(1, []*onnx.Node{constant(strings.Repeat("a", 1000)), match("((((a{1,9}){1,9}){1,9}))*")}),
		"alternatives":      graph(1, []*onnx.Node{constant(strings.Repeat("a", 10_000)), match("(a|b|c|d|aa|aaa){0,900}x?")}),
		"a large count":     graph(1, []*onnx.Node{constant("a"), match("((a{1000}){1000}){1000}")}),
		"no expression":     graph(1, []*onnx.Node{constant("a"), match("(((((")}),
		"not UTF-8":         graph(1, []*onnx.Node{constant("\xff\xfe"), match(".*")}),
	} {
		endures(t, name, modelOf(20, g), 100*time.Millisecond)
	}
}

// A file has a great many nodes, constants, inputs or outputs; sparse constants are
// larger than it; constants would fold to something large.
func TestHostileCounts(t *testing.T) {
	const n = 20_000
	list := func(prefix string) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("%s%d", prefix, i)
		}
		return all
	}
	wide, constants, outputs := graph(2, nil), graph(1, nil), graph(n, []*onnx.Node{op("Split", names("x"), list("y"), onnx.AttrInt("num_outputs", n))})
	outputs.Outputs = nil
	inputs := graph(1, []*onnx.Node{op("Sum", list("i"), names("y"))})
	for i, name := range list("y") {
		wide.Nodes = append(wide.Nodes, op("Neg", names("x"), names(name)))
		constants.Initializers = append(constants.Initializers, initializer(name, vec(int64(i))))
		outputs.Outputs = append(outputs.Outputs, &onnx.ValueInfo{Name: name})
		inputs.Inputs = append(inputs.Inputs, floats(fmt.Sprintf("i%d", i), 1))
	}
	wide.Nodes = append(wide.Nodes, op("Sum", list("y"), names("y")))
	constants.Nodes = []*onnx.Node{op("Identity", names("x"), names("y"))}
	var folds []*onnx.Node
	for i := range 60 {
		a, b, c := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i), fmt.Sprintf("c%d", i)
		folds = append(folds, op("Expand", names("one", "large"), names(a)), op("Exp", names(a), names(b)), op("ReduceSum", names(b), names(c)))
	}
	folds = append(folds, op("Concat", names("c0", "c30", "c59", "x"), names("y"), onnx.AttrInt("axis", 0)))
	one := initializer("one", vec[float32](1))
	for name, g := range map[string]*onnx.Graph{
		"a long row": chain(n, "Neg"), "many beside each other": wide, "many constants": constants, "many outputs": outputs, "many inputs": inputs,
		"large folds": graph(1, folds, one, initializer("large", vec[int64](250_000))),
		"a huge fold": graph(1, []*onnx.Node{op("Expand", names("one", "large"), names("a")), op("Exp", names("a"), names("b")), op("Add", names("b", "x"), names("y"))}, one, initializer("large", vec[int64](1<<33))),
	} {
		endures(t, name, modelOf(20, g), 100*time.Millisecond)
	}
	for _, s := range []struct{ dims, at []int64 }{
		{[]int64{1 << 40}, []int64{0}}, {[]int64{1 << 31, 1 << 31}, []int64{0}}, {[]int64{4}, []int64{-1}}, {[]int64{4}, []int64{1 << 62}}, {[]int64{0}, []int64{0}},
		{[]int64{-1}, []int64{0}}, {[]int64{30_000_000}, []int64{29_999_999}}, {[]int64{4}, []int64{3, 3}}, {[]int64{4}, []int64{3, 1}}, {nil, []int64{0}},
	} {
		g := graph(1, []*onnx.Node{op("Add", names("s", "x"), names("y"))})
		g.SparseInitializers = []*onnx.SparseTensor{{Values: initializer("s", ones(len(s.at))), Indices: initializer("", vec(s.at...)), Dims: s.dims}}
		endures(t, fmt.Sprint("sparse ", s), modelOf(20, g), time.Second)
	}
}

// Trees have circles, missing nodes, or are one long branch.
func TestHostileTrees(t *testing.T) {
	const n = 20_000
	var yes, no, ids, tree []int64
	var modes []string
	for i := range int64(2*n + 1) {
		ids, tree = append(ids, i), append(tree, 0)
		if i%2 == 0 && i < 2*n {
			yes, no, modes = append(yes, i+1), append(no, i+2), append(modes, "BRANCH_LEQ")
		} else {
			yes, no, modes = append(yes, 0), append(no, 0), append(modes, "LEAF")
		}
	}
	deep := func(attrs map[string]*onnx.Attribute) lone {
		l := lone{op: "TreeEnsembleRegressor", domain: "ai.onnx.ml", x: []int{2, 2}}
		given := map[string]*onnx.Attribute{
			"nodes_featureids": onnx.AttrInts("nodes_featureids", tree...), "nodes_modes": onnx.AttrStrings("nodes_modes", modes...), "nodes_nodeids": onnx.AttrInts("nodes_nodeids", ids...),
			"nodes_treeids": onnx.AttrInts("nodes_treeids", tree...), "nodes_truenodeids": onnx.AttrInts("nodes_truenodeids", yes...), "nodes_falsenodeids": onnx.AttrInts("nodes_falsenodeids", no...),
			"nodes_values": onnx.AttrFloats("nodes_values", make([]float32, 2*n+1)...), "target_ids": onnx.AttrInts("target_ids", 0), "target_nodeids": onnx.AttrInts("target_nodeids", 2*n),
			"target_treeids": onnx.AttrInts("target_treeids", 0), "target_weights": onnx.AttrFloats("target_weights", 1), "n_targets": onnx.AttrInt("n_targets", 1)}
		for name, a := range given {
			if other, ok := attrs[name]; ok {
				a = other
			}
			l.attrs = append(l.attrs, a)
		}
		return l
	}
	changed := func(name string, list []int64, at int, v int64) map[string]*onnx.Attribute {
		list = append([]int64(nil), list...)
		list[at] = v
		return map[string]*onnx.Attribute{name: onnx.AttrInts(name, list...)}
	}
	for name, attrs := range map[string]map[string]*onnx.Attribute{
		"one long branch":       nil,
		"a circle":              changed("nodes_truenodeids", yes, 2*n-2, 0),
		"a circle of one":       changed("nodes_falsenodeids", no, 0, 0),
		"no such node":          changed("nodes_truenodeids", yes, 0, 1<<40),
		"below the first":       changed("nodes_falsenodeids", no, 0, -1),
		"no such feature":       changed("nodes_featureids", tree, 0, 1<<40),
		"a feature before":      changed("nodes_featureids", tree, 0, -1),
		"two of one number":     changed("nodes_nodeids", ids, 5, 4),
		"a tree of its own":     changed("nodes_treeids", tree, 5, 1<<62),
		"values that are short": {"nodes_values": onnx.AttrFloats("nodes_values", 1)},
		"no such target":        {"target_ids": onnx.AttrInts("target_ids", 1<<40)},
	} {
		endures(t, name, deep(attrs).model(), time.Second)
	}
	five := func(attrs ...*onnx.Attribute) *onnx.Model {
		l := lone{op: "TreeEnsemble", domain: "ai.onnx.ml", x: []int{2, 2}, attrs: append(attrs, onnx.AttrInt("n_targets", 1), onnx.AttrInts("nodes_featureids", 0),
			onnx.AttrTensor("nodes_splits", initializer("", vec[float32](.5))), onnx.AttrTensor("nodes_modes", initializer("", vec[uint8](0))), onnx.AttrTensor("leaf_weights", initializer("", vec[float32](1))))}
		m := l.model()
		for i := range m.OpsetImports {
			if m.OpsetImports[i].Domain == "ai.onnx.ml" {
				m.OpsetImports[i].Version = 5
			}
		}
		return m
	}
	for name, v := range map[string][6]int64{
		"good": {0, 0, 1, 0, 1, 0}, "a circle": {0, 0, 0, 0, 1, 0}, "no such root": {1 << 40, 0, 1, 0, 1, 0}, "a root before": {-1, 0, 1, 0, 1, 0}, "no such leaf": {0, 1 << 40, 1, 0, 1, 0}, "no such target": {0, 0, 1, 0, 1, 99},
	} {
		endures(t, "TreeEnsemble, "+name, five(onnx.AttrInts("tree_roots", v[0]), onnx.AttrInts("nodes_truenodeids", v[1]), onnx.AttrInts("nodes_trueleafs", v[2]), onnx.AttrInts("nodes_falsenodeids", v[3]),
			onnx.AttrInts("nodes_falseleafs", v[4]), onnx.AttrInts("leaf_targetids", v[5])), time.Second)
	}
}
