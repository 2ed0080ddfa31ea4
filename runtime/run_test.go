package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// probe is an operator of a user's own: it hands its input on after calling
// what the test gave it.
type probe struct{ call func(c *ops.Ctx) error }

func (probe) Infer(c *ops.Infer) error { c.SameAs(0, 0); return nil }
func (p probe) Run(c *ops.Ctx) error {
	if err := p.call(c); err != nil {
		return err
	}
	return c.SetOut(0, c.In(0))
}

// withProbe adds test.Probe to the standard operators.
func withProbe(t testing.TB, call func(c *ops.Ctx) error) runtime.Option {
	set, err := ops.Standard().With(ops.Op{Name: "Probe", Domain: "test", Versions: []ops.Version{
		{Since: 1, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: func(*ops.Attrs) (ops.Kernel, error) { return probe{call}, nil }},
	}})
	require.NoError(t, err)
	return runtime.WithOps(set)
}

func probeOp(in, out string) *onnx.Node {
	return &onnx.Node{OpType: "Probe", Domain: "test", Name: "probe", Inputs: names(in), Outputs: names(out)}
}

// Many goroutines share one model, with more shapes than plans are kept for and
// through every entry point; each gets the outputs that belong to its inputs.
// Run with -race this shows that plans, caches and memory are not shared.
func TestOneModelManyGoroutines(t *testing.T) {
	for _, name := range []string{"recurrent/lstm_forecaster", "seq2seq/loop_cells", "seq2seq/if_branches"} {
		t.Run(name, func(t *testing.T) {
			m, in, _ := testModel(t, name, runtime.WithThreads(2))
			plain, _, _ := testModel(t, name, runtime.WithLevel(runtime.Plain), runtime.WithThreads(1))
			x := m.Inputs()[0].Name
			batch := 0
			for i, d := range m.Inputs()[0].Shape {
				if d.Size < 0 {
					batch = i
					break
				}
			}
			// Cases differ in the extent of the first symbolic dimension and in values.
			const kinds = 20
			inputs, want := make([]map[string]*tensor.Tensor, kinds), make([]map[string]*tensor.Tensor, kinds)
			for k := range kinds {
				inputs[k] = map[string]*tensor.Tensor{}
				for name, v := range in {
					inputs[k][name] = v
				}
				shape := append([]int(nil), in[x].Shape()...)
				shape[batch] = 1 + k
				v, err := tensor.Zeros(tensor.Float32, shape...)
				require.NoError(t, err)
				for i, d := 0, tensor.Of[float32](v); i < len(d); i++ {
					d[i] = float32(math.Sin(float64(i * (k + 1))))
				}
				inputs[k][x] = v
				want[k], err = plain.Run(context.Background(), inputs[k])
				if err != nil { // another input has the same symbol
					inputs[k] = in
					want[k], err = plain.Run(context.Background(), in)
				}
				require.NoError(t, err)
			}
			var wg sync.WaitGroup
			var failed atomic.Pointer[error]
			for g := range 16 {
				wg.Go(func() {
					for i := range 12 {
						k := (g*7 + i*3) % kinds
						if err := runEither(m, inputs[k], want[k], (g+i)%2 == 0); err != nil {
							failed.Store(&err)
						}
					}
				})
			}
			wg.Wait()
			if err := failed.Load(); err != nil {
				t.Fatal(*err)
			}
		})
	}
}

func runEither(m *runtime.Model, in, want map[string]*tensor.Tensor, into bool) error {
	got := map[string]*tensor.Tensor{}
	var err error
	if into {
		for k, v := range want {
			if got[k], err = tensor.Zeros(v.DType(), v.Shape()...); err != nil {
				return err
			}
		}
		err = m.RunInto(context.Background(), in, got)
	} else {
		got, err = m.Run(context.Background(), in)
	}
	if err != nil {
		return err
	}
	for k := range want {
		if err := close5.Compare(got[k], want[k]); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	return nil
}

// What a run returns stays as it is while the model runs again, and can be
// written to without harm.
func TestOutputsAreTheCallers(t *testing.T) {
	one := tensor.Must([]float32{1, 1}, 2)
	g := &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{floats("x", 2)},
		Initializers: []*onnx.Tensor{initializer("one", one)},
		Nodes: []*onnx.Node{
			op("Add", names("x", "one"), names("y")),
			op("Identity", names("y"), names("same")),
			op("Identity", names("x"), names("input")),
			op("Identity", names("one"), names("constant")),
			op("Unsqueeze", names("y", "axis"), names("view")),
			op("Unsqueeze", names("x", "axis"), names("inputView")),
		},
		Outputs: []*onnx.ValueInfo{floats("y", 2), floats("same", 2), floats("input", 2), floats("constant", 2), floats("view", 1, 2), floats("inputView", 1, 2)},
	}
	g.Initializers = append(g.Initializers, initializer("axis", tensor.Must([]int64{0}, 1)))
	m := compile(t, modelOf(13, g))
	x := tensor.Must([]float32{1, 2}, 2)
	for range 2 {
		out, err := m.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
		require.NoError(t, err)
		require.Equal(t, []float32{2, 3}, tensor.Of[float32](out["y"]))
		require.Equal(t, []float32{2, 3}, tensor.Of[float32](out["same"]))
		require.Equal(t, []float32{2, 3}, tensor.Of[float32](out["view"]))
		require.Equal(t, []float32{1, 2}, tensor.Of[float32](out["input"]))
		require.Equal(t, []float32{1, 2}, tensor.Of[float32](out["inputView"]))
		require.Equal(t, []float32{1, 1}, tensor.Of[float32](out["constant"]))
		for _, v := range out {
			for i := range tensor.Of[float32](v) {
				tensor.Of[float32](v)[i] = 99
			}
		}
		require.Equal(t, []float32{1, 2}, tensor.Of[float32](x))
	}
}

// A node runs only if an output that the caller asked for needs it.
func TestOnlyWantedOutputsAreComputed(t *testing.T) {
	var runs atomic.Int32
	g := &onnx.Graph{
		Inputs:  []*onnx.ValueInfo{floats("x", "n")},
		Nodes:   []*onnx.Node{probeOp("x", "p"), op("Neg", names("p"), names("a")), op("Exp", names("x"), names("b"))},
		Outputs: []*onnx.ValueInfo{floats("a", "n"), floats("b", "n")},
	}
	m := compile(t, modelOf(13, g), withProbe(t, func(*ops.Ctx) error { runs.Add(1); return nil }))
	x := map[string]*tensor.Tensor{"x": tensor.Must([]float32{0}, 1)}
	out, err := m.Run(context.Background(), x, "b")
	require.NoError(t, err)
	require.Len(t, out, 1)
	require.Equal(t, []float32{1}, tensor.Of[float32](out["b"]))
	require.Zero(t, runs.Load())
	_, err = m.Run(context.Background(), x)
	require.NoError(t, err)
	require.EqualValues(t, 1, runs.Load())
}

// A panic in an operator is an error of that node; the model goes on working.
func TestPanicsBecomeErrors(t *testing.T) {
	bad := true
	g := &onnx.Graph{
		Inputs:  []*onnx.ValueInfo{floats("x", "n")},
		Nodes:   []*onnx.Node{probeOp("x", "y")},
		Outputs: []*onnx.ValueInfo{floats("y", "n")},
	}
	for _, l := range levels {
		bad = true
		m := compile(t, modelOf(13, g), runtime.WithLevel(l.level), withProbe(t, func(*ops.Ctx) error {
			if bad {
				panic("ouch")
			}
			return nil
		}))
		x := map[string]*tensor.Tensor{"x": tensor.Must([]float32{7}, 1)}
		_, err := m.Run(context.Background(), x)
		require.ErrorIs(t, err, runtime.ErrInternal)
		require.EqualError(t, err, `runtime: node "probe" (test.Probe, opset 1): internal error: ouch`)
		var at *runtime.OpError
		require.ErrorAs(t, err, &at)
		require.Equal(t, "probe", at.Node)
		bad = false
		out, err := m.Run(context.Background(), x)
		require.NoError(t, err)
		require.Equal(t, []float32{7}, tensor.Of[float32](out["y"]))
	}
}

// counter is a graph that adds 1 to x as often as trips says, each time through
// an inner node.
func counter(inner func(in, out string) *onnx.Node) *onnx.Graph {
	body := &onnx.Graph{
		Name:         "body",
		Inputs:       []*onnx.ValueInfo{ints("i"), value("go", onnx.Bool), floats("v", 1)},
		Initializers: []*onnx.Tensor{initializer("one", tensor.Must([]float32{1}, 1))},
		Nodes:        []*onnx.Node{inner("v", "w"), op("Add", names("w", "one"), names("sum")), op("Identity", names("go"), names("again"))},
		Outputs:      []*onnx.ValueInfo{value("again", onnx.Bool), floats("sum", 1), floats("sum", 1)},
	}
	return &onnx.Graph{
		Inputs:  []*onnx.ValueInfo{ints("trips"), floats("x", 1)},
		Nodes:   []*onnx.Node{op("Loop", names("trips", "", "x"), names("last", "all"), onnx.AttrGraph("body", body))},
		Outputs: []*onnx.ValueInfo{floats("last", 1), floats("all", "trips", 1)},
	}
}

func identity(in, out string) *onnx.Node { return op("Identity", names(in), names(out)) }

func TestLoop(t *testing.T) {
	for _, l := range levels {
		m := compile(t, modelOf(13, counter(identity)), runtime.WithLevel(l.level))
		for _, trips := range []int64{3, 0, 1, 3} {
			out, err := m.Run(context.Background(), map[string]*tensor.Tensor{"trips": tensor.Scalar(trips), "x": tensor.Must([]float32{0.5}, 1)})
			require.NoError(t, err)
			require.Equal(t, []float32{0.5 + float32(trips)}, tensor.Of[float32](out["last"]))
			want := make([]float32, trips)
			for i := range want {
				want[i] = 1.5 + float32(i)
			}
			require.Equal(t, tensor.Shape{int(trips), 1}, out["all"].Shape())
			require.Equal(t, want, tensor.Of[float32](out["all"]))
		}
	}
}

// A cancelled context ends a run within 50 ms, in a kernel's own loop and in a
// graph's.
func TestCancel(t *testing.T) {
	cause := errors.New("no longer needed")
	for _, l := range levels {
		t.Run(l.name+"/loop", func(t *testing.T) {
			m := compile(t, modelOf(13, counter(identity)), runtime.WithLevel(l.level))
			in := map[string]*tensor.Tensor{"trips": tensor.Scalar[int64](1 << 40), "x": tensor.Must([]float32{0}, 1)}
			requireCancelled(t, cause, func(ctx context.Context) error {
				_, err := m.Run(ctx, in, "last")
				return err
			})
		})
		t.Run(l.name+"/lstm", func(t *testing.T) {
			const hidden, steps = 128, 1 << 16
			weights := func(shape ...int) *tensor.Tensor {
				w, err := tensor.Zeros(tensor.Float32, shape...)
				require.NoError(t, err)
				return w
			}
			g := &onnx.Graph{
				Inputs:       []*onnx.ValueInfo{floats("x", "t", "b", 1)},
				Initializers: []*onnx.Tensor{initializer("W", weights(1, 4*hidden, 1)), initializer("R", weights(1, 4*hidden, hidden))},
				Nodes:        []*onnx.Node{op("LSTM", names("x", "W", "R"), names("", "h"), onnx.AttrInt("hidden_size", hidden))},
				Outputs:      []*onnx.ValueInfo{floats("h", 1, "b", hidden)},
			}
			m := compile(t, modelOf(14, g), runtime.WithLevel(l.level))
			in := map[string]*tensor.Tensor{"x": weights(steps, 8, 1)}
			requireCancelled(t, cause, func(ctx context.Context) error {
				_, err := m.Run(ctx, in)
				return err
			})
		})
	}
}

// requireCancelled asks for 50 ms of work at most after the end of the context,
// and takes the least of a few tries for it: the machine that tests run on is
// shared.
func requireCancelled(t *testing.T, cause error, run func(ctx context.Context) error) {
	t.Helper()
	const enough = 250 * time.Millisecond
	least := time.Hour
	for try := 0; try < 5 && least > enough; try++ {
		ctx, cancel := context.WithCancelCause(context.Background())
		var at atomic.Int64
		time.AfterFunc(100*time.Millisecond, func() { at.Store(time.Now().UnixNano()); cancel(cause) })
		require.ErrorIs(t, run(ctx), cause)
		least = min(least, time.Duration(time.Now().UnixNano()-at.Load()))
	}
	require.Less(t, least, enough)
}
