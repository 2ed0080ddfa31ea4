package runtime_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

const mib = 1 << 20

// chain is y = -(-(...x)) n times, where nothing may be computed in place
// because a probe keeps each node apart.
func chain(n int, opType string) *onnx.Graph {
	g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("v0", "n")}, Outputs: []*onnx.ValueInfo{floats("v"+strconv.Itoa(n), "n")}}
	for i := range n {
		g.Nodes = append(g.Nodes, op(opType, names("v"+strconv.Itoa(i)), names("v"+strconv.Itoa(i+1))))
	}
	return g
}

// What a run holds at a time counts, not what passes through its hands: a chain
// of twenty values needs the room of its output alone.
func TestMemoryLimitCountsWhatIsHeld(t *testing.T) {
	x := map[string]*tensor.Tensor{"v0": must(tensor.Zeros(tensor.Float32, mib/4))}
	g := chain(20, "Exp")
	_, err := compile(t, modelOf(13, g), runtime.WithMemoryLimit(mib)).Run(context.Background(), x)
	require.NoError(t, err)
	_, err = compile(t, modelOf(13, g), runtime.WithMemoryLimit(mib-1)).Run(context.Background(), x)
	require.ErrorIs(t, err, runtime.ErrMemoryLimit)
	require.EqualError(t, err, "runtime: memory limit exceeded: 1048575 bytes are allowed, 1048576 more than the 0 in use were asked for")
}

// Values whose size is only known when they exist are let go when they are dead:
// two hundred of 1 MiB pass through 8 MiB, carried by a loop and within its body.
func TestMemoryLimitOfDynamicValues(t *testing.T) {
	body := &onnx.Graph{
		Name:   "body",
		Inputs: []*onnx.ValueInfo{ints("i"), value("go", onnx.Bool), floats("v", "n")},
		Nodes: []*onnx.Node{
			op("Compress", names("v", "keep"), names("w"), onnx.AttrInt("axis", 0)), // of unknown size
			op("Exp", names("w"), names("e")),
			op("Neg", names("e"), names("last")),
			op("Identity", names("go"), names("again")),
		},
		Outputs: []*onnx.ValueInfo{value("again", onnx.Bool), floats("last", "n")},
	}
	g := &onnx.Graph{
		Inputs:  []*onnx.ValueInfo{ints("trips"), floats("x", "n"), value("keep", onnx.Bool, "n")},
		Nodes:   []*onnx.Node{op("Loop", names("trips", "", "x"), names("y"), onnx.AttrGraph("body", body))},
		Outputs: []*onnx.ValueInfo{floats("y", "n")},
	}
	n := mib / 4
	keep := make([]bool, n)
	for i := range keep {
		keep[i] = true
	}
	in := map[string]*tensor.Tensor{"trips": tensor.Scalar[int64](200), "x": must(tensor.Zeros(tensor.Float32, n)), "keep": tensor.Must(keep, n)}
	m := compile(t, modelOf(13, g), runtime.WithMemoryLimit(8*mib), runtime.WithThreads(1))
	peak := peakOf(t)
	_, err := m.Run(context.Background(), in)
	require.NoError(t, err)
	require.Less(t, peak(), int64(8+64)*mib, "resident memory above what it was before")
	_, err = compile(t, modelOf(13, g), runtime.WithMemoryLimit(mib)).Run(context.Background(), in)
	require.ErrorIs(t, err, runtime.ErrMemoryLimit)
}

// Sizes that a file or an input states are refused before anything of that size
// is allocated.
func TestHostileSizes(t *testing.T) {
	shape := func(dims ...int64) *onnx.Tensor { return initializer("shape", tensor.Must(dims, len(dims))) }
	one := initializer("one", tensor.Must([]float32{1}, 1))
	for _, c := range []struct {
		name   string
		node   *onnx.Node
		consts []*onnx.Tensor
	}{
		{"Expand", op("Expand", names("x", "shape"), names("y")), []*onnx.Tensor{shape(1<<20, 1<<15, 1)}},
		{"Expand overflows", op("Expand", names("x", "shape"), names("y")), []*onnx.Tensor{shape(1<<31, 1<<31, 1<<31, 1)}},
		{"ConstantOfShape", op("ConstantOfShape", names("shape"), names("y")), []*onnx.Tensor{shape(1 << 40)}},
		{"Tile", op("Tile", names("x", "shape"), names("y")), []*onnx.Tensor{shape(1 << 40)}},
		{"Range", op("Range", names("a", "b", "c"), names("y")), []*onnx.Tensor{
			initializer("a", tensor.Scalar[float32](0)), initializer("b", tensor.Scalar[float32](1e30)), initializer("c", tensor.Scalar[float32](1))}},
		{"Pad", op("Pad", names("x", "shape"), names("y")), []*onnx.Tensor{shape(1<<40, 1<<40)}},
		{"OneHot", op("OneHot", names("i", "depth", "values"), names("y")), []*onnx.Tensor{
			initializer("i", tensor.Must([]int64{1}, 1)), initializer("depth", tensor.Scalar[int64](1<<40)), initializer("values", tensor.Must([]float32{0, 1}, 2))}},
		{"Resize", op("Resize", names("x", "", "", "shape"), names("y")), []*onnx.Tensor{shape(1 << 40)}},
		{"EyeLike", op("ConstantOfShape", names("shape"), names("y")), []*onnx.Tensor{shape(1<<21, 1<<21)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", 1)}, Nodes: []*onnx.Node{c.node}, Outputs: []*onnx.ValueInfo{{Name: "y"}},
				Initializers: append(c.consts, one)}
			for _, l := range levels {
				start := time.Now()
				m, err := runtime.Compile(modelOf(13, g), runtime.WithMemoryLimit(64*mib), runtime.WithLevel(l.level))
				if err == nil {
					_, err = m.Run(context.Background(), map[string]*tensor.Tensor{"x": tensor.Must([]float32{1}, 1)})
				}
				require.Error(t, err, l.name)
				require.NotErrorIs(t, err, runtime.ErrInternal)
				require.Less(t, time.Since(start), 10*time.Second)
			}
		})
	}
}

// Sparse constants take their dense size, which a small file may state as it
// likes.
func TestMemoryLimitOfSparseConstants(t *testing.T) {
	sparse := func() *onnx.SparseTensor {
		return &onnx.SparseTensor{Values: initializer("s", tensor.Must([]float32{1}, 1)), Indices: initializer("", tensor.Must([]int64{0}, 1)), Dims: []int64{5 << 20}}
	}
	g := &onnx.Graph{
		SparseInitializers: []*onnx.SparseTensor{sparse()},
		Nodes:              []*onnx.Node{{OpType: "Constant", Outputs: names("c"), Attributes: []*onnx.Attribute{{Name: "sparse_value", Type: onnx.AttributeSparseTensor, SparseTensor: sparse()}}}, op("Add", names("s", "c"), names("y"))},
		Outputs:            []*onnx.ValueInfo{floats("y", "n")},
	}
	_, err := runtime.Compile(modelOf(13, g), runtime.WithMemoryLimit(64*mib))
	require.NoError(t, err)
	_, err = runtime.Compile(modelOf(13, g), runtime.WithMemoryLimit(32*mib))
	require.ErrorIs(t, err, runtime.ErrMemoryLimit)
	require.EqualError(t, err, `runtime: node 0 (Constant, opset 13): attribute "sparse_value": memory limit exceeded: 33554432 bytes are allowed, 20971520 more than the 20971520 in use were asked for`)
}

func must(t *tensor.Tensor, err error) *tensor.Tensor {
	if err != nil {
		panic(err)
	}
	return t
}

// peakOf starts to measure the growth of the process's peak resident memory, in
// bytes; 0 where the system doesn't tell, or the race detector shadows every byte.
func peakOf(t *testing.T) func() int64 {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins here
	before := status("VmRSS")
	return func() int64 {
		t.Helper()
		if raceEnabled {
			return 0
		}
		return status("VmHWM") - before
	}
}

func status(field string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}
