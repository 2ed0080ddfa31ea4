package kernel

import "math"

// GroupNorm standardizes groups of consecutive channels of x (batch, channels,
// size), then scales each channel:
//
//	y(b,c,i) = (x(b,c,i) - mean(b,g)) / sqrt(variance(b,g) + eps) * gamma[c] + beta[c]
//
// where g = c / (channels/groups). y is not x.
func GroupNorm[T Float](p *Pool, y, x, gamma, beta []T, eps float64, batch, channels, size, groups int) {
	grain := rowGrain(channels / groups * size)
	if inlined(p, batch*groups, grain) {
		groupNorms(y, x, gamma, beta, eps, channels/groups, size, groups, 0, batch*groups)
		return
	}
	p.For(batch*groups, grain, func(lo, hi int) {
		groupNorms(y, x, gamma, beta, eps, channels/groups, size, groups, lo, hi)
	})
}

func groupNorms[T Float](y, x, gamma, beta []T, eps float64, per, size, groups, lo, hi int) {
	n := per * size
	m, buf := borrow(min(n, pieceLen))
	defer m.release()
	for g := lo; g < hi; g++ {
		mean, variance := moments(x[g*n:(g+1)*n], buf)
		rstd := 1 / math.Sqrt(variance+eps)
		for c := range per {
			at, from := g%groups*per+c, g*n+c*size
			scaleRow(y[from:from+size], x[from:from+size], mean, rstd, gamma[at], beta[at])
		}
	}
}

// Standardize is
//
//	y[i] = (x[i] - mean) / (sqrt(variance) + eps)
//
// for each row of x (rows, n).
func Standardize[T Float](p *Pool, y, x []T, eps float64, rows, n int) {
	if grain := rowGrain(n); inlined(p, rows, grain) {
		standardizeRows(y, x, eps, n, 0, rows)
	} else {
		p.For(rows, grain, func(lo, hi int) { standardizeRows(y, x, eps, n, lo, hi) })
	}
}

func standardizeRows[T Float](y, x []T, eps float64, n, lo, hi int) {
	m, buf := borrow(min(n, pieceLen))
	defer m.release()
	for r := lo; r < hi; r++ {
		mean, variance := moments(x[r*n:(r+1)*n], buf)
		scaleRow(y[r*n:(r+1)*n], x[r*n:(r+1)*n], mean, 1/(math.Sqrt(variance)+eps), 1, 0)
	}
}

// scaleRow is y[i] = (x[i]-mean) * factor * gamma + beta.
func scaleRow[T Float](y, x []T, mean, factor float64, gamma, beta T) {
	f, ok := any(y).([]float32)
	s := factor * float64(gamma)
	// What float32 has of the mean is taken off first, and the rest at the end.
	shift := float32(mean)
	rest := float64(beta) - (mean-float64(shift))*s
	const most, least = 1 << 100, 1.0 / (1 << 100)
	if size := math.Abs(s); ok && len(f) >= 8 && size <= most && (size >= least || gamma == 0) && math.Abs(rest) <= most {
		inf := float32(math.Inf(1))
		active.scaleClip(f, any(x).([]float32), shift, float32(s), float32(rest), -inf, inf)
		return
	}
	for i, v := range x {
		y[i] = T((float64(v)-mean)*factor)*gamma + beta
	}
}

// moments is [Moments] with an error of a few units of float32, of the deviation. It
// works in buf, as long as x or a piece.
func moments[T Float](x []T, buf []float32) (mean, variance float64) {
	f, ok := any(x).([]float32)
	if !ok || len(f) < 16 {
		return Moments(x)
	}
	n := float64(len(f))
	sum, _ := sumsFrom(f, 0, nil)
	for range 3 {
		// The mean of what is left says what the first sum lost, and how much of the
		// squares is due to that.
		from := float32(sum / n)
		first, squares := sumsFrom(f, from, buf)
		d := first / n
		mean, variance = float64(from)+d, squares/n-d*d
		if variance >= 1e4*d*d && variance < math.MaxFloat32 {
			return mean, variance
		}
		if variance != variance {
			break
		}
		sum = mean * n
	}
	return Moments(x)
}

// sumsFrom is the sums of x[i]-m and of its squares, piece by piece, in buf; if that is
// nil, of x[i] only.
func sumsFrom(x []float32, m float32, buf []float32) (sum, squares float64) {
	v := active
	for ; len(x) > 0; x = x[min(len(x), pieceLen):] {
		t := x[:min(len(x), pieceLen)]
		if buf != nil {
			t = buf[:len(t)]
			v.addScalar(t, x[:len(t)], -m)
			squares += float64(v.dot(t, t))
		}
		sum += float64(v.sum(t))
	}
	return sum, squares
}
