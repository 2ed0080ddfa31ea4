package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every vector is compared as if it were alone, whatever its place.
func TestSVMKernelsCompareEachVectorAlone(t *testing.T) {
	r := seeded()
	const n = 7
	x := make([]float64, n)
	vectors := make([]float64, 9*n)
	for _, s := range [][]float64{x, vectors} {
		for i := range s {
			s[i] = r.NormFloat64()
		}
	}
	for count := range 10 {
		got := make([]float64, count)
		for kind, f := range map[int]func(dot, square float64) float64{
			SVMLinear:  func(dot, _ float64) float64 { return dot },
			SVMPoly:    func(dot, _ float64) float64 { return math.Pow(.5*dot+2, 3) },
			SVMRBF:     func(_, square float64) float64 { return math.Exp(-.5 * square) },
			SVMSigmoid: func(dot, _ float64) float64 { return math.Tanh(.5*dot + 2) },
		} {
			k := SVMKernel{Kind: kind, Gamma: .5, Coef0: 2, Degree: 3}
			k.Compare(got, x, vectors[:count*n])
			for i := range got {
				dot, square := 0.0, 0.0
				for j, v := range vectors[i*n : (i+1)*n] {
					dot, square = dot+x[j]*v, square+(x[j]-v)*(x[j]-v)
				}
				require.InDelta(t, f(dot, square), got[i], 1e-12, "kind %d, vector %d of %d", kind, i, count)
			}
		}
	}
}
