package kernel

// mulAddGeneric is dst[i] += a[i] * b[i].
func mulAddGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

// tanhBackwardGeneric is dx[i] += dy[i] * (1 - y[i]*y[i]).
func tanhBackwardGeneric(dx, dy, y []float32) {
	for i := range dx {
		dx[i] += dy[i] * (1 - y[i]*y[i])
	}
}

// sigmoidBackwardGeneric is dx[i] += dy[i] * y[i] * (1 - y[i]).
func sigmoidBackwardGeneric(dx, dy, y []float32) {
	for i := range dx {
		dx[i] += dy[i] * y[i] * (1 - y[i])
	}
}

// softmaxBackwardGeneric is dx[i] += y[i] * (dy[i] - dot).
func softmaxBackwardGeneric(dx, dy, y []float32, dot float32) {
	for i := range dx {
		dx[i] += y[i] * (dy[i] - dot)
	}
}

// normSumsGeneric is, with xhat = (x[i]-mean)*rstd and g = dy[i]*gamma[i],
//
//	dgamma[i] += dy[i]*xhat; dbeta[i] += dy[i]; sumG += g; sumGX += g*xhat
//
// dgamma, dbeta and gamma may be nil.
func normSumsGeneric(dgamma, dbeta, dy, x, gamma []float32, mean, rstd float32) (sumG, sumGX float32) {
	var g64, gx64 float64
	for i, g := range dy {
		xhat := (x[i] - mean) * rstd
		if dgamma != nil {
			dgamma[i] += g * xhat
		}
		if dbeta != nil {
			dbeta[i] += g
		}
		if gamma != nil {
			g *= gamma[i]
		}
		g64 += float64(g)
		gx64 += float64(g * xhat)
	}
	return float32(g64), float32(gx64)
}

// normInputGeneric is dx[i] += rstd * (dy[i]*gamma[i] - meanG - (x[i]-mean)*rstd*meanGX).
// gamma may be nil.
func normInputGeneric(dx, dy, x, gamma []float32, mean, rstd, meanG, meanGX float32) {
	for i, g := range dy {
		if gamma != nil {
			g *= gamma[i]
		}
		dx[i] += rstd * (g - meanG - (x[i]-mean)*rstd*meanGX)
	}
}

// cellBackwardGeneric is LSTMCellBackward.
func cellBackwardGeneric(dgates, dcPrev, dh, dc, gates, c, cPrev []float32) {
	H := len(dcPrev)
	i, o, f, g := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:4*H]
	di, do, df, dg := dgates[:H], dgates[H:2*H], dgates[2*H:3*H], dgates[3*H:4*H]
	for j := range H {
		tc := float32(tanh64(float64(c[j])))
		dct := dc[j] + dh[j]*o[j]*(1-tc*tc)
		di[j] = dct * g[j] * i[j] * (1 - i[j])
		do[j] = dh[j] * tc * o[j] * (1 - o[j])
		df[j] = dct * cPrev[j] * f[j] * (1 - f[j])
		dg[j] = dct * i[j] * (1 - g[j]*g[j])
		dcPrev[j] = dct * f[j]
	}
}
