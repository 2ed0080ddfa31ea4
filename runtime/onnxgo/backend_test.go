package onnxgo

import (
	"fmt"
	"math"
	"reflect"
	"sort"
	"testing"

	onnxgo "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx"
	"github.com/stretchr/testify/require"
	gorgonia "gorgonia.org/tensor"
)

var _ backend.ComputationBackend = (*Graph)(nil)

// A row is a case that onnx-go's own harness can't let pass, and what holds of
// it all the same.
type row struct {
	reason string
	check  func(t *testing.T, got, want []gorgonia.Tensor, err error)
}

var (
	// The harness allows 1e-6, absolutely, of values whose float32 neighbours
	// are further away than that.
	spacing = row{"the tolerance is below the spacing of float32 at the value", nearNeighbours}
	// The test data give a scalar the shape (1).
	scalar = row{"the expected scalar has lost its rank", sameValues}
	// The expected values are written with four decimals.
	decimals = row{"the expected values are rounded to four decimals", fourDecimals}
	// The decoder refuses attributes that are graphs before any backend sees
	// them.
	subgraph = row{"the decoder has no subgraphs", refusedByDecoder}
)

var rows = map[string]row{
	"TestPow":                                      spacing,
	"TestReduceL1DefaultAxesKeepdimsRandom":        spacing,
	"TestReduceProdDefaultAxesKeepdimsRandom":      spacing,
	"TestReduceSumSquareDefaultAxesKeepdimsRandom": spacing,
	"TestRoialign":                                 decimals,
	"TestSize":                                     scalar,
	"TestSizeExample":                              scalar,
	"TestScan9Sum":                                 subgraph,
}

// TestBackend runs every node test that onnx-go registers.
func TestBackend(t *testing.T) {
	var cases []*testbackend.TestCase
	for _, construct := range testbackend.GetAllRegisteredTests() {
		cases = append(cases, construct())
	}
	sort.Slice(cases, func(i, j int) bool { return cases[i].Title < cases[j].Title })
	require.Len(t, cases, 348)
	for _, c := range cases {
		if r, special := rows[c.Title]; special {
			t.Run(c.Title, func(t *testing.T) {
				got, err := compute(c)
				t.Log(r.reason)
				r.check(t, got, c.ExpectedOutput, err)
			})
			continue
		}
		t.Run(c.Title, func(t *testing.T) {
			defer func() { require.False(t, c.Skipped, "the harness skipped it: the backend lacks the operator") }()
			c.RunTest(NewGraph(), false)(t)
		})
	}
}

// compute does what the harness does before it compares.
func compute(c *testbackend.TestCase) ([]gorgonia.Tensor, error) {
	g := NewGraph()
	m := onnxgo.NewModel(g)
	if err := m.UnmarshalBinary(c.ModelB); err != nil {
		return nil, err
	}
	for i, x := range c.Input {
		if err := m.SetInput(i, x); err != nil {
			return nil, err
		}
	}
	if err := g.Run(); err != nil {
		return nil, err
	}
	return m.GetOutputTensors()
}

func nearNeighbours(t *testing.T, got, want []gorgonia.Tensor, err error) {
	require.NoError(t, err)
	for i := range want {
		require.Equal(t, want[i].Shape(), got[i].Shape())
		g, w := got[i].Data().([]float32), want[i].Data().([]float32)
		for j := range w {
			ulp := math.Nextafter32(float32(math.Abs(float64(w[j]))), math.MaxFloat32) - float32(math.Abs(float64(w[j])))
			require.InDelta(t, w[j], g[j], 4*float64(ulp), "element %d", j)
		}
	}
}

func fourDecimals(t *testing.T, got, want []gorgonia.Tensor, err error) {
	require.NoError(t, err)
	require.Equal(t, want[0].Shape(), got[0].Shape())
	require.InDeltaSlice(t, want[0].Data(), got[0].Data(), 1e-4)
}

func sameValues(t *testing.T, got, want []gorgonia.Tensor, err error) {
	require.NoError(t, err)
	for i := range want {
		require.True(t, got[i].IsScalar())
		require.Equal(t, fmt.Sprint(reflect.ValueOf(want[i].Data()).Index(0)), fmt.Sprint(got[i].Data()))
	}
}

func refusedByDecoder(t *testing.T, _, _ []gorgonia.Tensor, err error) {
	var no *onnxgo.ErrNotImplemented
	require.ErrorAs(t, err, &no)
	require.Contains(t, no.Error(), "GRAPH not handled yet")
}

// A graph runs again with other inputs of other shapes.
func TestRunAgain(t *testing.T) {
	g := NewGraph()
	a, b, y := g.NewNode().(*Node), (*Node)(nil), (*Node)(nil)
	g.AddNode(a)
	b = g.NewNode().(*Node)
	g.AddNode(b)
	y = g.NewNode().(*Node)
	y.SetName("y")
	g.AddNode(y)
	g.SetWeightedEdge(g.NewWeightedEdge(y, a, 0))
	g.SetWeightedEdge(g.NewWeightedEdge(y, b, 1))
	require.NoError(t, g.ApplyOperation(onnxgo.Operation{Name: "Add"}, y))
	for _, n := range []int{2, 5} {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i)
		}
		require.NoError(t, a.SetTensor(gorgonia.New(gorgonia.WithBacking(x))))
		require.NoError(t, b.SetTensor(gorgonia.New(gorgonia.WithBacking([]float32{10}))))
		require.NoError(t, g.Run())
		require.Equal(t, float32(n-1)+10, y.GetTensor().Data().([]float32)[n-1])
	}
}

// The same value may be both operands; a plain directed graph would lose one.
func TestOneValueTwice(t *testing.T) {
	g := NewGraph()
	x := g.NewNode().(*Node)
	g.AddNode(x)
	y := g.NewNode().(*Node)
	y.SetName("y")
	g.AddNode(y)
	g.SetWeightedEdge(g.NewWeightedEdge(y, x, 0))
	g.SetWeightedEdge(g.NewWeightedEdge(y, x, 1))
	require.NoError(t, g.ApplyOperation(onnxgo.Operation{Name: "Sub"}, y))
	require.NoError(t, x.SetTensor(gorgonia.New(gorgonia.WithBacking([]float32{3, 4}))))
	require.NoError(t, g.Run())
	require.Equal(t, []float32{0, 0}, y.GetTensor().Data())
	require.True(t, g.HasEdgeFromTo(y.ID(), x.ID()))
	require.Equal(t, 1, g.To(x.ID()).Len())
}

func TestUnknownOperation(t *testing.T) {
	g := NewGraph()
	y := g.NewNode().(*Node)
	g.AddNode(y)
	err := g.ApplyOperation(onnxgo.Operation{Name: "NoSuchOp"}, y)
	require.EqualError(t, err, "onnx: operator NoSuchOp not implemented (no such operator)")
}
