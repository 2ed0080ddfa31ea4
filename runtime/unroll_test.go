package runtime_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
)

// Loops with bodies drawn at random, within each other, beside Scans and Ifs, give
// the same through the plain interpreter, as loops of a plan and written out.
func TestRandomLoops(t *testing.T) {
	written := 0
	for seed := range uint64(120) {
		m := randomLoop(seed)
		plain := compile(t, m, runtime.WithLevel(runtime.Plain))
		unrolled, looped := compile(t, m), compile(t, m, runtime.WithoutRewrite("unroll"))
		for _, trips := range []int64{3, 0, 1} {
			in := map[string]*tensor.Tensor{"x": tensor.Must([]float32{0.5, -0.25, 1}, 3), "trips": tensor.Scalar(trips)}
			want, err := plain.Run(context.Background(), in)
			require.NoError(t, err, "seed %d", seed)
			for form, other := range map[string]*runtime.Model{"written out": unrolled, "looped": looped} {
				for range 2 { // memory is laid out and reused
					got, err := other.Run(context.Background(), in)
					require.NoError(t, err, "seed %d, %s", seed, form)
					for name := range want {
						require.NoError(t, onnxtest.Tolerance{Rtol: 1e-5, Atol: 1e-6}.Compare(got[name], want[name]), "seed %d, %d trips, %s, output %s", seed, trips, form, name)
					}
				}
			}
			if slices.Contains(stepsOf(t, looped, in), "Loop") && !slices.Contains(stepsOf(t, unrolled, in), "Loop") {
				written++
			}
		}
	}
	require.Greater(t, written, 60, "models without a Loop once they are written out")
}

// A drawer draws a graph. Values are vectors of three floats, counts are scalars of
// int64; own are the names of the values that the graph itself makes, shown of all that
// it makes.
type drawer struct {
	*rand.Rand
	g              *onnx.Graph
	depth          int
	values, counts []string
	own, shown     []string
	made           int
}

// randomLoop is a model with a few Loops.
func randomLoop(seed uint64) *onnx.Model {
	d := &drawer{Rand: rand.New(rand.NewPCG(seed, 7)), g: &onnx.Graph{}}
	d.g.Inputs = []*onnx.ValueInfo{floats("x", 3), ints("trips")}
	d.g.Initializers = []*onnx.Tensor{
		initializer("W", tensor.Must([]float32{.5, -.2, .1, .3, .4, -.6, -.1, .2, .7}, 3, 3)), initializer("rows", tensor.Must([]float32{1, 2, 3, -1, -2, -3, .1, .2, .3, .9, .8, .7}, 4, 3)),
		initializer("k0", tensor.Must([]float32{.1, .2, .3}, 3)), initializer("two", tensor.Scalar[int64](2)), initializer("four", tensor.Scalar[int64](4)), initializer("one", vec[int64](1)),
		initializer("three", vec[int64](3)), initializer("zero", vec[int64](0)), initializer("yes", tensor.Scalar(true)),
		initializer("lstm W", tensor.Must(fill(36), 1, 12, 3)), initializer("lstm R", tensor.Must(fill(36), 1, 12, 3)), initializer("1 1 3", vec[int64](1, 1, 3)),
	}
	d.values, d.counts = names("x", "k0"), names("trips", "two")
	d.some(1 + d.IntN(2))
	for range 1 + d.IntN(2) {
		d.loop()
	}
	d.some(1 + d.IntN(2))
	for _, name := range d.shown[max(0, len(d.shown)-6):] {
		d.g.Outputs = append(d.g.Outputs, &onnx.ValueInfo{Name: name})
	}
	return modelOf(13, d.g)
}

func fill(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i%7)*.1 - .3
	}
	return v
}

// body is a drawer of a subgraph. Bodies beside each other use the same names.
func (d *drawer) body() *drawer {
	return &drawer{Rand: d.Rand, g: &onnx.Graph{Name: "b"}, depth: d.depth + 1, values: slices.Clone(d.values), counts: slices.Clone(d.counts)}
}

func (d *drawer) name() string { d.made++; return fmt.Sprintf("v%d %d", d.depth, d.made) }

func (d *drawer) of(list []string) string { return list[d.IntN(len(list))] }

// value adds a node that makes a value, or a helper's.
func (d *drawer) value(opType string, in []string, attrs ...*onnx.Attribute) string {
	out := d.name()
	d.g.Nodes = append(d.g.Nodes, op(opType, in, names(out), attrs...))
	return out
}

// keep adds a value to those that others read.
func (d *drawer) keep(name string) {
	d.values, d.own, d.shown = append(d.values, name), append(d.own, name), append(d.shown, name)
}

// some adds n nodes, or patterns of nodes.
func (d *drawer) some(n int) {
	for range n {
		a, b := d.of(d.values), d.of(d.values)
		switch d.IntN(13) {
		case 0:
			d.keep(d.value("Tanh", names(d.value("Add", names(a, b)))))
		case 1:
			d.keep(d.value("Tanh", names(d.value("Sub", names(a, b)))))
		case 2:
			d.keep(d.value("Sigmoid", names(d.value("Mul", names(a, b)))))
		case 3:
			d.keep(d.value("Tanh", names(d.value("MatMul", names(a, "W")))))
		case 4:
			d.keep(d.value([]string{"Neg", "Identity", "Abs"}[d.IntN(3)], names(a)))
		case 5:
			d.keep(d.value("Tanh", names(d.value("Add", names(a, d.value("Cast", names(d.of(d.counts)), onnx.AttrInt("to", int64(onnx.Float))))))))
		case 6:
			d.keep(d.value("Gather", names("rows", d.value("Mod", names(d.of(d.counts), "four")))))
		case 7:
			d.keep(d.value("Where", names(d.value("Less", names(d.of(d.counts), d.of(d.counts))), a, b)))
		case 8: // a piece from a place that a count tells
			from := d.value("Reshape", names(d.value("Mod", names(d.of(d.counts), "four")), "one"))
			d.keep(d.value("Slice", names(d.value("Concat", names(a, b, a), onnx.AttrInt("axis", 0)), from, d.value("Add", names(from, "three")))))
		case 9:
			h := d.value("LSTM", names(d.value("Reshape", names(a, "1 1 3")), "lstm W", "lstm R"), onnx.AttrInt("hidden_size", 3))
			d.keep(d.value("Reshape", names(h, "three")))
		case 10:
			d.branches()
		case 11:
			d.scan()
		case 12:
			if d.depth < 2 {
				d.loop()
			}
		}
	}
}

// branches adds an If, whose condition may be known.
func (d *drawer) branches() {
	var of [2]*drawer
	for i := range of {
		of[i] = d.body()
		of[i].some(1)
		if len(of[i].own) == 0 {
			of[i].keep(of[i].value("Neg", names(d.of(d.values))))
		}
		of[i].g.Outputs = []*onnx.ValueInfo{{Name: of[i].of(of[i].own)}}
	}
	cond := "yes"
	if d.IntN(4) > 0 {
		cond = d.value("Less", names(d.of(d.counts), d.of(d.counts)))
	}
	d.keep(d.value("If", names(cond), onnx.AttrGraph("then_branch", of[0].g), onnx.AttrGraph("else_branch", of[1].g)))
}

// scan adds a Scan over the rows.
func (d *drawer) scan() {
	b := d.body()
	b.g.Inputs = []*onnx.ValueInfo{floats("state", 3), floats("row", 3)}
	b.values, b.own = append(b.values, "state", "row"), names("state", "row")
	b.some(1 + d.IntN(2))
	b.keep(b.value("Tanh", names(b.value("Add", names("state", b.of(b.own))))))
	b.g.Outputs = []*onnx.ValueInfo{{Name: b.own[len(b.own)-1]}, {Name: b.of(b.own)}}
	last, rows := d.name(), d.name()
	d.g.Nodes = append(d.g.Nodes, op("Scan", names(d.of(d.values), "rows"), names(last, rows), onnx.AttrGraph("body", b.g), onnx.AttrInt("num_scan_inputs", 1)))
	d.keep(last)
	d.keep(d.value("ReduceMax", names(rows), onnx.AttrInts("axes", 0), onnx.AttrInt("keepdims", 0)))
}

// loop adds a Loop: some states, which may change places, stand still or grow; a
// count that is carried; what each trip makes; a condition, which may end it.
func (d *drawer) loop() {
	b := d.body()
	b.g.Inputs = []*onnx.ValueInfo{ints(b.name()), value("go", onnx.Bool)}
	count, in, outs := b.g.Inputs[0].Name, names(d.of(append(d.counts, "two", "four"))), []string(nil)
	b.counts = append(b.counts, count)
	in = append(in, []string{"", "yes"}[d.IntN(2)])
	for range 1 + d.IntN(3) {
		s := b.name()
		b.g.Inputs, in, outs = append(b.g.Inputs, floats(s, 3)), append(in, d.of(d.values)), append(outs, d.name())
		b.values, b.own = append(b.values, s), append(b.own, s)
	}
	floating := len(outs)
	b.some(1 + d.IntN(4))
	again := "go"
	switch d.IntN(5) {
	case 0:
		again = b.value("Constant", nil, onnx.AttrTensor("value", initializer("", tensor.Scalar(true))))
	case 1:
		again = b.value("Identity", names("go"))
	case 2:
		again = b.value("Less", names(count, d.of(b.counts)))
	}
	b.g.Outputs = []*onnx.ValueInfo{{Name: again}}
	for range floating {
		b.g.Outputs = append(b.g.Outputs, &onnx.ValueInfo{Name: b.of(b.own)})
	}
	if d.IntN(2) == 0 { // a count
		b.g.Inputs, in, outs = append(b.g.Inputs, ints("count")), append(in, d.of(d.counts)), append(outs, d.name())
		b.g.Outputs = append(b.g.Outputs, &onnx.ValueInfo{Name: b.value("Add", names("count", d.of(append(b.counts, "two"))))})
	}
	if d.IntN(3) == 0 { // longer with each trip
		b.g.Inputs, in, outs = append(b.g.Inputs, floats("long", "n")), append(in, d.of(d.values)), append(outs, d.name())
		b.g.Outputs = append(b.g.Outputs, &onnx.ValueInfo{Name: b.value("Concat", names("long", b.of(b.values)), onnx.AttrInt("axis", 0))})
		d.shown = append(d.shown, outs[len(outs)-1])
	}
	for i := range floating {
		d.keep(outs[i])
	}
	var stacks []string
	for range d.IntN(3) {
		stacks = append(stacks, d.name())
		row := floats(b.of(b.own), 3)
		if d.IntN(4) == 0 {
			row = ints(count)
		}
		b.g.Outputs = append(b.g.Outputs, row) // with a type, which no trip would tell
	}
	d.shown = append(d.shown, stacks...)
	d.g.Nodes = append(d.g.Nodes, op("Loop", in, append(outs, stacks...), onnx.AttrGraph("body", b.g)))
}
