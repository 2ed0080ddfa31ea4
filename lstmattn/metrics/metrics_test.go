package metrics

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

func TestPointErrors(t *testing.T) {
	var p, q Point
	p.Add(3, 5, 4)
	p.Add(math.NaN(), 1, 4)
	q.Add(0, 0, 0)
	q.Add(-1, 3, 8)
	p.Merge(&q)
	require.Equal(t, 3, p.MSE.N)
	require.InDelta(t, (4.0+0+16)/3, p.MSE.Value(), 1e-12)
	require.InDelta(t, (2.0+0+4)/3, p.MAE.Value(), 1e-12)
	require.InDelta(t, math.Sqrt(20.0/3), p.RMSE(), 1e-12)
	require.InDelta(t, (50.0+0+200)/3, p.SMAPE.Value(), 1e-12)
	require.InDelta(t, (0.5+0.5)/2, p.MASE.Value(), 1e-12)
	require.True(t, math.IsNaN(Mean{}.Value()))
}

func TestNaiveScale(t *testing.T) {
	require.InDelta(t, 2, NaiveScale([]float64{1, 3, 1, 3}, 1), 1e-12)
	require.InDelta(t, 0, NaiveScale([]float64{1, 3, 1, 3}, 2), 1e-12)
	require.InDelta(t, 5, NaiveScale([]float64{1, math.NaN(), 4, 9}, 1), 1e-12)
	require.True(t, math.IsNaN(NaiveScale([]float64{1, 2}, 2)))
}

func TestNaiveForecasts(t *testing.T) {
	history := []float32{0, 0, 1, 10, 2, 20, 3, 30}
	out := make([]float32, 10)
	RepeatLast(out, history, 2)
	require.Equal(t, []float32{3, 30, 3, 30, 3, 30, 3, 30, 3, 30}, out)
	SeasonalNaive(out, history, 2, 3)
	require.Equal(t, []float32{1, 10, 2, 20, 3, 30, 1, 10, 2, 20}, out)
}

func TestQuantileLoss(t *testing.T) {
	require.InDelta(t, 1.8, QuantileLoss(5, 3, 0.9), 1e-12)
	require.InDelta(t, 0.2, QuantileLoss(3, 5, 0.9), 1e-12)
	require.InDelta(t, 1.0, QuantileLoss(3, 5, 0.5), 1e-12)
}

// integral is the definition of the score: of (F(x) - [x >= actual])^2 over x.
func integral(cdf func(float64) float64, actual, lo, hi float64) float64 {
	const steps = 40000
	var sum float64
	h := (hi - lo) / steps
	for i := range steps {
		x := lo + (float64(i)+0.5)*h
		d := cdf(x)
		if x >= actual {
			d--
		}
		sum += d * d * h
	}
	return sum
}

func TestCRPSIsTheIntegral(t *testing.T) {
	for _, actual := range []float64{-4, 0.3, 1, 7} {
		normal := distuv.Normal{Mu: 1, Sigma: 2}
		require.InDelta(t, integral(normal.CDF, actual, -30, 30), CRPSNormal(actual, 1, 2), 1e-3)
		for _, df := range []float64{3, 4.5, 30} {
			student := distuv.StudentsT{Mu: 1, Sigma: 0.5, Nu: df}
			require.InDelta(t, integral(student.CDF, actual, -60, 60), CRPSStudentT(actual, df, 1, 0.5), 1e-3, "%v at %v", df, actual)
		}
		samples := []float64{2, -1, 2, 5, 0.5}
		empirical := func(x float64) (p float64) {
			for _, s := range samples {
				if s <= x {
					p += 0.2
				}
			}
			return p
		}
		require.InDelta(t, integral(empirical, actual, -10, 10), CRPSSamples(actual, samples), 1e-3)
		require.Equal(t, []float64{2, -1, 2, 5, 0.5}, samples)
		sorted := []float64{-1, 0.5, 2, 2, 5}
		require.InDelta(t, CRPSSamples(actual, samples), CRPSQuantiles(actual, []float64{0.1, 0.3, 0.5, 0.7, 0.9}, sorted), 1e-12)
	}
	require.InDelta(t, 3, CRPSSamples(5, []float64{2}), 1e-12)
	require.InDelta(t, CRPSNormal(0.7, 0, 1), CRPSStudentT(0.7, 1e6, 0, 1), 1e-5)
	require.True(t, math.IsInf(CRPSStudentT(1, 1, 0, 1), 1))
}

// Uneven levels approach the closed form too.
func TestCRPSOfUnevenQuantiles(t *testing.T) {
	normal := distuv.Normal{Mu: 0, Sigma: 1}
	var levels, values []float64
	for p := 0.0005; p < 1; p += 0.0005 * (1 + 4*p) {
		levels = append(levels, p)
		values = append(values, normal.Quantile(p))
	}
	require.InDelta(t, CRPSNormal(0.4, 0, 1), CRPSQuantiles(0.4, levels, values), 1e-3)
}

func TestCovered(t *testing.T) {
	var m Mean
	for _, v := range []float64{0.9, 1, 2, 3, 3.1} {
		m.Add(Covered(v, 1, 3))
	}
	require.InDelta(t, 0.6, m.Value(), 1e-12)
}
