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
		require.Zero(t, testing.AllocsPerRun(20, func() { _ = m.RunInto(context.Background(), in, out) }))
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
