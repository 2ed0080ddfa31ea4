package kernel

import "math"

// LayerNormOf is LayerNormRows for either precision.
func LayerNormOf[T Float](p *Pool, y, x, gamma, beta []T, eps float64, rows, n int, mean, rstd []T) {
	if f, ok := any(y).([]float32); ok {
		LayerNormRows(p, f, any(x).([]float32), any(gamma).([]float32), any(beta).([]float32), float32(eps), rows, n,
			any(mean).([]float32), any(rstd).([]float32))
		return
	}
	p.For(rows, rowGrain(n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := y[i*n : (i+1)*n]
			m, r := standardize(row, x[i*n:(i+1)*n], eps)
			for j := range row {
				if gamma != nil {
					row[j] *= gamma[j]
				}
				if beta != nil {
					row[j] += beta[j]
				}
			}
			if mean != nil {
				mean[i] = m
			}
			if rstd != nil {
				rstd[i] = r
			}
		}
	})
}

// standardize is LayerNorm without gamma and beta.
func standardize[T Float](y, x []T, eps float64) (mean, rstd T) {
	if f, ok := any(y).([]float32); ok {
		m, r := LayerNorm(f, any(x).([]float32), nil, nil, float32(eps))
		return T(m), T(r)
	}
	m, v := Moments(x)
	r := 1 / math.Sqrt(v+eps)
	for i, u := range x {
		y[i] = T((float64(u) - m) * r)
	}
	return T(m), T(r)
}

// Moments is the mean of x and of the squared distance from it, summed in
// float64; NaN where x is empty.
func Moments[T Float](x []T) (mean, variance float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		variance += d * d
	}
	return mean, variance / float64(len(x))
}

// RMSNormRows is [RMSNorm] of each row of x (rows, n), for either precision.
func RMSNormRows[T Float](p *Pool, y, x, gamma []T, eps float64, rows, n int) {
	p.For(rows, rowGrain(n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			rmsNorm(y[i*n:(i+1)*n], x[i*n:(i+1)*n], gamma, eps)
		}
	})
}

func rmsNorm[T Float](y, x, gamma []T, eps float64) {
	if f, ok := any(y).([]float32); ok {
		RMSNorm(f, any(x).([]float32), any(gamma).([]float32), float32(eps))
		return
	}
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	r := T(1 / math.Sqrt(sum/float64(len(x))+eps))
	for i, v := range x {
		y[i] = v * r
		if gamma != nil {
			y[i] *= gamma[i]
		}
	}
}

// ScaleChannels is
//
//	y(b,c,i) = (x(b,c,i) - shift[c]) * factor[c] + beta[c]
//
// or, with positive, 0 where that is negative, for x (batch, channels, size). y may
// be x.
func ScaleChannels[T Float](p *Pool, y, x, shift, factor, beta []T, batch, channels, size int, positive bool) {
	if p.Threads() == 1 || batch*channels*size <= elementGrain {
		scaleChannels(y, x, shift, factor, beta, channels, size, 0, batch*channels, positive)
		return
	}
	p.For(batch*channels, max(1, elementGrain/max(size, 1)), func(lo, hi int) {
		scaleChannels(y, x, shift, factor, beta, channels, size, lo, hi, positive)
	})
}

func scaleChannels[T Float](y, x, shift, factor, beta []T, channels, size, lo, hi int, positive bool) {
	least, most := T(math.Inf(-1)), T(math.Inf(1))
	if positive {
		least = 0
	}
	if dst, ok := any(y).([]float32); ok && size == 1 {
		scaleColumns(dst, any(x).([]float32), any(shift).([]float32), any(factor).([]float32), any(beta).([]float32), channels, lo, hi, float32(least), float32(most))
		return
	}
	for i := lo; i < hi; i++ {
		c := i % channels
		dst, src := y[i*size:(i+1)*size], x[i*size:(i+1)*size]
		if f, ok := any(dst).([]float32); ok && size >= 8 {
			ScaleClip(f, any(src).([]float32), float32(shift[c]), float32(factor[c]), float32(beta[c]), float32(least), float32(most))
			continue
		}
		scaleShift(dst, src, shift[c], factor[c], beta[c])
		if positive {
			ClipOf(dst, dst, least, most)
		}
	}
}

// scaleColumns is scaleChannels of one value for each channel: rows of them.
func scaleColumns(y, x, shift, factor, beta []float32, channels, lo, hi int, least, most float32) {
	for lo < hi {
		c := lo % channels
		n := min(hi-lo, channels-c)
		row := y[lo : lo+n]
		Sub(row, x[lo:], shift[c:])
		Mul(row, row, factor[c:])
		Add(row, row, beta[c:])
		if least == 0 {
			ClipOf(row, row, least, most)
		}
		lo += n
	}
}

// scaleShift is y[i] = (x[i]-shift)*factor + beta.
func scaleShift[T Float](y, x []T, shift, factor, beta T) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] = (v-shift)*factor + beta
	}
}

// ChannelMoments is the mean of each channel of x (batch, channels, size) and of
// the squared distance from it.
func ChannelMoments[T Float](mean, variance, x []T, batch, channels, size int) {
	n := float64(batch * size)
	for c := range channels {
		var m, v float64
		for b := range batch {
			for _, u := range x[(b*channels+c)*size:][:size] {
				m += float64(u)
			}
		}
		m /= n
		for b := range batch {
			for _, u := range x[(b*channels+c)*size:][:size] {
				d := float64(u) - m
				v += d * d
			}
		}
		mean[c], variance[c] = T(m), T(v/n)
	}
}

// InverseDeviation is factor[c] = scale[c] / sqrt(variance[c] + eps).
func InverseDeviation[T Float](factor, variance, scale []T, eps float64) {
	for c := range factor {
		factor[c] = T(float64(scale[c]) / math.Sqrt(float64(variance[c])+eps))
	}
}

// Lerp is dst[i] = (1-s)*a[i] + s*b[i].
func Lerp[T Float](dst, a, b []T, s float64) {
	for i := range dst {
		dst[i] = T((1-s)*float64(a[i]) + s*float64(b[i]))
	}
}
