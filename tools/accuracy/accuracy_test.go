package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/stretchr/testify/require"
)

// ramp is a file of the protocol's length whose first column rises by 1 each
// hour and whose second repeats each day.
func ramp(t *testing.T) string {
	var b bytes.Buffer
	b.WriteString("date,rise,daily\n")
	for i := range testEnd + 5 {
		fmt.Fprintf(&b, "%d,%d,%d\n", i, i, i%24)
	}
	path := filepath.Join(t.TempDir(), "data.csv")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	return path
}

func TestEveryWindowCountsOnce(t *testing.T) {
	d, err := readTable(ramp(t))
	require.NoError(t, err)
	var seen []int
	exact, err := d.evaluate(validationEnd, testEnd, 96, func(origins []int, out []float32) error {
		seen = append(seen, origins...)
		for k, o := range origins {
			copy(out[k*96*2:], d.raw[o*2:(o+96)*2])
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, score{}, exact)
	require.Len(t, seen, 2880-96+1)
	require.Equal(t, []int{11520, 14304}, []int{seen[0], seen[len(seen)-1]})

	// The last value misses the rising column by 1 to 24 and the daily one by
	// what all pairs of hours differ.
	got, err := d.naive(24, 1)
	require.NoError(t, err)
	rise, daily := 0.0, 0.0
	for a := range 24 {
		rise += float64(a+1) / 24
		for b := range 24 {
			daily += float64(max(a-b, b-a)) / (24 * 24)
		}
	}
	require.InDelta(t, (rise/d.scale[0]+daily/d.scale[1])/2, got.MAE, 1e-3)
}

func TestResultsAreKeptAndNotMeasuredAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	for _, want := range []int{1, 1, 2} {
		s, err := openStore(file)
		require.NoError(t, err)
		_, err = s.measure(result{Name: "a", Horizon: 96, Recipe: fmt.Sprint(want)}, func(r *result) error {
			r.Test.MSE = 0.5
			return nil
		})
		require.NoError(t, err)
		require.Len(t, s.results, want)
		require.Equal(t, 0.5, s.results[0].Test.MSE)
	}
	s, err := openStore(file)
	require.NoError(t, err)
	renamed, ok := s.find(result{Name: "b", Horizon: 96, Recipe: "1"})
	require.True(t, ok)
	require.Equal(t, "b", renamed.Name)
	_, ok = s.find(result{Name: "b", Horizon: 96})
	require.False(t, ok, "without a recipe the name says what was measured")
}

func TestTableHasMeansAndDeviations(t *testing.T) {
	text := markdown([]result{
		{Name: "m", Horizon: 96, Seed: 1, Test: score{0.3, 0.5}}, {Name: "m", Horizon: 96, Seed: 2, Test: score{0.5, 0.5}},
		{Name: "n", Horizon: 24, Test: score{1, 2}},
	})
	require.Equal(t, "| MSE / MAE | H=24 | H=96 |\n|---|---|---|\n| m |  | 0.400 ± 0.141 / 0.500 ± 0.000 |\n| n | 1.000 / 2.000 |  |\n", text)
}

func file(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestShortDataAreRefused(t *testing.T) {
	_, err := readTable(file(t, "date,a\n1,1\n2,2\n"))
	require.ErrorContains(t, err, "expected one series of at least 14400 rows, as ETTh1 has")
}

func TestRecipesAreValid(t *testing.T) {
	found, err := recipes(nil)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, r := range found {
		require.NotEmpty(t, r.Seeds, r.id)
		for _, h := range r.Horizons {
			model, training, sum, err := r.configs(h)
			require.NoError(t, err, r.id)
			require.NoError(t, model.Validate(), r.id)
			require.NoError(t, training.Validate(), r.id)
			require.Equal(t, h, model.Horizon)
			require.Len(t, sum, 8)
		}
	}
	_, err = recipes([]string{"no_such"})
	require.ErrorContains(t, err, "recipe no_such")
}

// A model whose forecasts are the last value scores as the naive forecast does,
// so training and scoring look at the same rows.
func TestTrainedScoresAreOfTheSameWindows(t *testing.T) {
	d, err := readTable(ramp(t))
	require.NoError(t, err)
	c := lstmattn.DefaultConfig(2)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.NumEncoderLayers, c.NumDecoderLayers = 24, 24, 4, 1, 1, 1
	c.Normalization = lstmattn.NormalizationLast
	m, err := lstmattn.New(c, 1)
	require.NoError(t, err)
	clear(m.Params().View("output.weight"))
	clear(m.Params().View("output.bias"))
	require.NoError(t, m.Pack())
	got, err := d.score(t.Context(), m, validationEnd, testEnd)
	require.NoError(t, err)
	want, err := d.naive(24, 1)
	require.NoError(t, err)
	require.InDelta(t, want.MSE, got.MSE, 1e-4)
	require.InDelta(t, want.MAE, got.MAE, 1e-4)
}
