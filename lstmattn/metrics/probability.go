package metrics

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// QuantileLoss is the pinball loss of a forecast of the quantile at level, in
// (0, 1) (Koenker and Bassett 1978):
//
//	level*(actual-forecast) if actual >= forecast, else (1-level)*(forecast-actual)
//
// Half the absolute error at level 0.5.
func QuantileLoss(actual, forecast, level float64) float64 {
	e := actual - forecast
	return max(level*e, (level-1)*e)
}

// CRPSSamples is the continuous ranked probability score of the distribution
// that gives each sample the same weight (Gneiting and Raftery 2007):
//
//	mean over i of |x[i]-actual| - mean over i, j of |x[i]-x[j]| / 2
//
// It is in the data's unit, the absolute error where there is one sample, and
// NaN without any. The samples stay as they are.
func CRPSSamples(actual float64, samples []float64) float64 {
	x := slices.Clone(samples)
	slices.Sort(x)
	var near, apart float64
	n := float64(len(x))
	for i, v := range x {
		near += math.Abs(v - actual)
		apart += v * (2*float64(i) + 1 - n) // the sum over pairs i < j of x[j]-x[i]
	}
	return near/n - apart/(n*n)
}

// CRPSQuantiles is the score from forecasts of quantiles, twice the integral of
// the quantile loss over all levels (Gneiting and Ranjan 2011). Each level, of
// which there must be rising ones in (0, 1), as many as values, stands for the
// levels nearest to it. With the levels (k+1/2)/K it equals CRPSSamples of the
// values.
func CRPSQuantiles(actual float64, levels, values []float64) float64 {
	var sum float64
	for i, level := range levels {
		from, to := 0.0, 1.0
		if i > 0 {
			from = (levels[i-1] + level) / 2
		}
		if i+1 < len(levels) {
			to = (level + levels[i+1]) / 2
		}
		sum += 2 * (to - from) * QuantileLoss(actual, values[i], level)
	}
	return sum
}

// CRPSNormal is the score of a normal distribution (Gneiting, Raftery,
// Westveld and Goldman 2005). With z = (actual-mean)/sd, the distribution Phi and
// the density phi,
//
//	sd * (z*(2*Phi(z)-1) + 2*phi(z) - 1/sqrt(pi))
func CRPSNormal(actual, mean, sd float64) float64 {
	z := (actual - mean) / sd
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	return sd * (z*math.Erf(z/math.Sqrt2) + 2*density - 1/math.SqrtPi)
}

// CRPSStudentT is the score of Student's t distribution with df degrees of
// freedom, above 1, moved by location and stretched by scale (Jordan, Krueger
// and Lerch 2019). With z = (actual-location)/scale, the distribution F and the
// density f,
//
//	scale * (z*(2*F(z)-1) + 2*f(z)*(df+z*z)/(df-1) - 2*sqrt(df)/(df-1) * B(1/2, df-1/2)/B(1/2, df/2)^2)
//
// With df of 1 or less it is infinite: the distribution has no mean.
func CRPSStudentT(actual, df, location, scale float64) float64 {
	if df <= 1 {
		return math.Inf(1)
	}
	z := (actual - location) / scale
	beta := mathext.Lbeta(0.5, df/2)
	density := math.Exp(-(df+1)/2*math.Log1p(z*z/df)-beta) / math.Sqrt(df)
	within := mathext.RegIncBeta(0.5, df/2, z*z/(df+z*z)) // F(|z|) - F(-|z|)
	spread := 2 * math.Sqrt(df) / (df - 1) * math.Exp(mathext.Lbeta(0.5, df-0.5)-2*beta)
	return scale * (math.Abs(z)*within + 2*density*(df+z*z)/(df-1) - spread)
}

// Covered is 1 if actual lies in the interval from lower to upper, ends
// included, else 0. Its mean is the coverage, which for an interval between the
// quantiles at a and b should be b-a.
func Covered(actual, lower, upper float64) float64 {
	if actual >= lower && actual <= upper {
		return 1
	}
	return 0
}
