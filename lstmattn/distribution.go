package lstmattn

import (
	"math"
	"math/rand/v2"
)

// A Distribution is normal, or Student's t where it has degrees of freedom.
type Distribution struct {
	Location float64 // the mean and the median
	Scale    float64 // the standard deviation of the normal
	DF       float64 // degrees of freedom, above 2; 0 for the normal
}

// LogDensity is the logarithm of the density at x.
func (d Distribution) LogDensity(x float64) float64 {
	z := (x - d.Location) / d.Scale
	if d.DF == 0 {
		return -z*z/2 - math.Log(d.Scale) - math.Log(2*math.Pi)/2
	}
	return logT(d.DF) - math.Log(d.Scale) - (d.DF+1)/2*math.Log1p(z*z/d.DF)
}

// logT is the logarithm of the density of Student's t at 0. The gamma functions
// of many degrees of freedom are large beside their quotient, which has a series.
func logT(df float64) float64 {
	if df > 1000 {
		return -math.Log(2*math.Pi)/2 - 1/(4*df) + 1/(24*df*df*df)
	}
	a, _ := math.Lgamma((df + 1) / 2)
	b, _ := math.Lgamma(df / 2)
	return a - b - math.Log(df*math.Pi)/2
}

// Quantile is the value that the distribution stays below with probability p,
// above 0 and below 1.
func (d Distribution) Quantile(p float64) float64 {
	return d.Location + d.Scale*quantileT(d.DF, p)
}

// Variance is Scale squared of a normal distribution, and of Student's t
// Scale^2 * DF / (DF - 2), which needs DF above 2.
func (d Distribution) Variance() float64 {
	if d.DF == 0 {
		return d.Scale * d.Scale
	}
	return d.Scale * d.Scale * d.DF / (d.DF - 2)
}

// sample draws a value; Student's t as Bailey (1994) does, by the polar method.
func (d Distribution) sample(rng *rand.Rand) float64 {
	if d.DF == 0 {
		return d.Location + d.Scale*rng.NormFloat64()
	}
	for {
		u, v := 2*rng.Float64()-1, 2*rng.Float64()-1
		if w := u*u + v*v; w > 0 && w <= 1 {
			// w^(-2/df) - 1 without the cancellation of many degrees of freedom
			return d.Location + d.Scale*u*math.Sqrt(d.DF*math.Expm1(-2/d.DF*math.Log(w))/w)
		}
	}
}

// negative is the negative log-likelihood of x, given the distribution, and its
// derivatives by location, scale and degrees of freedom.
func (d Distribution) negative(x float64) (value, location, scale, df float64) {
	z := (x - d.Location) / d.Scale
	value = -d.LogDensity(x)
	if d.DF == 0 {
		return value, -z / d.Scale, (1 - z*z) / d.Scale, 0
	}
	share := (d.DF + 1) / (d.DF + z*z)
	df = (digamma(d.DF/2) - digamma((d.DF+1)/2) + 1/d.DF + math.Log1p(z*z/d.DF) - share*z*z/d.DF) / 2
	return value, -share * z / d.Scale, (1 - share*z*z) / d.Scale, df
}

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// logistic is the derivative of softplus.
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// digamma is the derivative of the logarithm of the gamma function at x > 0: the
// asymptotic series (Abramowitz and Stegun 6.3.18) from 10 on, where its last
// term is below a rounding, and the recurrence (6.3.5) below.
func digamma(x float64) float64 {
	var sum float64
	for ; x < 10; x++ {
		sum -= 1 / x
	}
	y := 1 / (x * x)
	series := y * (1./12 - y*(1./120-y*(1./252-y*(1./240-y*(1./132-y*(691./32760-y/12))))))
	return sum + math.Log(x) - 1/(2*x) - series
}

// quantileT is the quantile of Student's t with location 0 and scale 1, of the
// normal for df 0.
func quantileT(df, p float64) float64 {
	if p < 0.5 {
		return -upperT(df, p)
	}
	return upperT(df, 1-p)
}

// upperT is the value >= 0 that Student's t exceeds with probability q <= 1/2.
func upperT(df, q float64) float64 {
	z := math.Sqrt2 * math.Erfinv(1-2*q)
	if df == 0 || q == 0.5 || math.IsNaN(df) {
		return z + 0*df
	}
	if df > 1000 { // Fisher and Cornish (1960), to the third power of 1/df
		w := z * z
		return z * (1 + (w+1)/(4*df) + ((5*w+16)*w+3)/(96*df*df) + (((3*w+19)*w+17)*w-15)/(384*df*df*df))
	}
	// Right of 0 the distribution function is concave, and Student's quantile lies
	// beyond the normal's: Newton's method rises to it from there and never passes.
	t := min(z, 8)
	for range 200 {
		density := math.Exp(logT(df) - (df+1)/2*math.Log1p(t*t/df))
		step := (tailT(df, t) - q) / density
		t += step
		if step <= 1e-14*t {
			break
		}
	}
	return t
}

// tailT is the probability that Student's t exceeds t >= 0.
func tailT(df, t float64) float64 {
	x := df / (df + t*t)
	return incompleteBeta(df/2, 0.5, x, t*t/(df+t*t)) / 2
}

// incompleteBeta is the regularised incomplete beta function I_x(a, b), y being
// 1-x: the continued fraction of DLMF 8.17.22 by Lentz's method, where it
// converges fast, and 1 - I_y(b, a) elsewhere.
func incompleteBeta(a, b, x, y float64) float64 {
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(b, a, y, x)
	}
	if x == 0 {
		return 0
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log(y)) / a
	c, d := 1.0, 1/(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 1000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/(1+even*d), 1+even/c
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/(1+odd*d), 1+odd/c
		f *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return front * f
}
