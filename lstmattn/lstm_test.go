package lstmattn

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

func randomValues(n int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 2))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64()) * .5
	}
	return v
}

func randomLSTM(input, hidden int, seed uint64) LSTMParams {
	return LSTMParams{
		WeightIH: randomValues(4*hidden*input, seed), WeightHH: randomValues(4*hidden*hidden, seed+1),
		BiasIH: randomValues(4*hidden, seed+2), BiasHH: randomValues(4*hidden, seed+3),
	}
}

// One gate has parameters, the others are at sigmoid(0) = 1/2 and tanh(0) = 0,
// so the step has a form of its own for each gate.
func TestEachGateAlone(t *testing.T) {
	const input, hidden = 3, 5
	x, h0, c0 := randomValues(input, 1), randomValues(hidden, 2), randomValues(hidden, 3)
	for gate, formula := range []struct {
		name string
		c    func(a, c0 float64) float64 // a is the gate's sum
		h    func(a, c float64) float64
	}{
		{"i", func(a, c0 float64) float64 { return c0 / 2 }, func(a, c float64) float64 { return math.Tanh(c) / 2 }},
		{"o", func(a, c0 float64) float64 { return c0 / 2 }, func(a, c float64) float64 { return sigmoid(a) * math.Tanh(c) }},
		{"f", func(a, c0 float64) float64 { return sigmoid(a) * c0 }, func(a, c float64) float64 { return math.Tanh(c) / 2 }},
		{"c", func(a, c0 float64) float64 { return c0/2 + math.Tanh(a)/2 }, func(a, c float64) float64 { return math.Tanh(c) / 2 }},
	} {
		all := randomLSTM(input, hidden, 10)
		for _, part := range []struct {
			data  []float32
			width int
		}{{all.WeightIH, input}, {all.WeightHH, hidden}, {all.BiasIH, 1}, {all.BiasHH, 1}} {
			for g := range 4 {
				if g != gate {
					clear(part.data[g*hidden*part.width : (g+1)*hidden*part.width])
				}
			}
		}
		cell, err := NewLSTMCell(input, hidden, all)
		require.NoError(t, err)
		h, c := append([]float32(nil), h0...), append([]float32(nil), c0...)
		require.NoError(t, cell.Step(nil, x, h, c, 1))
		for j := range hidden {
			a := float64(all.BiasIH[gate*hidden+j]) + float64(all.BiasHH[gate*hidden+j])
			for i := range input {
				a += float64(all.WeightIH[(gate*hidden+j)*input+i]) * float64(x[i])
			}
			for i := range hidden {
				a += float64(all.WeightHH[(gate*hidden+j)*hidden+i]) * float64(h0[i])
			}
			want := formula.c(a, float64(c0[j]))
			require.InDelta(t, want, float64(c[j]), 1e-6, "gate %s, c[%d]", formula.name, j)
			require.InDelta(t, formula.h(a, want), float64(h[j]), 1e-6, "gate %s, h[%d]", formula.name, j)
		}
	}
}

func TestGatesStayInTheirRange(t *testing.T) {
	p := randomLSTM(4, 6, 1)
	for i := range p.WeightIH {
		p.WeightIH[i] *= 1e4
	}
	cell, err := NewLSTMCell(4, 6, p)
	require.NoError(t, err)
	h, c := make([]float32, 6), make([]float32, 6)
	for s := range 20 {
		require.NoError(t, cell.Step(nil, randomValues(4, uint64(s)), h, c, 1))
		for j := range h {
			require.LessOrEqual(t, math.Abs(float64(h[j])), 1.)
			require.LessOrEqual(t, math.Abs(float64(c[j])), float64(s+1))
		}
	}
}

func TestStackedLSTMIsTheFormula(t *testing.T) {
	const input, hidden, steps = 3, 5, 7
	for _, tc := range []struct{ layers, directions, batch int }{
		{1, 1, 1}, {1, 2, 1}, {2, 1, 4}, {2, 2, 4}, {3, 2, 3}, {4, 1, 8}, {4, 2, 16},
	} {
		var params [][]LSTMParams
		for k := range tc.layers {
			in := input
			if k > 0 {
				in = hidden * tc.directions
			}
			var layer []LSTMParams
			for d := range tc.directions {
				layer = append(layer, randomLSTM(in, hidden, uint64(100*k+10*d)))
			}
			params = append(params, layer)
		}
		s, err := NewStackedLSTM(input, hidden, params)
		require.NoError(t, err)
		in, out, states := s.Sizes()
		require.Equal(t, []int{input, hidden * tc.directions, tc.layers * tc.directions}, []int{in, out, states})

		x := randomValues(tc.batch*steps*input, 7)
		a := StackedArgs{Batch: tc.batch, Steps: steps, X: x}
		for range tc.layers {
			a.Y = append(a.Y, make([]float32, tc.batch*steps*out))
		}
		a.HN, a.CN = make([]float32, states*tc.batch*hidden), make([]float32, states*tc.batch*hidden)
		require.NoError(t, s.Forward(kernel.NewPool(2), &a))
		for b := range tc.batch {
			var rows []vec
			for i := range steps {
				row := make(vec, input)
				for j := range row {
					row[j] = float64(x[(b*steps+i)*input+j])
				}
				rows = append(rows, row)
			}
			y, h, c := refStack(params, hidden, rows)
			for i := range steps {
				requireClose(t, y[i], a.Y[tc.layers-1][(b*steps+i)*out:][:out], 1e-5)
			}
			for k := range states {
				requireClose(t, h[k], a.HN[(k*tc.batch+b)*hidden:][:hidden], 1e-5)
				requireClose(t, c[k], a.CN[(k*tc.batch+b)*hidden:][:hidden], 1e-5)
			}
		}
	}
}

// Two halves of a sequence, the state handed over, are the whole.
func TestStackedLSTMContinuesFromItsState(t *testing.T) {
	const hidden, steps = 4, 10
	s, err := NewStackedLSTM(2, hidden, [][]LSTMParams{{randomLSTM(2, hidden, 1)}, {randomLSTM(hidden, hidden, 2)}})
	require.NoError(t, err)
	x := randomValues(steps*2, 3)
	run := func(x []float32, steps int, h, c []float32) (y, hn, cn []float32) {
		a := StackedArgs{Batch: 1, Steps: steps, X: x, H0: h, C0: c, HN: make([]float32, 2*hidden), CN: make([]float32, 2*hidden),
			Y: [][]float32{make([]float32, steps*hidden), make([]float32, steps*hidden)}}
		require.NoError(t, s.Forward(nil, &a))
		return a.Y[1], a.HN, a.CN
	}
	whole, h, c := run(x, steps, nil, nil)
	first, h1, c1 := run(x[:8], 4, nil, nil)
	second, h2, c2 := run(x[8:], 6, h1, c1)
	require.Equal(t, whole, append(first, second...))
	require.Equal(t, h, h2)
	require.Equal(t, c, c2)
}

func TestLSTMRefusesWrongSizes(t *testing.T) {
	good := randomLSTM(2, 3, 1)
	short := good
	short.WeightHH = short.WeightHH[1:]
	_, err := NewLSTMCell(2, 3, short)
	require.EqualError(t, err, "lstmattn: weight_hh has 35 elements, expected 36 for 2 inputs and 3 units")
	_, err = NewLSTMCell(0, 3, good)
	require.EqualError(t, err, "lstmattn: input is 0, must be between 1 and 1048576")
	_, err = NewLSTMCell(1<<30, 1<<30, LSTMParams{})
	require.EqualError(t, err, "lstmattn: input is 1073741824, must be between 1 and 1048576")
	cell, err := NewLSTMCell(2, 3, good)
	require.NoError(t, err)
	require.EqualError(t, cell.Step(nil, make([]float32, 2), make([]float32, 6), make([]float32, 3), 1), "lstmattn: h has 6 elements, expected 3")
	require.EqualError(t, cell.Step(nil, nil, nil, nil, 0), "lstmattn: batch is 0, must be between 1 and 1048576")

	_, err = NewStackedLSTM(2, 3, nil)
	require.EqualError(t, err, "lstmattn: number of layers is 0, must be between 1 and 1048576")
	_, err = NewStackedLSTM(2, 3, [][]LSTMParams{{good, good, good}})
	require.EqualError(t, err, "lstmattn: layer 0 has 3 directions, expected 1 or 2")
	_, err = NewStackedLSTM(2, 3, [][]LSTMParams{{good, good}, {good}})
	require.EqualError(t, err, "lstmattn: layer 1 has 1 directions, layer 0 has 2")
	_, err = NewStackedLSTM(2, 3, [][]LSTMParams{{good, good}, {good, good}})
	require.EqualError(t, err, "lstmattn: layer 1, direction 0: weight_ih has 24 elements, expected 72 for 6 inputs and 3 units")
	s, err := NewStackedLSTM(2, 3, [][]LSTMParams{{good}})
	require.NoError(t, err)
	y := [][]float32{make([]float32, 12)}
	require.EqualError(t, s.Forward(nil, &StackedArgs{Batch: 1, Steps: 4, X: make([]float32, 7), Y: y}), "lstmattn: x has 7 elements, expected 8")
	require.EqualError(t, s.Forward(nil, &StackedArgs{Batch: 1, Steps: 4, X: make([]float32, 8)}), "lstmattn: room for 0 layers' outputs, expected 1")
	require.EqualError(t, s.Forward(nil, &StackedArgs{Batch: 1, Steps: 4, X: make([]float32, 8), Y: y, CN: make([]float32, 2)}), "lstmattn: a state has 2 elements, expected 3")
	require.EqualError(t, s.Forward(nil, &StackedArgs{Batch: 1, Steps: 4, X: make([]float32, 8), Y: [][]float32{nil}}), "lstmattn: y has 0 elements, expected 12")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.Forward(nil, &StackedArgs{Batch: 1, Steps: 4, X: make([]float32, 8), Y: y, Stop: ctx.Err}), context.Canceled)
}

func requireClose(t *testing.T, want []float64, got []float32, tolerance float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i], float64(got[i]), tolerance, "element %d", i)
	}
}
