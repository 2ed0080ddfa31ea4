package runtime

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// The cache keeps the plans that were used last and makes each once, however
// many runs ask for it at the same time.
func TestPlansAreBoundedAndMadeOnce(t *testing.T) {
	var made atomic.Int32
	c := &plans{}
	get := func(n int) *plan {
		given := []tensor.Value{tensor.Must(make([]float32, n), n)}
		p, err := c.get(context.Background(), given, nil, func(k *key) (*plan, error) {
			made.Add(1)
			time.Sleep(time.Millisecond)
			return &plan{key: k, arena: n}, nil
		})
		require.NoError(t, err)
		return p
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if p := get(7); p.arena != 7 {
				t.Error("another shape's plan")
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, made.Load())
	for n := range 3 * maxPlans {
		require.Equal(t, n, get(n).arena)
		get(7) // stays, being used
		require.LessOrEqual(t, len(*c.list.Load()), maxPlans)
	}
	before := made.Load()
	get(7)
	get(3*maxPlans - 1)
	require.Equal(t, before, made.Load())
	get(0) // the oldest are gone
	require.Equal(t, before+1, made.Load())
}

// horizonModel repeats x (1) to y (horizon), a shape that only the input's value
// tells.
func horizonModel() *onnx.Model {
	return &onnx.Model{IRVersion: 8, OpsetImports: []onnx.OpsetImport{{Version: 13}}, Graph: &onnx.Graph{
		Name:   "g",
		Inputs: []*onnx.ValueInfo{onnx.TensorValue("x", onnx.Float, onnx.DimValue(1)), onnx.TensorValue("horizon", onnx.Int64, onnx.DimValue(1)), onnx.TensorValue("ids", onnx.Int64, onnx.DimValue(2))},
		Nodes: []*onnx.Node{
			{OpType: "Expand", Inputs: []string{"x", "horizon"}, Outputs: []string{"e"}},
			{OpType: "Gather", Inputs: []string{"e", "ids"}, Outputs: []string{"z"}},
			{OpType: "Exp", Inputs: []string{"e"}, Outputs: []string{"y"}},
		},
		Outputs: []*onnx.ValueInfo{onnx.TensorValue("y", onnx.Float, onnx.DimParam("horizon")), onnx.TensorValue("z", onnx.Float, onnx.DimValue(2))},
	}}
}

// A small integer input that shapes depend on is part of what a plan is made
// for, one that is only data isn't; and when such a value never stays the same,
// plans do without it.
func TestValuesThatShapesDependOn(t *testing.T) {
	m, err := Compile(horizonModel())
	require.NoError(t, err)
	run := func(horizon, id int64) {
		t.Helper()
		out, err := m.Run(context.Background(), map[string]*tensor.Tensor{"x": tensor.Must([]float32{0}, 1),
			"horizon": tensor.Must([]int64{horizon}, 1), "ids": tensor.Must([]int64{0, id}, 2)})
		require.NoError(t, err)
		require.Equal(t, tensor.Shape{int(horizon)}, out["y"].Shape())
		require.Equal(t, []float32{0, 0}, tensor.Of[float32](out["z"]))
	}
	run(24, 1)
	require.Equal(t, []bool{false, true, false}, *m.valued.Load())
	plans := len(*m.plans.list.Load())
	run(24, 2)
	require.Len(t, *m.plans.list.Load(), plans, "another id needs no other plan")
	for _, e := range *m.plans.list.Load() {
		require.Zero(t, e.plan.unknown())
	}
	for h := range int64(100) {
		run(3+h, 1)
	}
	require.Equal(t, []bool{false, false, false}, *m.valued.Load())
	run(1000, 999)
}
