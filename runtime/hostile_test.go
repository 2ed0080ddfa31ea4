package runtime_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// A node whose data are small and whose work is not: a run of it, which would
// take from minutes to years, ends when its context does.
func TestWorkWithoutEndIsCancelled(t *testing.T) {
	expand := func(name string, dims ...int64) (*onnx.Node, *onnx.Tensor) {
		return op("Expand", names("x", "shape of "+name), names(name)), initializer("shape of "+name, tensor.Must(dims, len(dims)))
	}
	in := func(o *onnx.Node, dt onnx.DataType, shapes ...[]int64) *onnx.Graph {
		g := &onnx.Graph{Inputs: []*onnx.ValueInfo{value("x", dt, 1)}, Outputs: []*onnx.ValueInfo{{Name: "y"}}}
		for i, s := range shapes {
			n, shape := expand(string(rune('a'+i)), s...)
			g.Nodes, g.Initializers = append(g.Nodes, n), append(g.Initializers, shape)
		}
		g.Nodes = append(g.Nodes, o)
		return g
	}
	contrib := func(n *onnx.Node) *onnx.Node { n.Domain = "com.microsoft"; return n }
	type dims = []int64
	kernels := onnx.AttrInts("kernel_shape", 1500, 1500)
	pads := onnx.AttrInts("pads", 700, 700, 700, 700)
	for name, g := range map[string]*onnx.Graph{
		"Attention":               in(op("Attention", names("a", "a", "a"), names("y")), onnx.Float, dims{1, 1, 2 << 20, 1}),
		"Attention with softcap":  in(op("Attention", names("a", "a", "a"), names("y"), onnx.AttrFloat("softcap", 2)), onnx.Float, dims{1, 1, 2 << 20, 1}),
		"Attention in double":     in(op("Attention", names("a", "a", "a"), names("y")), onnx.Double, dims{1, 1, 1 << 20, 1}),
		"MaxPool":                 in(op("MaxPool", names("a"), names("y"), kernels, pads), onnx.Float, dims{1, 1, 2000, 2000}),
		"AveragePool":             in(op("AveragePool", names("a"), names("y"), kernels, pads), onnx.Float, dims{1, 1, 2000, 2000}),
		"LpPool":                  in(op("LpPool", names("a"), names("y"), kernels, pads), onnx.Float, dims{1, 1, 2000, 2000}),
		"MaxPool of bytes":        in(op("MaxPool", names("a"), names("y"), kernels, pads), onnx.Uint8, dims{1, 1, 2000, 2000}),
		"Conv of one channel":     in(op("Conv", names("a", "b"), names("y"), pads), onnx.Float, dims{1, 1, 1500, 1500}, dims{1, 1, 1000, 1000}),
		"Conv of several":         in(op("Conv", names("a", "b"), names("y"), pads), onnx.Double, dims{1, 4, 500, 500}, dims{8, 4, 400, 400}),
		"ConvInteger":             in(op("ConvInteger", names("a", "b"), names("y"), pads), onnx.Uint8, dims{1, 1, 1500, 1500}, dims{1, 1, 1000, 1000}),
		"LRN":                     in(op("LRN", names("a"), names("y"), onnx.AttrInt("size", 99999)), onnx.Float, dims{1, 100000, 10, 10}),
		"MatMul of many integers": in(op("MatMul", names("a", "b"), names("y")), onnx.Int64, dims{200, 1, 10000}, dims{10000, 300}),
		"TfIdfVectorizer": in(op("TfIdfVectorizer", names("a"), names("y"), onnx.AttrString("mode", "TF"), onnx.AttrInt("min_gram_length", 1), onnx.AttrInt("max_gram_length", 2),
			onnx.AttrInt("max_skip_count", 1<<20), onnx.AttrInts("ngram_counts", 0, 1), onnx.AttrInts("ngram_indexes", 0, 1), onnx.AttrInts("pool_int64s", 1, 1, 1)), onnx.Int64, dims{1 << 20}),
		"Einsum":            in(op("Einsum", names("a", "a"), names("y"), onnx.AttrString("equation", "abc,dbc->ad")), onnx.Float, dims{3000, 100, 50}),
		"ConvTranspose":     in(op("ConvTranspose", names("a", "b"), names("y")), onnx.Float, dims{1, 512, 100, 100}, dims{512, 512, 7, 7}),
		"DeformConv":        in(op("DeformConv", names("a", "b", "c"), names("y")), onnx.Float, dims{1, 64, 60, 60}, dims{64, 64, 20, 20}, dims{1, 800, 41, 41}),
		"LSTM":              in(op("LSTM", names("a", "b", "c"), names("y"), onnx.AttrInt("hidden_size", 1000)), onnx.Float, dims{20000, 1, 1}, dims{1, 4000, 1}, dims{1, 4000, 1000}),
		"LSTM in double":    in(op("LSTM", names("a", "b", "c"), names("", "y"), onnx.AttrInt("hidden_size", 1000)), onnx.Double, dims{20000, 1, 1}, dims{1, 4000, 1}, dims{1, 4000, 1000}),
		"GRU":               in(op("GRU", names("a", "b", "c"), names("y"), onnx.AttrInt("hidden_size", 1000)), onnx.Float, dims{20000, 1, 1}, dims{1, 3000, 1}, dims{1, 3000, 1000}),
		"Det":               in(op("Det", names("a"), names("y")), onnx.Float, dims{10, 3500, 3500}),
		"NonMaxSuppression": in(op("NonMaxSuppression", names("a", "b", "most"), names("y")), onnx.Float, dims{1, 300_000, 4}, dims{1, 1, 300_000}),
		"CDist":             in(contrib(op("CDist", names("a", "a"), names("y"))), onnx.Float, dims{8000, 8000}),
		"Inverse":           in(contrib(op("Inverse", names("a"), names("y"))), onnx.Float, dims{10, 3500, 3500}),
	} {
		g.Initializers = append(g.Initializers, initializer("most", vec[int64](300_000)))
		model := modelOf(23, g)
		for _, l := range levels {
			t.Run(name+", "+l.name, func(t *testing.T) {
				t.Parallel()
				m := compile(t, model, runtime.WithThreads(1), runtime.WithLevel(l.level))
				x := must(tensor.Zeros(m.Inputs()[0].DType, 1))
				ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				defer cancel()
				_, err := m.Run(ctx, map[string]*tensor.Tensor{"x": x})
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
	}
}

// An expression may be of any size, and the text too.
func TestRegexIsCancelled(t *testing.T) {
	g := &onnx.Graph{
		Inputs:  []*onnx.ValueInfo{value("x", onnx.String, 1)},
		Nodes:   []*onnx.Node{op("RegexFullMatch", names("x"), names("y"), onnx.AttrString("pattern", "((((a{1,10}){1,10}){1,10}))*b"))},
		Outputs: []*onnx.ValueInfo{{Name: "y"}},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := compile(t, modelOf(20, g)).Run(ctx, map[string]*tensor.Tensor{"x": tensor.Must([]string{strings.Repeat("a", 10*mib)}, 1)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// Nodes take memory too: those of a long file, and those that a few functions
// which call each other twice stand for.
func TestManyNodesAreWithinTheLimit(t *testing.T) {
	const limit = 32 * mib
	functions := modelOf(20, &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", 1)}, Outputs: []*onnx.ValueInfo{{Name: "y"}},
		Nodes: []*onnx.Node{{OpType: "f30", Domain: "f", Inputs: names("x"), Outputs: names("y")}}})
	functions.OpsetImports = append(functions.OpsetImports, onnx.OpsetImport{Domain: "f", Version: 1})
	for i := range 31 {
		f := &onnx.Function{Name: fmt.Sprintf("f%d", i), Domain: "f", Inputs: names("p"), Outputs: names("q"), OpsetImports: functions.OpsetImports}
		if i == 0 {
			f.Nodes = []*onnx.Node{op("Neg", names("p"), names("q"))}
		} else {
			inner := fmt.Sprintf("f%d", i-1)
			f.Nodes = []*onnx.Node{{OpType: inner, Domain: "f", Inputs: names("p"), Outputs: names("m")}, {OpType: inner, Domain: "f", Inputs: names("m"), Outputs: names("q")}}
		}
		functions.Functions = append(functions.Functions, f)
	}
	for name, m := range map[string]*onnx.Model{"a long chain": modelOf(13, chain(100_000, "Neg")), "functions": functions} {
		t.Run(name, func(t *testing.T) {
			peak := peakOf(t)
			_, err := runtime.Compile(m, runtime.WithMemoryLimit(limit))
			require.ErrorIs(t, err, runtime.ErrMemoryLimit)
			require.Less(t, peak(), int64(limit+64*mib))
		})
	}
}

// Many small results take more than their elements.
func TestMapsAreWithinTheLimit(t *testing.T) {
	const limit = 64 * mib
	m := modelOf(20, &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", "n", 1)}, Outputs: []*onnx.ValueInfo{{Name: "y"}},
		Nodes: []*onnx.Node{{OpType: "ZipMap", Domain: "ai.onnx.ml", Inputs: names("x"), Outputs: names("y"), Attributes: []*onnx.Attribute{onnx.AttrInts("classlabels_int64s", 1)}}}})
	m.OpsetImports = append(m.OpsetImports, onnx.OpsetImport{Domain: "ai.onnx.ml", Version: 1})
	model := compile(t, m, runtime.WithMemoryLimit(limit))
	peak := peakOf(t)
	_, err := model.RunValues(context.Background(), map[string]tensor.Value{"x": must(tensor.Zeros(tensor.Float32, 1<<20, 1))})
	require.ErrorIs(t, err, runtime.ErrMemoryLimit)
	require.Less(t, peak(), int64(limit+64*mib))
}

// Working memory of one node after the other isn't kept until the end.
func TestWorkingMemoryIsWithinTheLimit(t *testing.T) {
	const limit = 64 * mib
	g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x0", 1, 1, 3000, 1), value("mask", onnx.Bool, 1, 1)}, Outputs: []*onnx.ValueInfo{{Name: "x8"}}}
	for i := range 8 {
		from := fmt.Sprintf("x%d", i)
		g.Nodes = append(g.Nodes, op("Attention", names(from, from, from, "mask"), names(fmt.Sprintf("x%d", i+1)), onnx.AttrInt("is_causal", 1)))
	}
	model := compile(t, modelOf(23, g), runtime.WithMemoryLimit(limit))
	peak := peakOf(t)
	_, err := model.Run(context.Background(), map[string]*tensor.Tensor{"x0": must(tensor.Zeros(tensor.Float32, 1, 1, 3000, 1)), "mask": tensor.Must([]bool{true}, 1, 1)})
	require.NoError(t, err)
	require.Less(t, peak(), int64(limit+64*mib))
}

// Regions of interest that are no numbers crop something, or are refused.
func TestResizeOfNoRegion(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, roi := range [][]float32{{nan, 0, 1, 1}, {0, -inf, inf, 1}, {0, 0, inf, nan}, {-inf, -inf, inf, inf}} {
		for _, mode := range []string{"nearest", "linear", "cubic"} {
			g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", 2, 2)}, Outputs: []*onnx.ValueInfo{{Name: "y"}},
				Initializers: []*onnx.Tensor{initializer("roi", tensor.Must(roi, 4)), initializer("sizes", tensor.Must([]int64{3, 3}, 2))},
				Nodes: []*onnx.Node{op("Resize", names("x", "roi", "", "sizes"), names("y"), onnx.AttrString("mode", mode),
					onnx.AttrString("coordinate_transformation_mode", "tf_crop_and_resize"))}}
			for _, l := range levels {
				m := compile(t, modelOf(20, g), runtime.WithLevel(l.level))
				_, err := m.Run(context.Background(), map[string]*tensor.Tensor{"x": must(tensor.Zeros(tensor.Float32, 2, 2))})
				require.NotErrorIs(t, err, runtime.ErrInternal)
			}
		}
	}
}
