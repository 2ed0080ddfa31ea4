package runtime_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// partsCase is a graph of which some nodes take a batch of images a part at a time.
type partsCase struct {
	name    string
	batch   int
	image   []int // nil for 2 channels of 300 by 300
	consts  []*onnx.Tensor
	more    map[string]*tensor.Tensor
	nodes   []*onnx.Node
	outputs []string
	parts   map[string]int // of the steps that run in parts, by operator
}

func partsCases() []partsCase {
	kernel, wide := initializer("K", wave(1, 2, 2, 3, 3)), initializer("V", wave(2, 4, 2, 1, 1))
	same := onnx.AttrInts("pads", 1, 1, 1, 1)
	image := func(name string, n int) *onnx.Tensor { return initializer(name, wave(3, n, 2, 300, 300)) }
	return []partsCase{
		{name: "a sum with the input, branches joined", batch: 4, consts: []*onnx.Tensor{kernel, wide}, outputs: names("y"), parts: map[string]int{"Conv": 4, "Concat": 4, "MaxPool": 4},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same), op("Add", names("a", "x"), names("b")), op("Relu", names("b"), names("c")), op("Concat", names("x", "c"), names("d"), onnx.AttrInt("axis", 1)),
				op("MaxPool", names("d"), names("e"), onnx.AttrInts("kernel_shape", 2, 2), onnx.AttrInts("strides", 2, 2)), op("Slice", names("e", "zero", "two", "axis"), names("f")), op("Conv", names("f", "V"), names("g")), op("ReduceMean", names("g"), names("y"), onnx.AttrInts("axes", 2, 3))}},
		{name: "outputs on the way, and inputs that are read again", batch: 3, consts: []*onnx.Tensor{kernel}, outputs: names("a", "y", "z"), parts: map[string]int{"Conv": 3},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same), op("Conv", names("a", "K"), names("b"), same), op("ReduceSum", names("b"), names("y"), onnx.AttrInt("keepdims", 0)), op("ReduceMax", names("x"), names("z"), onnx.AttrInts("axes", 1))}},
		{name: "values made before", batch: 4, consts: []*onnx.Tensor{kernel}, outputs: names("y"), parts: map[string]int{"Conv": 4, "Add": 4},
			nodes: []*onnx.Node{op("Erf", names("x"), names("e")), op("Conv", names("e", "K"), names("a"), same), op("Add", names("a", "e"), names("b")), op("Conv", names("b", "K"), names("c"), same), op("Add", names("c", "x"), names("d")), op("Exp", names("d"), names("y"))}},
		{name: "numbers for all, and one image for all", batch: 2, consts: []*onnx.Tensor{kernel, initializer("s", wave(4, 2, 1, 1)), image("all", 1)}, outputs: names("y"), parts: map[string]int{"Conv": 2, "Mul": 2, "Sub": 2},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same), op("Mul", names("a", "s"), names("b")), op("Sub", names("all", "b"), names("y"))}},
		{name: "an image for each element", batch: 2, consts: []*onnx.Tensor{kernel, image("each", 2)}, outputs: names("y"), parts: map[string]int{"Conv": 2},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same), op("Sub", names("each", "a"), names("y"))}},
		{name: "rows as many as the batch", batch: 300, image: []int{300, 8}, consts: []*onnx.Tensor{kernel, initializer("rows", wave(5, 300, 1))}, outputs: names("y"), parts: map[string]int{"Mul": 6},
			nodes: []*onnx.Node{op("Mul", names("x", "rows"), names("y"))}},
		{name: "weights that are computed, as many as the batch", batch: 2, consts: nil, more: map[string]*tensor.Tensor{"k": wave(1, 2, 2, 3, 3)}, outputs: names("y"), parts: map[string]int{},
			nodes: []*onnx.Node{op("Conv", names("x", "k"), names("y"), same)}},
		{name: "axes that change places", batch: 2, consts: []*onnx.Tensor{kernel}, outputs: names("y"), parts: map[string]int{"Conv": 2},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same), op("Transpose", names("a"), names("b"), onnx.AttrInts("perm", 1, 0, 2, 3)), op("Concat", names("b", "x"), names("y"), onnx.AttrInt("axis", 0))}},
		{name: "images made larger", batch: 4, consts: []*onnx.Tensor{kernel, initializer("scales", tensor.Must([]float32{1, 1, 2, 2}, 4))}, outputs: names("y"), parts: map[string]int{"Conv": 4, "Resize": 4},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same, onnx.AttrInts("strides", 2, 2)), op("Resize", names("a", "", "scales"), names("y"), onnx.AttrString("mode", "nearest"))}},
		{name: "images made larger, and a little more of them", batch: 4, consts: []*onnx.Tensor{kernel, initializer("scales", tensor.Must([]float32{1.2, 1, 2, 2}, 4))}, outputs: names("y"), parts: map[string]int{"Conv": 4},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same, onnx.AttrInts("strides", 2, 2)), op("Resize", names("a", "", "scales"), names("y"), onnx.AttrString("mode", "nearest"))}},
		{name: "more channels than before", batch: 4, consts: []*onnx.Tensor{kernel, wide}, outputs: names("y"), parts: map[string]int{"Conv": 4, "MaxPool": 4},
			nodes: []*onnx.Node{op("Erf", names("x"), names("e")), op("Conv", names("e", "K"), names("a"), same), op("Conv", names("a", "V"), names("b")), op("MaxPool", names("b"), names("p"), onnx.AttrInts("kernel_shape", 2, 2), onnx.AttrInts("strides", 2, 2)), op("ReduceMean", names("p"), names("y"), onnx.AttrInts("axes", 2, 3))}},
		{name: "several layers", batch: 4, consts: []*onnx.Tensor{kernel, wide}, outputs: names("y"), parts: map[string]int{"Conv": 4},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same), op("Conv", names("a", "K"), names("b"), same), op("Conv", names("b", "K"), names("c"), same), op("Conv", names("c", "V"), names("d")), op("ReduceMean", names("d"), names("y"), onnx.AttrInts("axes", 2, 3))}},
		{name: "weights larger than an image", batch: 20, image: []int{64, 16, 16}, consts: []*onnx.Tensor{initializer("heavy", wave(6, 64, 64, 3, 3))}, outputs: names("y"), parts: map[string]int{},
			nodes: []*onnx.Node{op("Conv", names("x", "heavy"), names("y"), same)}},
		{name: "images cut out by a region", batch: 4, consts: []*onnx.Tensor{kernel, initializer("scales", tensor.Must([]float32{1, 1, 2, 2}, 4)), initializer("roi", tensor.Must([]float32{.5, 0, 0, 0, 1.5, 1, 1, 1}, 8))}, outputs: names("y"), parts: map[string]int{"Conv": 4},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), same, onnx.AttrInts("strides", 2, 2)), op("Resize", names("a", "roi", "scales"), names("y"), onnx.AttrString("mode", "nearest"), onnx.AttrString("coordinate_transformation_mode", "tf_crop_and_resize"))}},
		{name: "small images, a prime number of them", batch: 1009, image: []int{8, 48}, consts: []*onnx.Tensor{initializer("row", wave(7, 4, 8, 3))}, outputs: names("y"), parts: map[string]int{},
			nodes: []*onnx.Node{op("Conv", names("x", "row"), names("y"))}},
		{name: "small images, many of them", batch: 1024, image: []int{8, 48}, consts: []*onnx.Tensor{initializer("row", wave(7, 4, 8, 3))}, outputs: names("y"), parts: map[string]int{"Conv": 4},
			nodes: []*onnx.Node{op("Conv", names("x", "row"), names("y"))}},
		{name: "a single image", batch: 1, consts: []*onnx.Tensor{kernel}, outputs: names("y"), parts: map[string]int{}, nodes: []*onnx.Node{op("Conv", names("x", "K"), names("y"), same)}},
	}
}

// Nodes that take a batch in parts give what the plain interpreter gives, into memory of
// the caller's too, and in little memory.
func TestPartsOfABatch(t *testing.T) {
	shared := []*onnx.Tensor{initializer("zero", tensor.Must([]int64{0}, 1)), initializer("two", tensor.Must([]int64{2}, 1)), initializer("axis", tensor.Must([]int64{1}, 1))}
	for _, c := range partsCases() {
		t.Run(c.name, func(t *testing.T) {
			image := c.image
			if image == nil {
				image = []int{2, 300, 300}
			}
			dims := []any{"n"}
			for _, n := range image {
				dims = append(dims, n)
			}
			of := rewriteCase{opset: 13, in: floats("x", dims...), x: wave(0, append([]int{c.batch}, image...)...), more: c.more, consts: append(c.consts, shared...), nodes: c.nodes, outputs: c.outputs}
			in := map[string]*tensor.Tensor{"x": of.x}
			for k, v := range c.more {
				in[k] = v
			}
			want, err := compile(t, of.model(), runtime.WithLevel(runtime.Plain)).Run(context.Background(), in)
			require.NoError(t, err)
			plan, err := compile(t, of.model(), runtime.WithThreads(1)).Plan(in)
			require.NoError(t, err)
			parts := map[string]int{}
			for _, s := range plan.Steps {
				if s.Parts > 0 {
					parts[strings.TrimPrefix(s.Op, "onda.")] = s.Parts
				}
			}
			require.Equal(t, c.parts, parts, plan)
			whole, err := compile(t, of.model(), runtime.WithoutRewrite("batch-parts"), runtime.WithThreads(1)).Plan(in)
			require.NoError(t, err)
			require.LessOrEqual(t, plan.Arena, whole.Arena+1<<20)

			outs := map[string]*tensor.Tensor{}
			for name, v := range want {
				outs[name] = must(tensor.Zeros(v.DType(), v.Shape()...))
			}
			for _, threads := range []int{1, 2} {
				m := compile(t, of.model(), runtime.WithThreads(threads))
				for range 2 { // memory is reused
					got, err := m.Run(context.Background(), in)
					require.NoError(t, err)
					require.NoError(t, m.RunInto(context.Background(), in, outs))
					for name := range want {
						require.NoError(t, close5.Compare(got[name], want[name]), "output %q", name)
						require.NoError(t, close5.Compare(outs[name], want[name]), "output %q", name)
					}
				}
			}
		})
	}
}

// Each thread has images of its own in a part.
func TestPartsAreLargerForMoreThreads(t *testing.T) {
	c := rewriteCase{opset: 13, in: floats("x", "n", 2, 300, 300), x: wave(0, 8, 2, 300, 300), consts: []*onnx.Tensor{initializer("K", wave(1, 4, 2, 3, 3))}, nodes: []*onnx.Node{op("Conv", names("x", "K"), names("y"))}}
	for threads, parts := range map[int]int{1: 8, 2: 4, 3: 4, 4: 2, 8: 0} {
		plan, err := compile(t, c.model(), runtime.WithThreads(threads)).Plan(map[string]*tensor.Tensor{"x": c.x})
		require.NoError(t, err)
		require.Equal(t, parts, plan.Steps[0].Parts, "%d threads", threads)
		if parts > 0 {
			require.Contains(t, plan.String(), fmt.Sprintf("0:%s, %d parts", plan.Steps[0].Op, parts))
		}
	}
}

// An output may be the memory of the input of which parts are still to be read.
func TestPartsIntoTheirInput(t *testing.T) {
	c := rewriteCase{opset: 13, in: floats("x", "n", 2, 300, 300), x: wave(0, 4, 2, 300, 300), consts: []*onnx.Tensor{initializer("K", wave(1, 2, 2, 3, 3))}, outputs: names("y"),
		nodes: []*onnx.Node{op("Conv", names("x", "K"), names("a"), onnx.AttrInts("pads", 1, 1, 1, 1)), op("Conv", names("a", "K"), names("y"), onnx.AttrInts("pads", 1, 1, 1, 1))}}
	m := compile(t, c.model())
	want, err := m.Run(context.Background(), map[string]*tensor.Tensor{"x": c.x})
	require.NoError(t, err)
	x := c.x.Clone()
	require.NoError(t, m.RunInto(context.Background(), map[string]*tensor.Tensor{"x": x}, map[string]*tensor.Tensor{"y": x}))
	require.Equal(t, tensor.Of[float32](want["y"]), tensor.Of[float32](x))
}

// A countdown is a context that ends after it was asked so often.
type countdown struct {
	context.Context
	asked, most int
}

func (c *countdown) Done() <-chan struct{} {
	done := make(chan struct{})
	if c.asked++; c.asked > c.most {
		close(done)
	}
	return done
}

func (c *countdown) Err() error {
	if c.asked > c.most {
		return context.Canceled
	}
	return nil
}

// A run that is cancelled ends before the next part.
func TestPartsStop(t *testing.T) {
	c := rewriteCase{opset: 13, in: floats("x", "n", 2, 300, 300), x: wave(0, 4, 2, 300, 300), outputs: names("y"),
		nodes: []*onnx.Node{op("Relu", names("x"), names("y"))}}
	m := compile(t, c.model(), runtime.WithThreads(1))
	in := map[string]*tensor.Tensor{"x": c.x}
	whole := &countdown{Context: context.Background(), most: math.MaxInt}
	_, err := m.Run(whole, in)
	require.NoError(t, err)
	half := &countdown{Context: context.Background(), most: whole.asked / 2}
	_, err = m.Run(half, in)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, half.asked, whole.asked)
}
