package lstmattn

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

var freedoms = []float64{2.0001, 2.5, 4, 7.3, 30, 300, 999, 1001, 1e5}

func TestStudentTIsGonums(t *testing.T) {
	for _, df := range freedoms {
		d, want := Distribution{Location: 3, Scale: 2, DF: df}, distuv.StudentsT{Mu: 3, Sigma: 2, Nu: df}
		for _, x := range []float64{-40, -1, 2.9, 3, 3.5, 9, 500} {
			require.InEpsilon(t, want.LogProb(x), d.LogDensity(x), 1e-6, "density at %v, %v degrees", x, df)
		}
		// gonum's quantile function is a search: its distribution function is the oracle.
		for _, p := range []float64{1e-6, .001, .02, .1, .25, .4999, .5, .7, .9, .99, .99999} {
			q := d.Quantile(p)
			require.InEpsilon(t, p, want.CDF(q), 1e-7, "quantile %v, %v degrees", p, df)
			require.InDelta(t, q-3, 3-d.Quantile(1-p), 1e-9*max(1, math.Abs(q)), "symmetric")
		}
	}
}

func TestManyDegreesOfFreedomAreTheNormal(t *testing.T) {
	normal, many := Distribution{Location: 3, Scale: 2}, Distribution{Location: 3, Scale: 2, DF: 1e12}
	for _, x := range []float64{-8, 3, 9} {
		require.InDelta(t, normal.LogDensity(x), many.LogDensity(x), 1e-9)
		require.InDelta(t, normal.Quantile(.01*x*x), many.Quantile(.01*x*x), 1e-9)
	}
}

func TestNormalIsGonums(t *testing.T) {
	d, want := Distribution{Location: 3, Scale: 2}, distuv.Normal{Mu: 3, Sigma: 2}
	require.Equal(t, 4., d.Variance())
	for _, x := range []float64{-10, 2.9, 3, 9} {
		require.InEpsilon(t, want.LogProb(x), d.LogDensity(x), 1e-12)
	}
	for _, p := range []float64{1e-9, .001, .1, .5, .7, .99999} {
		require.InEpsilon(t, want.Quantile(p), d.Quantile(p), 1e-6)
	}
}

func TestDigamma(t *testing.T) {
	const gamma = 0.57721566490153286061 // Euler's
	require.InDelta(t, -gamma-2*math.Ln2, digamma(.5), 1e-14)
	harmonic := 0.
	for n := 1.; n < 30; n++ {
		require.InDelta(t, harmonic-gamma, digamma(n), 2e-14, n)
		harmonic += 1 / n
	}
	for _, x := range []float64{1.00005, 1.5, 9.999, 10.001, 250} {
		up, _ := math.Lgamma(x + 1e-4)
		down, _ := math.Lgamma(x - 1e-4)
		require.InDelta(t, (up-down)/2e-4, digamma(x), 1e-7, x)
	}
}

// The share of draws below each quantile is its level, within four deviations.
func TestSamplesFollowTheDistribution(t *testing.T) {
	const n = 20000
	for _, d := range []Distribution{{Location: -1, Scale: 3}, {1, .5, 2.2}, {0, 1, 5}, {0, 1, 1e7}} {
		rng, draws := stream(7, "draws"), make([]float64, n)
		for i := range draws {
			draws[i] = d.sample(rng)
		}
		slices.Sort(draws)
		for _, p := range []float64{.01, .1, .5, .8, .999} {
			below, _ := slices.BinarySearch(draws, d.Quantile(p))
			require.InDelta(t, p, float64(below)/n, 4*math.Sqrt(p*(1-p)/n), "%+v at %v", d, p)
		}
	}
}
