package runtime_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// graph is a graph that reads x, a vector of n floats, and makes y.
func graph(n int, nodes []*onnx.Node, consts ...*onnx.Tensor) *onnx.Graph {
	return &onnx.Graph{Name: "g", Inputs: []*onnx.ValueInfo{floats("x", n), value("no", onnx.Bool)}, Nodes: nodes, Outputs: []*onnx.ValueInfo{{Name: "y"}}, Initializers: consts}
}

// trip is a Loop's body that carries v as w; scans come out of each trip.
func trip(nodes []*onnx.Node, scans ...string) *onnx.Graph {
	out := []*onnx.ValueInfo{value("go on", onnx.Bool), {Name: "w"}}
	for _, s := range scans {
		out = append(out, &onnx.ValueInfo{Name: s})
	}
	return &onnx.Graph{Name: "b", Inputs: []*onnx.ValueInfo{ints("i"), value("go", onnx.Bool), {Name: "v"}}, Outputs: out,
		Nodes: append(nodes, op("Identity", names("go"), names("go on")))}
}

// looped is a graph that runs a body so often.
func looped(n int, trips int64, body *onnx.Graph) *onnx.Graph {
	outs := names("y", "z")[:len(body.Outputs)-1]
	return graph(n, []*onnx.Node{op("Loop", names("trips", "", "x"), outs, onnx.AttrGraph("body", body))}, initializer("trips", tensor.Scalar(trips)))
}

// branch is a body of If that makes o.
func branch(nodes ...*onnx.Node) *onnx.Graph {
	return &onnx.Graph{Name: "b", Nodes: nodes, Outputs: []*onnx.ValueInfo{{Name: "o"}}}
}

func either(cond, out string, then, otherwise *onnx.Graph) *onnx.Node {
	return op("If", names(cond), names(out), onnx.AttrGraph("then_branch", then), onnx.AttrGraph("else_branch", otherwise))
}

// Subgraphs go on for ever, grow with each trip, or are within each other so often
// that nobody may look at each.
func TestHostileSubgraphs(t *testing.T) {
	one := initializer("one", vec[float32](1))
	inner, tree := trip([]*onnx.Node{op("Identity", names("v"), names("w"))}), trip([]*onnx.Node{op("Identity", names("v"), names("w"))})
	for range 20 {
		inner = trip([]*onnx.Node{op("Loop", names("", "go", "v"), names("w"), onnx.AttrGraph("body", inner))})
	}
	for range 5 {
		tree = trip([]*onnx.Node{
			op("Constant", nil, names("m"), onnx.AttrInt("value_int", 10)),
			op("Loop", names("m", "go", "v"), names("v1"), onnx.AttrGraph("body", tree)),
			op("Loop", names("m", "go", "v1"), names("v2"), onnx.AttrGraph("body", tree)),
			op("Loop", names("m", "go", "v2"), names("w"), onnx.AttrGraph("body", tree))})
	}
	deep, twice := branch(op("Neg", names("x"), names("o"))), branch(op("Neg", names("x"), names("o")))
	for range 28 {
		deep = branch(either("no", "o", deep, branch(op("Abs", names("x"), names("o")))))
	}
	for range 8 {
		twice = branch(either("no", "o", twice, twice))
	}
	rooms := branch(op("Expand", names("x", "room"), names("a")), op("Exp", names("a"), names("e")), op("ReduceSum", names("e"), names("o"), onnx.AttrInt("keepdims", 0)))
	rooms.Initializers = []*onnx.Tensor{initializer("room", vec[int64](10_000_000))}
	var apart []*onnx.Node
	for i := range 8 {
		apart = append(apart, either("no", fmt.Sprintf("y%d", i), rooms, rooms))
	}
	apart = append(apart, op("Sum", names("y0", "y1", "y2", "y3", "y4", "y5", "y6", "y7"), names("y")))
	sequence := func(made string, nodes ...*onnx.Node) *onnx.Graph {
		body := trip(append(nodes, op("SequenceInsert", names("v", made), names("w"))))
		return graph(100_000, []*onnx.Node{op("SequenceEmpty", nil, names("none")),
			op("Loop", names("trips", "", "none"), names("all"), onnx.AttrGraph("body", body)), op("SequenceLength", names("all"), names("y"))}, initializer("trips", tensor.Scalar[int64](1<<40)))
	}
	step := &onnx.Graph{Name: "b", Inputs: []*onnx.ValueInfo{{Name: "s"}, {Name: "r"}}, Outputs: []*onnx.ValueInfo{{Name: "t"}, {Name: "t2"}},
		Nodes: []*onnx.Node{op("Add", names("s", "r"), names("t")), op("Identity", names("t"), names("t2"))}}
	for name, g := range map[string]*onnx.Graph{
		"twice as long":         looped(1000, 100, trip([]*onnx.Node{op("Concat", names("v", "v"), names("w"), onnx.AttrInt("axis", 0))})),
		"longer":                looped(100_000, 1<<40, trip([]*onnx.Node{op("Concat", names("v", "x"), names("w"), onnx.AttrInt("axis", 0))})),
		"of a higher rank":      looped(1, 1<<40, trip([]*onnx.Node{op("Constant", nil, names("k"), onnx.AttrInts("value_ints", 0)), op("Unsqueeze", names("v", "k"), names("w"))})),
		"with an output a trip": looped(100_000, 1<<62, trip([]*onnx.Node{op("Identity", names("v"), names("w")), op("Neg", names("v"), names("s"))}, "s")),
		"with a small output":   looped(1, 1<<62, trip([]*onnx.Node{op("Identity", names("v"), names("w")), op("Neg", names("v"), names("s"))}, "s")),
		"for ever":              looped(1, 1<<62, trip([]*onnx.Node{op("Neg", names("v"), names("w"))})),
		"of no trips":           looped(1, -1<<63, trip([]*onnx.Node{op("Neg", names("v"), names("w"))})),
		"within each other":     looped(1, 5, inner),
		"three within each":     looped(1, 10, tree),
		"a sequence":            sequence("x"),
		"a sequence of new":     sequence("e", op("Exp", names("x"), names("e"))),
		"If, deep":              graph(2, []*onnx.Node{either("no", "y", deep, deep)}),
		"If, both within each":  graph(2, []*onnx.Node{either("no", "y", twice, twice)}),
		"If, of large bodies":   graph(1, apart),
		"Scan": graph(1, []*onnx.Node{op("Expand", names("x", "rows"), names("r")),
			op("Scan", names("one", "r"), names("z", "y"), onnx.AttrGraph("body", step), onnx.AttrInt("num_scan_inputs", 1))}, initializer("rows", vec[int64](5_000_000, 1)), one),
		"SequenceMap": graph(1, []*onnx.Node{op("Expand", names("x", "rows"), names("r")), op("SplitToSequence", names("r"), names("s")),
			op("SequenceMap", names("s"), names("t"), onnx.AttrGraph("body", &onnx.Graph{Name: "b", Inputs: []*onnx.ValueInfo{{Name: "a"}}, Nodes: []*onnx.Node{op("Exp", names("a"), names("o"))}, Outputs: []*onnx.ValueInfo{{Name: "o"}}})),
			op("SequenceLength", names("t"), names("y"))}, initializer("rows", vec[int64](500_000))),
	} {
		endures(t, name, modelOf(20, g), 50*time.Millisecond)
	}
}

// Functions call each other: in a circle, each the one before twice, in a long row.
func TestHostileFunctions(t *testing.T) {
	call := func(name, in, out string) *onnx.Node {
		return &onnx.Node{OpType: name, Domain: "f", Inputs: names(in), Outputs: names(out)}
	}
	imports := []onnx.OpsetImport{{Version: 20}, {Domain: "f", Version: 1}}
	model := func(first string, functions map[string][]*onnx.Node) *onnx.Model {
		m := modelOf(20, graph(2, []*onnx.Node{call(first, "x", "y")}))
		m.OpsetImports = imports
		for _, name := range slices.Sorted(maps.Keys(functions)) {
			m.Functions = append(m.Functions, &onnx.Function{Name: name, Domain: "f", Inputs: names("p"), Outputs: names("q"), OpsetImports: imports, Nodes: functions[name]})
		}
		return m
	}
	twice, row := map[string][]*onnx.Node{}, map[string][]*onnx.Node{}
	for i := range 3000 {
		inner := fmt.Sprintf("f%d", i)
		row[fmt.Sprintf("f%d", i+1)] = []*onnx.Node{call(inner, "p", "q")}
		if i < 40 {
			twice[fmt.Sprintf("f%d", i+1)] = []*onnx.Node{call(inner, "p", "m"), call(inner, "m", "q")}
		}
	}
	twice["f0"], row["f0"] = []*onnx.Node{op("Neg", names("p"), names("q"))}, []*onnx.Node{op("Neg", names("p"), names("q"))}
	endures(t, "a circle", model("a", map[string][]*onnx.Node{"a": {call("b", "p", "q")}, "b": {call("a", "p", "q")}}), time.Second)
	endures(t, "a circle through a branch", model("a", map[string][]*onnx.Node{"a": {op("ReduceMax", names("p"), names("m"), onnx.AttrInt("keepdims", 0)),
		op("Greater", names("m", "m"), names("c")), either("c", "q", branch(call("a", "p", "o")), branch(call("a", "p", "o")))}}), time.Second)
	endures(t, "each twice", model("f40", twice), time.Second)
	endures(t, "a row", model("f3000", row), time.Second)
}

// Values have names that print badly, that two nodes make, that nobody makes or that
// lead in a circle; and types that their nodes don't take.
func TestHostileNames(t *testing.T) {
	odd := "\x00\u202e\U0001F600\n\x1b[31m"
	long := strings.Repeat("Name", 100_000)
	wide := []any{}
	for range 100 {
		wide = append(wide, 1)
	}
	wrong := graph(2, []*onnx.Node{op("StringNormalizer", names("x"), names("y"))})
	rank := graph(2, []*onnx.Node{op("Neg", names("x"), names("y"))})
	rank.Inputs[0] = floats("x", wide...)
	kinds := graph(2, []*onnx.Node{op("SequenceConstruct", names("x", "x"), names("s")), op("Add", names("s", "no"), names("y"))})
	for name, g := range map[string]*onnx.Graph{
		"odd":               graph(2, []*onnx.Node{op("Neg", names("x"), names(odd)), op("Neg", names(odd), names("y")), op(odd, names("x"), names("z"))}),
		"long":              graph(2, []*onnx.Node{op(long, names("x"), names(long)), op("Neg", names(long), names("y"))}),
		"a circle":          graph(2, []*onnx.Node{op("Neg", names("a"), names("y")), op("Neg", names("y"), names("a"))}),
		"of itself":         graph(2, []*onnx.Node{op("Neg", names("y"), names("y"))}),
		"made twice":        graph(2, []*onnx.Node{op("Neg", names("x"), names("y")), op("Exp", names("x"), names("y"))}),
		"an input made":     graph(2, []*onnx.Node{op("Neg", names("x"), names("x")), op("Exp", names("x"), names("y"))}),
		"made by nobody":    graph(2, []*onnx.Node{op("Add", names("x", "nobody"), names("y"))}),
		"empty":             graph(2, []*onnx.Node{op("Add", names("", "x"), names("y")), op("Neg", names("x"), names(""))}),
		"no node":           graph(2, nil),
		"no inputs":         graph(2, []*onnx.Node{op("Add", nil, names("y"))}),
		"no body":           graph(2, []*onnx.Node{op("Loop", names("", "", "x"), names("y"))}),
		"another type":      wrong,
		"another kind":      kinds,
		"of 100 dimensions": rank,
	} {
		endures(t, name, modelOf(20, g), time.Second)
	}
	endures(t, "no graph", &onnx.Model{IRVersion: 8}, time.Second)
}
