package runtime_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// Loops in loops are written out as long as all of them together stay small.
func TestUnrollingIsBounded(t *testing.T) {
	nodes := func(g *onnx.Graph, in, out string) []*onnx.Node {
		return []*onnx.Node{op("Identity", names("go"), names("again")), op("Loop", names("trips", "", in), names(out), onnx.AttrGraph("body", g))}
	}
	body := loopBody(identity("go", "again"))
	body.Outputs = body.Outputs[:2]
	for range 2 {
		body = &onnx.Graph{Name: "outer", Inputs: []*onnx.ValueInfo{ints("i"), value("go", onnx.Bool), floats("v", "n", 4)}, Nodes: nodes(body, "v", "s"),
			Outputs: []*onnx.ValueInfo{value("again", onnx.Bool), floats("s", "n", 4)}}
	}
	g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", "n", 4)}, Initializers: trips(40), Nodes: nodes(body, "x", "y")[1:], Outputs: []*onnx.ValueInfo{floats("y", "n", 4)}}
	m, in := compile(t, modelOf(13, g)), map[string]*tensor.Tensor{"x": tensor.Must(make([]float32, 4), 1, 4)}
	steps := stepsOf(t, m, in)
	require.Less(t, len(steps), 5000)
	require.Contains(t, steps, "Loop")
	got, err := m.Run(context.Background(), in)
	require.NoError(t, err)
	require.Equal(t, float32(40*40*40), tensor.Of[float32](got["y"])[0])
}

// Each rewrite finds its pattern, leaves look-alikes alone, gives what the plain
// interpreter gives, and can be turned off.
func TestRewrites(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range rewriteCases() {
		tested[c.rewrite] = true
		t.Run(c.rewrite+" "+c.name, func(t *testing.T) {
			in := map[string]*tensor.Tensor{"x": c.x}
			for k, v := range c.more {
				in[k] = v
			}
			want, err := compile(t, c.model(), runtime.WithLevel(runtime.Plain)).Run(context.Background(), in)
			require.NoError(t, err)
			for _, off := range []bool{false, true} {
				opts, steps := []runtime.Option{runtime.WithThreads(1)}, c.steps
				if off {
					opts, steps = append(opts, runtime.WithoutRewrite(c.rewrite)), c.without
				}
				m := compile(t, c.model(), opts...)
				got, err := m.Run(context.Background(), in)
				require.NoError(t, err)
				for name := range want {
					require.NoError(t, close5.Compare(got[name], want[name]), "output %q, off %t", name, off)
				}
				if steps != nil {
					require.Equal(t, steps, stepsOf(t, m, in), "off %t", off)
				}
			}
		})
	}
	for _, name := range runtime.Rewrites() {
		require.True(t, tested[name], "rewrite %q has no case", name)
	}
	_, err := runtime.Compile(modelOf(13, chain(1, "Exp")), runtime.WithoutRewrite("no such"))
	require.EqualError(t, err, `runtime: there is no rewrite "no such", expected one of `+strings.Join(runtime.Rewrites(), ", "))
}

// What isn't finite reaches the outputs that read it, and no others: where it is,
// convolutions multiply as they are defined.
func TestWinogradLeavesAloneWhatIsNotFinite(t *testing.T) {
	i := slices.IndexFunc(rewriteCases(), func(c rewriteCase) bool { return c.rewrite == "conv-winograd" })
	c := rewriteCases()[i]
	plain, m := compile(t, c.model(), runtime.WithLevel(runtime.Plain)), compile(t, c.model())
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, 0} {
		x := c.x.Clone()
		tensor.Of[float32](x)[500] = float32(v)
		in := map[string]*tensor.Tensor{"x": x}
		want, err := plain.Run(context.Background(), in)
		require.NoError(t, err)
		got, err := m.Run(context.Background(), in)
		require.NoError(t, err)
		for i, v := range tensor.Of[float32](want["y"]) {
			w := tensor.Of[float32](got["y"])[i]
			require.True(t, w == v || v != v && w != w || math.Abs(float64(w-v)) <= 1e-5*max(1, math.Abs(float64(v))), "%v: output %d: %v, want %v", x, i, w, v)
		}
	}
}

func stepsOf(t *testing.T, m *runtime.Model, in map[string]*tensor.Tensor) []string {
	t.Helper()
	p, err := m.Plan(in)
	require.NoError(t, err)
	var ops []string
	for _, s := range p.Steps {
		if s.Parts > 0 {
			s.Op = fmt.Sprintf("%s in %d parts", s.Op, s.Parts)
		}
		ops = append(ops, s.Op)
	}
	return ops
}

// An operator that a user put in the place of a standard one is run as it is:
// nothing that is known of the standard one holds for it.
func TestReplacedOperatorsAreNotRewritten(t *testing.T) {
	set, err := ops.Standard().With(ops.Op{Name: "Identity", Versions: []ops.Version{
		{Since: 1, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: func(*ops.Attrs) (ops.Kernel, error) { return doubled{}, nil }},
	}})
	require.NoError(t, err)
	g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", 1)}, Nodes: []*onnx.Node{identity("x", "y")}, Outputs: []*onnx.ValueInfo{floats("y", 1)}}
	for _, l := range levels {
		out, err := compile(t, modelOf(13, g), runtime.WithOps(set), runtime.WithLevel(l.level)).Run(context.Background(), map[string]*tensor.Tensor{"x": tensor.Must([]float32{3}, 1)})
		require.NoError(t, err)
		require.Equal(t, []float32{6}, tensor.Of[float32](out["y"]))
	}
}

// doubled is y = 2 x.
type doubled struct{}

func (doubled) Infer(c *ops.Infer) error { c.SameAs(0, 0); return nil }

func (doubled) Run(c *ops.Ctx) error {
	y, err := c.Out(0, tensor.Float32, c.In(0).Shape()...)
	if err != nil {
		return err
	}
	for i, v := range tensor.Of[float32](c.In(0)) {
		tensor.Of[float32](y)[i] = 2 * v
	}
	return nil
}

// The simplifications that need no rewrite rule: what folds, merges or does
// nothing leaves no step.
func TestSimplifications(t *testing.T) {
	axes := initializer("axes", tensor.Must([]int64{1}, 1))
	for _, c := range []struct {
		name  string
		nodes []*onnx.Node
		steps []string
	}{
		{"constants fold", []*onnx.Node{op("Exp", names("c"), names("e")), op("Mul", names("x", "e"), names("y"))}, names("Mul")},
		{"equal nodes merge", []*onnx.Node{op("Exp", names("x"), names("a")), op("Exp", names("x"), names("b")), op("Mul", names("a", "b"), names("y"))}, names("Exp", "Mul")},
		{"other attributes don't", []*onnx.Node{op("ReduceSum", names("x", "axes"), names("a")), op("ReduceSum", names("x", "axes"), names("b"), onnx.AttrInt("keepdims", 0)), op("Mul", names("a", "b"), names("y"))}, names("ReduceSum", "ReduceSum", "Mul")},
		{"unread nodes go", []*onnx.Node{op("Exp", names("x"), names("unread")), op("Neg", names("x"), names("y"))}, names("Neg")},
		{"weights cut twice by sizes worked out twice", []*onnx.Node{
			op("Exp", names("x"), names("e")), op("Shape", names("x"), names("sx")), op("Slice", names("sx", "one1", "two1"), names("nx")), op("Slice", names("k", "zero1", "nx", "zero1"), names("cx")), op("MatMul", names("x", "cx"), names("a")),
			op("Shape", names("e"), names("se")), op("Slice", names("se", "one1", "two1"), names("ne")), op("Slice", names("k", "zero1", "ne", "zero1"), names("ce")), op("MatMul", names("x", "ce"), names("b")),
			op("Add", names("a", "b"), names("d")), op("Mul", names("d", "e"), names("y"))}, names("Exp", "MatMul", "Add", "Mul")},
		{"transposes join", []*onnx.Node{op("Transpose", names("x"), names("a"), onnx.AttrInts("perm", 1, 0)), op("Transpose", names("a"), names("b"), onnx.AttrInts("perm", 1, 0)), op("Neg", names("b"), names("y"))}, names("Neg")},
		{"shape arithmetic folds", []*onnx.Node{op("Shape", names("x"), names("s")), op("Gather", names("s", "axes"), names("d")), op("Concat", names("d", "minus"), names("to"), onnx.AttrInt("axis", 0)),
			op("Reshape", names("x", "to"), names("r")), op("Neg", names("r"), names("y"))}, names("Neg")},
		{"casts to and fro", []*onnx.Node{op("Cast", names("x"), names("a"), onnx.AttrInt("to", 11)), op("Cast", names("a"), names("b"), onnx.AttrInt("to", 1)), op("Neg", names("b"), names("y"))}, names("Neg")},
		{"narrowing casts stay", []*onnx.Node{op("Cast", names("x"), names("a"), onnx.AttrInt("to", 10)), op("Cast", names("a"), names("b"), onnx.AttrInt("to", 1)), op("Neg", names("b"), names("y"))}, names("Cast", "Cast", "Neg")},
		{"a part of what was joined", []*onnx.Node{op("Exp", names("x"), names("e")), op("Concat", names("x", "e"), names("j"), onnx.AttrInt("axis", 1)), op("Slice", names("j", "three", "six", "axes"), names("p")), op("Neg", names("p"), names("y"))}, names("Exp", "Neg")},
		{"views make no step", []*onnx.Node{op("Exp", names("x"), names("e")), op("Unsqueeze", names("e", "axes"), names("u")), op("Transpose", names("u"), names("t"), onnx.AttrInts("perm", 1, 0, 2)), op("Neg", names("t"), names("y"))}, names("Exp", "Neg")},
		{"an addition of nothing", []*onnx.Node{op("Add", names("x", "zero"), names("a")), op("Mul", names("one", "a"), names("b")), op("Neg", names("b"), names("y"))}, names("Neg")},
		{"random nodes stay apart", []*onnx.Node{op("RandomUniformLike", names("x"), names("a"), onnx.AttrFloat("seed", 1)), op("RandomUniformLike", names("x"), names("b"), onnx.AttrFloat("seed", 1)), op("Add", names("a", "b"), names("y"))}, names("RandomUniformLike", "RandomUniformLike", "Add")},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", "n", 3)}, Nodes: c.nodes, Outputs: []*onnx.ValueInfo{{Name: "y"}},
				Initializers: []*onnx.Tensor{axes, initializer("c", wave(3, 3)), num("zero", 0), num("one", 1), initializer("minus", tensor.Must([]int64{-1}, 1)),
					initializer("k", wave(4, 5, 3)), initializer("zero1", tensor.Must([]int64{0}, 1)), initializer("one1", tensor.Must([]int64{1}, 1)), initializer("two1", tensor.Must([]int64{2}, 1)),
					initializer("three", tensor.Must([]int64{3}, 1)), initializer("six", tensor.Must([]int64{6}, 1))}}
			in := map[string]*tensor.Tensor{"x": wave(0, 2, 3)}
			m := compile(t, modelOf(13, g))
			require.Equal(t, strings.Join(c.steps, " "), strings.Join(stepsOf(t, m, in), " "))
			got, err := m.Run(context.Background(), in)
			require.NoError(t, err)
			want, err := compile(t, modelOf(13, g), runtime.WithLevel(runtime.Plain)).Run(context.Background(), in)
			require.NoError(t, err)
			require.NoError(t, close5.Compare(got["y"], want["y"]))
		})
	}
}

// Weights that are cut by an extent of a list of which another is unknown are cut at
// load, as PyTorch's exporter has it for an LSTMCell: batch zeros give the size.
func TestWeightsCutByAKnownExtent(t *testing.T) {
	k := make([]float32, 48)
	for i := range k {
		k[i] = float32(i%7) - 3
	}
	zero, one := initializer("zero", tensor.Must([]int64{0}, 1)), initializer("one", tensor.Must([]int64{1}, 1))
	shape, last := op("Shape", names("x"), names("s")), op("Shape", names("z"), names("n"), onnx.AttrInt("start", 1))
	for _, c := range []struct {
		name  string
		zeros []*onnx.Node
	}{
		{"Expand", []*onnx.Node{op("Concat", names("b", "six"), names("to"), onnx.AttrInt("axis", 0)), op("Expand", names("scalar", "to"), names("z"))}},
		{"Expand of what has the extent", []*onnx.Node{op("Concat", names("b", "one"), names("to"), onnx.AttrInt("axis", 0)), op("Expand", names("row", "to"), names("z"))}},
		{"ConstantOfShape", []*onnx.Node{op("Concat", names("b", "six"), names("to"), onnx.AttrInt("axis", 0)), op("ConstantOfShape", names("to"), names("z"))}},
		{"Reshape", []*onnx.Node{op("Concat", names("b", "six"), names("to"), onnx.AttrInt("axis", 0)), op("Reshape", names("x", "to"), names("z"))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &onnx.Graph{
				Inputs: []*onnx.ValueInfo{floats("x", "batch", 6)}, Outputs: []*onnx.ValueInfo{floats("y", "batch", 6)},
				Initializers: []*onnx.Tensor{
					zero, one, initializer("six", tensor.Must([]int64{6}, 1)), initializer("scalar", tensor.Scalar(float32(0))), initializer("row", tensor.Must(make([]float32, 6), 1, 6)),
					initializer("k", tensor.Must(k, 6, 8)),
				},
				Nodes: slices.Concat([]*onnx.Node{shape, op("Slice", names("s", "zero", "one"), names("b"))}, c.zeros,
					[]*onnx.Node{last, op("Slice", names("k", "zero", "n", "one"), names("w")), op("MatMul", names("x", "w"), names("y"))}),
			}
			m := compile(t, modelOf(17, g))
			path := filepath.Join(t.TempDir(), "m.onnx")
			require.NoError(t, m.SaveOptimized(path))
			saved, err := onnx.Load(path)
			require.NoError(t, err)
			require.Len(t, saved.Graph.Nodes, 1)

			g.Outputs = append(g.Outputs, ints("all", 2)) // the unknown extent stays so
			g.Nodes = append(g.Nodes, op("Shape", names("z"), names("all")))
			m = compile(t, modelOf(17, g))
			for _, batch := range []int{1, 3} {
				in := map[string]*tensor.Tensor{"x": tensor.Must(slices.Repeat([]float32{1, -2, 3, 0.5, 4, -1}, batch), batch, 6)}
				got, err := m.Run(context.Background(), in)
				require.NoError(t, err)
				want, err := compile(t, modelOf(17, g), runtime.WithLevel(runtime.Plain)).Run(context.Background(), in)
				require.NoError(t, err)
				require.NoError(t, close5.Compare(got["y"], want["y"]))
				require.Equal(t, []int64{int64(batch), 6}, tensor.Of[int64](got["all"]))
			}
		})
	}
}
