package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/kernel/alloctest"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// encoders is a graph of two recurrent layers that read x (t, b, 8), each with
// values before and after it, and one layer that reads both.
func encoders(hidden int) *onnx.Graph {
	weights := func(name string, gates, input int) []*onnx.Tensor {
		w, r := wave(float64(input), 1, gates*hidden, input), wave(float64(gates), 1, gates*hidden, hidden)
		for _, t := range []*tensor.Tensor{w, r} {
			for i := range tensor.Of[float32](t) {
				tensor.Of[float32](t)[i] *= 0.1
			}
		}
		return []*onnx.Tensor{initializer("W"+name, w), initializer("R"+name, r)}
	}
	size := onnx.AttrInt("hidden_size", int64(hidden))
	g := &onnx.Graph{
		Inputs:  []*onnx.ValueInfo{floats("x", "t", "b", 8)},
		Outputs: []*onnx.ValueInfo{{Name: "y"}, {Name: "h"}},
		Nodes: []*onnx.Node{
			op("Exp", names("x"), names("e")), op("LSTM", names("e", "Wl", "Rl"), names("l", "lh"), size), op("Neg", names("l"), names("ln")),
			op("Tanh", names("x"), names("s")), op("GRU", names("s", "Wg", "Rg"), names("g"), size, onnx.AttrString("direction", "reverse")), op("Relu", names("g"), names("gr")),
			op("Concat", names("ln", "gr"), names("j"), onnx.AttrInt("axis", 3)), op("Squeeze", names("j", "one"), names("c")),
			op("RNN", names("c", "Wr", "Rr"), names("y"), size), op("Add", names("lh", "lh"), names("h")),
		},
		Initializers: []*onnx.Tensor{initializer("one", tensor.Must([]int64{1}, 1))},
	}
	for _, w := range [][]*onnx.Tensor{weights("l", 4, 8), weights("g", 3, 8), weights("r", 1, 2*hidden)} {
		g.Initializers = append(g.Initializers, w...)
	}
	return g
}

// Recurrent layers that don't depend on each other run side by side where they
// are worth it, and give the bits they give one by one.
func TestStepsSideBySide(t *testing.T) {
	groups := func(m *runtime.Model, in map[string]*tensor.Tensor) string {
		p, err := m.Plan(in)
		require.NoError(t, err)
		var list []string
		for _, s := range p.Steps {
			if s.Group > 0 {
				list = append(list, fmt.Sprint(s.Op, s.Group))
			}
		}
		return strings.Join(list, " ")
	}
	model := modelOf(14, encoders(64))
	long, short := map[string]*tensor.Tensor{"x": wave(0, 40, 3, 8)}, map[string]*tensor.Tensor{"x": wave(0, 2, 1, 8)}
	want, err := compile(t, model, runtime.WithLevel(runtime.Plain), runtime.WithThreads(1)).Run(context.Background(), long)
	require.NoError(t, err)
	turn := compile(t, model, runtime.WithThreads(2), runtime.WithStepsInTurn())
	require.Empty(t, groups(turn, long))
	inTurn, err := turn.Run(context.Background(), long)
	require.NoError(t, err)
	for threads, expected := range map[int]string{1: "", 2: "LSTM1 GRU1", 3: "LSTM1 GRU1", 4: ""} {
		m := compile(t, model, runtime.WithThreads(threads))
		require.Equal(t, expected, groups(m, long), "%d threads", threads)
		require.Empty(t, groups(m, short), "too little work")
		for range 3 {
			got, err := m.Run(context.Background(), long)
			require.NoError(t, err)
			for name := range want {
				require.NoError(t, close5.Compare(got[name], want[name]))
				require.Equal(t, inTurn[name].Bytes(), got[name].Bytes(), "%d threads, output %q", threads, name)
			}
		}
	}
	p, err := compile(t, model, runtime.WithThreads(2)).Plan(long)
	require.NoError(t, err)
	require.Contains(t, p.String(), "|LSTM")
}

// Many runs share the model and its threads; a run with a limit, or with a
// profile, takes its steps in turn.
func TestStepsSideBySideShared(t *testing.T) {
	model, in := modelOf(14, encoders(64)), map[string]*tensor.Tensor{"x": wave(0, 40, 3, 8)}
	m := compile(t, model, runtime.WithThreads(2))
	want, err := m.Run(context.Background(), in)
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			out := map[string]*tensor.Tensor{"y": want["y"].Clone(), "h": want["h"].Clone()}
			for range 5 {
				if err := m.RunInto(context.Background(), in, out); err != nil || string(out["y"].Bytes()) != string(want["y"].Bytes()) {
					t.Errorf("y differs, or %v", err)
				}
			}
		})
	}
	group.Wait()
	limited, err := compile(t, model, runtime.WithThreads(2), runtime.WithMemoryLimit(64<<20)).Run(context.Background(), in)
	require.NoError(t, err)
	require.Equal(t, want["y"].Bytes(), limited["y"].Bytes())
	times, err := m.Profile(context.Background(), in)
	require.NoError(t, err)
	require.Len(t, times, 9)
	if !raceEnabled {
		out := map[string]*tensor.Tensor{"y": want["y"].Clone(), "h": want["h"].Clone()}
		require.Zero(t, alloctest.PerRun(20, func() { _ = m.RunInto(context.Background(), in, out) }))
	}
}

// faulty is a Chained kernel that gives y = x after it did what it is made for.
type faulty struct{ do func(c *ops.Ctx) error }

func (faulty) Chains([]ops.Fact) (int, int) { return 1, 1 << 30 }
func (faulty) Infer(c *ops.Infer) error     { c.SameAs(0, 0); return nil }
func (k faulty) Run(c *ops.Ctx) error {
	if err := k.do(c); err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Float32, c.In(0).Shape()...)
	if err != nil {
		return err
	}
	return y.CopyFrom(c.In(0))
}

// What fails beside another step is named, the first in order; a cancelled run
// ends all.
func TestStepsSideBySideFail(t *testing.T) {
	kernelOf := func(name string, do func(c *ops.Ctx) error) ops.Op {
		return ops.Op{Name: name, Domain: "test", Versions: []ops.Version{{Since: 1, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1,
			New: func(*ops.Attrs) (ops.Kernel, error) { return faulty{do}, nil }}}}
	}
	set, err := ops.Standard().With(
		kernelOf("Fine", func(*ops.Ctx) error { return nil }),
		kernelOf("Broken", func(*ops.Ctx) error { return errors.New("broken") }),
		kernelOf("Panics", func(*ops.Ctx) error { panic("out of order") }),
		kernelOf("Waits", func(c *ops.Ctx) error {
			for c.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			return c.Err()
		}))
	require.NoError(t, err)
	load := func(first, second string) *runtime.Model {
		g := &onnx.Graph{Inputs: []*onnx.ValueInfo{floats("x", 4)}, Outputs: []*onnx.ValueInfo{{Name: "y"}}, Nodes: []*onnx.Node{
			op(first, names("x"), names("a")), op(second, names("x"), names("b")), op("Add", names("a", "b"), names("y"))}}
		g.Nodes[0].Domain, g.Nodes[1].Domain = "test", "test"
		g.Nodes[0].Name, g.Nodes[1].Name = "first", "second"
		m := modelOf(14, g)
		m.OpsetImports = append(m.OpsetImports, onnx.OpsetImport{Domain: "test", Version: 1})
		return compile(t, m, runtime.WithOps(set), runtime.WithThreads(2))
	}
	in := map[string]*tensor.Tensor{"x": wave(0, 4)}
	for _, c := range [][3]string{
		{"Fine", "Broken", `node "second"`}, {"Broken", "Panics", `node "first"`}, {"Panics", "Broken", `node "first"`},
	} {
		m := load(c[0], c[1])
		for range 2 {
			_, err := m.Run(context.Background(), in)
			require.ErrorContains(t, err, c[2])
			require.Equal(t, c[0] == "Panics", errors.Is(err, runtime.ErrInternal))
		}
	}
	cause := errors.New("no longer needed")
	requireCancelled(t, cause, func(ctx context.Context) error {
		_, err := load("Waits", "Waits").Run(ctx, in)
		return err
	})
}

// stack is a graph of three forward layers and one that reads the second, with
// what PyTorch's exporter writes between them.
func stack(op1, op2, op3 string, hidden int) *onnx.Graph {
	gates := map[string]int{"LSTM": 4, "GRU": 3, "RNN": 1}
	size := onnx.AttrInt("hidden_size", int64(hidden))
	g := &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{floats("x", "t", "b", 8)},
		Outputs:      []*onnx.ValueInfo{{Name: "y"}, {Name: "z"}, {Name: "h"}},
		Initializers: []*onnx.Tensor{initializer("one", tensor.Must([]int64{1}, 1))},
	}
	layer := func(kind, name, in string, input int) {
		w, r := wave(float64(input), 1, gates[kind]*hidden, input), wave(float64(len(name)), 1, gates[kind]*hidden, hidden)
		for _, t := range []*tensor.Tensor{w, r} {
			for i := range tensor.Of[float32](t) {
				tensor.Of[float32](t)[i] *= 0.1
			}
		}
		g.Initializers = append(g.Initializers, initializer("W"+name, w), initializer("R"+name, r))
		g.Nodes = append(g.Nodes, op(kind, names(in, "W"+name, "R"+name), names("Y"+name, "H"+name), size))
	}
	squeeze := func(in, out string) { g.Nodes = append(g.Nodes, op("Squeeze", names(in, "one"), names(out))) }
	layer(op1, "1", "x", 8)
	squeeze("Y1", "y1")
	layer(op2, "22", "y1", hidden)
	squeeze("Y22", "y22")
	layer(op3, "3", "y22", hidden)
	squeeze("Y3", "y")
	layer("GRU", "44", "y22", hidden)
	squeeze("Y44", "z")
	g.Nodes = append(g.Nodes, op("Concat", names("H1", "H22", "H3", "H44"), names("h"), onnx.AttrInt("axis", 0)))
	return g
}

// The layers of a stack run at the same time, the second on what the first has
// made so far, and give what they give one by one.
func TestStackedLayersSideBySide(t *testing.T) {
	for _, kinds := range [][3]string{{"LSTM", "LSTM", "LSTM"}, {"GRU", "LSTM", "GRU"}, {"LSTM", "GRU", "RNN"}} {
		model := modelOf(14, stack(kinds[0], kinds[1], kinds[2], 72))
		for _, batch := range []int{1, 3, 16} {
			in := map[string]*tensor.Tensor{"x": wave(0, 75, batch, 8)}
			want, err := compile(t, model, runtime.WithLevel(runtime.Plain), runtime.WithThreads(1)).Run(context.Background(), in)
			require.NoError(t, err)
			var first map[string]*tensor.Tensor
			for _, threads := range []int{2, 3} {
				m := compile(t, model, runtime.WithThreads(threads))
				p, err := m.Plan(in)
				require.NoError(t, err)
				if stacked := p.Steps[0].Group > 0 && p.Steps[0].Group == p.Steps[1].Group; stacked != (batch < 16) {
					t.Errorf("%v, batch %d, %d threads: %v", kinds, batch, threads, p)
				}
				for range 10 {
					got, err := m.Run(context.Background(), in)
					require.NoError(t, err)
					if first == nil {
						first = got
					}
					for name := range want {
						require.NoError(t, close5.Compare(got[name], want[name]))
						require.Equal(t, first[name].Bytes(), got[name].Bytes(), "output %q", name)
					}
				}
				limited, err := compile(t, model, runtime.WithThreads(threads), runtime.WithMemoryLimit(64<<20)).Run(context.Background(), in)
				require.NoError(t, err)
				require.Equal(t, first["y"].Bytes(), limited["y"].Bytes())
				_, err = m.Profile(context.Background(), in)
				require.NoError(t, err)
			}
		}
	}
}

// Where the first layer ends early, whoever waits for it ends too.
func TestStackedLayersStop(t *testing.T) {
	m := compile(t, modelOf(14, stack("LSTM", "LSTM", "LSTM", 72)), runtime.WithThreads(2))
	in := map[string]*tensor.Tensor{"x": wave(0, 4000, 1, 8)}
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		_, err := m.Run(ctx, in)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	_, err := m.Run(context.Background(), in)
	require.NoError(t, err)
}

// A recurrent layer that is small beside another leaves it all threads.
func TestSmallStepsDontRunBesideLargeOnes(t *testing.T) {
	const hidden = 64
	g := &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{floats("x", "t", 1, 8), floats("z", "u", 1, 8)},
		Outputs:      []*onnx.ValueInfo{{Name: "y"}, {Name: "v"}},
		Initializers: []*onnx.Tensor{initializer("W", wave(1, 1, 4*hidden, 8)), initializer("R", wave(2, 1, 4*hidden, hidden))},
		Nodes: []*onnx.Node{
			op("LSTM", names("x", "W", "R"), names("y"), onnx.AttrInt("hidden_size", hidden)),
			op("LSTM", names("z", "W", "R"), names("v"), onnx.AttrInt("hidden_size", hidden)),
		},
	}
	m := compile(t, modelOf(14, g), runtime.WithThreads(2))
	for _, c := range []struct {
		x, z     int
		together bool
	}{{700, 100, false}, {100, 700, false}, {700, 200, true}, {200, 700, true}} {
		p, err := m.Plan(map[string]*tensor.Tensor{"x": wave(0, c.x, 1, 8), "z": wave(1, c.z, 1, 8)})
		require.NoError(t, err)
		for _, s := range p.Steps {
			require.Equal(t, c.together, s.Group > 0, "%v", c)
		}
	}
}
