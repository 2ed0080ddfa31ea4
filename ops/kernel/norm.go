package kernel

import "math"

// LayerNorm is
//
//	mean = sum(x) / n
//	rstd = 1 / sqrt(sum((x-mean)**2)/n + eps)
//	y[i] = (x[i]-mean) * rstd * gamma[i] + beta[i]
//
// gamma and beta may be nil: ones and zeros.
func LayerNorm(y, x, gamma, beta []float32, eps float32) (mean, rstd float32) {
	n := len(y)
	x = x[:n]
	v := active
	mean = v.sum(x) / float32(n)
	rstd = float32(1 / math.Sqrt(float64(v.sumSquaresFrom(x, mean)/float32(n))+float64(eps)))
	if gamma != nil && beta != nil {
		v.normalize(y, x, gamma[:n], beta[:n], mean, rstd)
		return mean, rstd
	}
	v.addScalar(y, x, -mean)
	v.mulScalar(y, y, rstd)
	if gamma != nil {
		Mul(y, y, gamma)
	}
	if beta != nil {
		Add(y, y, beta)
	}
	return mean, rstd
}

// LayerNormRows is LayerNorm of each row of x (rows, n). mean and rstd (rows)
// receive what the backward pass needs; they may be nil.
func LayerNormRows(p *Pool, y, x, gamma, beta []float32, eps float32, rows, n int, mean, rstd []float32) {
	t := rowTasks.Get().(*rowTask)
	t.y, t.x, t.n = y, x, n
	t.gamma, t.beta, t.eps, t.mean, t.rstd = gamma, beta, eps, mean, rstd
	p.For(rows, rowGrain(n), t.layerNorm)
	t.forget()
}

// LayerNormBackward adds the gradients of LayerNorm of one row. With
// xhat = (x-mean)*rstd and g = dy*gamma:
//
//	dgamma[i] += dy[i] * xhat[i]
//	dbeta[i]  += dy[i]
//	dx[i]     += rstd * (g[i] - sum(g)/n - xhat[i]*sum(g*xhat)/n)
//
// mean and rstd are LayerNorm's results. gamma, dgamma and dbeta may be nil;
// so may dx.
func LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma []float32, mean, rstd float32) {
	n := len(dy)
	x = x[:n]
	v := active
	if dx == nil || dgamma == nil || dbeta == nil || gamma == nil {
		v = &generic // the only one that does without
	}
	sumG, sumGX := v.normSums(upTo(dgamma, n), upTo(dbeta, n), dy, x, upTo(gamma, n), mean, rstd)
	if dx != nil {
		v.normInput(dx[:n], dy, x, upTo(gamma, n), mean, rstd, sumG/float32(n), sumGX/float32(n))
	}
}

// upTo is s[:n], or nil if s is.
func upTo(s []float32, n int) []float32 {
	if s == nil {
		return nil
	}
	return s[:n]
}

// RMSNorm is
//
//	rstd = 1 / sqrt(sum(x**2)/n + eps)
//	y[i] = x[i] * rstd * gamma[i]
//
// gamma may be nil: ones.
func RMSNorm(y, x, gamma []float32, eps float32) (rstd float32) {
	n := len(y)
	x = x[:n]
	rstd = float32(1 / math.Sqrt(float64(SumSquares(x)/float32(n))+float64(eps)))
	MulScalar(y, x, rstd)
	if gamma != nil {
		Mul(y, y, gamma)
	}
	return rstd
}
