package lstmattn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

func randomAttention(width, memory int, seed uint64) AttentionParams {
	return AttentionParams{
		QWeight: randomValues(width*width, seed), KWeight: randomValues(width*memory, seed+1), VWeight: randomValues(width*memory, seed+2),
		InBias: randomValues(3*width, seed+3), OutWeight: randomValues(width*width, seed+4), OutBias: randomValues(width, seed+5),
	}
}

func TestMultiHeadAttentionIsTheFormula(t *testing.T) {
	const width, memory, queries, steps = 8, 6, 3, 5
	for _, heads := range []int{1, 2, 4, 8} {
		for _, batch := range []int{1, 4} {
			params := randomAttention(width, memory, 1)
			m, err := NewMultiHeadAttention(width, memory, heads, params)
			require.NoError(t, err)
			x, mem := randomValues(batch*queries*width, 20), randomValues(batch*steps*memory, 21)
			a := AttendArgs{
				Batch: batch, Queries: queries, Steps: steps, Query: x,
				Keys: make([]float32, batch*steps*width), Values: make([]float32, batch*steps*width),
				Out: make([]float32, batch*queries*(width+2)), OutStride: width + 2,
				Weights: make([]float32, batch*heads*queries*steps), Projected: make([]float32, batch*queries*width), Mixed: make([]float32, batch*queries*width),
			}
			pool := kernel.NewPool(2)
			require.NoError(t, m.Project(pool, a.Keys, a.Values, mem, batch*steps, nil))
			require.NoError(t, m.Attend(pool, &a))
			for b := range batch {
				var memories []vec
				for j := range steps {
					memories = append(memories, widen(mem[(b*steps+j)*memory:][:memory]))
				}
				for i := range queries {
					out, weights := refAttend(params, heads, widen(x[(b*queries+i)*width:][:width]), memories)
					requireClose(t, out, a.Out[(b*queries+i)*(width+2):][:width], 1e-5)
					for h := range heads {
						requireClose(t, weights[h], a.Weights[((b*heads+h)*queries+i)*steps:][:steps], 1e-5)
					}
				}
			}
		}
	}
}

func widen(v []float32) vec {
	w := make(vec, len(v))
	for i := range v {
		w[i] = float64(v[i])
	}
	return w
}

func TestMultiHeadAttentionRefusesWrongSizes(t *testing.T) {
	p := randomAttention(6, 4, 1)
	_, err := NewMultiHeadAttention(6, 4, 4, p)
	require.EqualError(t, err, "lstmattn: the number of heads is 4, must divide the width 6")
	_, err = NewMultiHeadAttention(6, 4, 0, p)
	require.EqualError(t, err, "lstmattn: number of heads is 0, must be between 1 and 1048576")
	_, err = NewMultiHeadAttention(6, 5, 2, p)
	require.EqualError(t, err, "lstmattn: k_proj_weight has 24 elements, expected 30")
	m, err := NewMultiHeadAttention(6, 4, 2, p)
	require.NoError(t, err)
	require.EqualError(t, m.Project(nil, nil, nil, make([]float32, 4), 1, nil), "lstmattn: keys has 0 elements, expected 6")
	args := func() *AttendArgs {
		return &AttendArgs{Batch: 1, Queries: 1, Steps: 2, Query: make([]float32, 6), Keys: make([]float32, 12), Values: make([]float32, 12),
			Out: make([]float32, 6), OutStride: 6, Weights: make([]float32, 4), Projected: make([]float32, 6), Mixed: make([]float32, 6)}
	}
	require.NoError(t, m.Attend(nil, args()))
	for _, tc := range []struct {
		change func(*AttendArgs)
		want   string
	}{
		{func(a *AttendArgs) { a.Steps = 0 }, "lstmattn: number of steps is 0, must be between 1 and 1048576"},
		{func(a *AttendArgs) { a.Query = nil }, "lstmattn: query has 0 elements, expected 6"},
		{func(a *AttendArgs) { a.Values = a.Values[1:] }, "lstmattn: values has 11 elements, expected 12"},
		{func(a *AttendArgs) { a.Projected = nil }, "lstmattn: projected has 0 elements, expected 6"},
		{func(a *AttendArgs) { a.Mixed = nil }, "lstmattn: mixed has 0 elements, expected 6"},
		{func(a *AttendArgs) { a.OutStride = 5 }, "lstmattn: out has 6 elements at stride 5, expected 1 rows of 6"},
		{func(a *AttendArgs) { a.Weights = a.Weights[1:] }, "lstmattn: weights has 3 elements, expected 4"},
	} {
		a := args()
		tc.change(a)
		require.EqualError(t, m.Attend(nil, a), tc.want)
	}
}
