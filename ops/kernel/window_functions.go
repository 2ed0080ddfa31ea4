package kernel

import "math"

// CosineWindow is
//
//	w[i] = sum_k(coefficients[k] * cos(2*pi*k*i/n))
func CosineWindow(w []float64, coefficients []float64, n float64) {
	for i := range w {
		var sum float64
		for k, c := range coefficients {
			sum += c * math.Cos(2*math.Pi*float64(k)*float64(i)/n)
		}
		w[i] = sum
	}
}

// MelFilters fills w (bins, mels), cleared, with triangular filters whose edges
// are evenly spaced on the mel scale 2595*log10(1+f/700) between two
// frequencies, rounded down to bins of a transform of length n at the given
// sample rate. It returns the highest bin that a filter reaches; if that is not
// below bins, w holds nothing of use.
func MelFilters(w []float64, mels, bins, n, rate int, low, high float64) int {
	toMel := func(f float64) float64 { return 2595 * math.Log10(1+f/700) }
	from := toMel(low)
	step := (toMel(high) - from) / float64(mels+2)
	edge := func(i int) int {
		f := 700 * (math.Pow(10, (float64(i)*step+from)/2595) - 1)
		return int(min(max(math.Floor(float64(n+1)*f/float64(rate)), 0), math.MaxInt32))
	}
	highest := 0
	for i := range mels + 2 {
		highest = max(highest, edge(i))
	}
	if edge(mels+1) > bins || edge(mels) >= bins {
		return max(highest, bins)
	}
	for m := range mels {
		left, centre, right := edge(m), edge(m+1), edge(m+2)
		if left == centre {
			w[centre*mels+m] = 1
		}
		for j := left; j <= centre && left < centre; j++ {
			w[j*mels+m] = float64(j-left) / float64(centre-left)
		}
		for j := centre; j < right; j++ {
			w[j*mels+m] = float64(right-j) / float64(right-centre)
		}
	}
	return min(highest, bins-1)
}
