package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func softmax64(x []float32) []float64 {
	m, sum := math.Inf(-1), 0.0
	for _, v := range x {
		m = max(m, float64(v))
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Exp(float64(v) - m)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}

func TestSoftmax(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n := 1; n <= 150; n++ {
			x, y := guard(r, n, n%5), guard(r, n, n%3)
			MulScalar(x.s, x.s, 20)
			if n > 3 {
				x.s[n/2] = float32(math.Inf(-1))
			}
			copy(x.was, x.s)
			Softmax(y.s, x.s)
			x.checkUnchanged(t)
			y.checkZone(t)
			for i, want := range softmax64(x.s) {
				require.InDelta(t, want, y.s[i], want*5e-6+1e-12, "%d of %d", i, n)
			}
			z := make([]float32, n)
			LogSoftmax(z, x.s)
			for i, want := range softmax64(x.s) {
				if want > 0 {
					require.InDelta(t, math.Log(want), z[i], 1e-5, "log, %d of %d", i, n)
				}
			}
			v := active
			v.mulScalar(z, z, 1/v.expSub(z, x.s, v.maxOf(x.s)))
			requireSameBits(t, z, y.s, "step by step, %d", n)
			Softmax(x.s, x.s)
			requireSameBits(t, y.s, x.s, "in place, %d", n)
		}
		x := []float32{float32(math.Inf(-1)), float32(math.Inf(-1))}
		Softmax(x, x)
		require.True(t, x[0] != x[0], "a row without any weight")
		x = []float32{1, 2, float32(math.NaN()), 4, 5, 6, 7, 8, 9}
		Softmax(x, x)
		for _, v := range x {
			require.True(t, v != v, "a row with NaN")
		}
	})
}

func TestLayerNorm(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n := 1; n <= 150; n++ {
			x, y, gamma, beta := guard(r, n, n%5), guard(r, n, n%3), random(r, n), random(r, n)
			AddScalar(x.s, x.s, 3)
			copy(x.was, x.s)
			var mean, variance float64
			for _, v := range x.s {
				mean += float64(v) / float64(n)
			}
			for _, v := range x.s {
				variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
			}
			rstd := 1 / math.Sqrt(variance+1e-2)
			for q, c := range []struct{ gamma, beta []float32 }{{gamma, beta}, {gamma, nil}, {nil, beta}, {nil, nil}} {
				m, s := LayerNorm(y.s, x.s, c.gamma, c.beta, 1e-2)
				require.InDelta(t, mean, m, 2e-6)
				require.InDelta(t, rstd, s, 1e-4)
				for i, v := range x.s {
					want := (float64(v) - mean) * rstd
					if c.gamma != nil {
						want *= float64(gamma[i])
					}
					if c.beta != nil {
						want += float64(beta[i])
					}
					require.InDelta(t, want, y.s[i], 2e-5, "case %d: %d of %d", q, i, n)
				}
				x.checkUnchanged(t)
				y.checkZone(t)
			}
		}
	})
}

func TestRMSNorm(t *testing.T) {
	x, y := []float32{3, -4}, make([]float32, 2)
	rstd := RMSNorm(y, x, []float32{1, 2}, 0)
	require.InDelta(t, 1/math.Sqrt(12.5), rstd, 1e-6)
	requireClose(t, []float32{0.84852814, -2.2627417}, y, 1e-6, "y")
}

func TestRowsForms(t *testing.T) {
	p := NewPool(2)
	r := seeded()
	const rows, n = 300, 37
	x, gamma, beta := random(r, rows*n), random(r, n), random(r, n)
	y, z := make([]float32, rows*n), make([]float32, n)
	SoftmaxRows(p, y, x, rows, n)
	for i := range rows {
		Softmax(z, x[i*n:(i+1)*n])
		requireSameBits(t, z, y[i*n:(i+1)*n], "row %d", i)
	}
	mean, rstd := make([]float32, rows), make([]float32, rows)
	LayerNormRows(p, y, x, gamma, beta, 1e-5, rows, n, mean, rstd)
	for i := range rows {
		m, s := LayerNorm(z, x[i*n:(i+1)*n], gamma, beta, 1e-5)
		requireSameBits(t, z, y[i*n:(i+1)*n], "row %d", i)
		require.Equal(t, []float32{m, s}, []float32{mean[i], rstd[i]})
	}
}

// checkGradient compares dx with central differences of sum(dy * f(x)).
func checkGradient(t *testing.T, name string, f func(y, x []float32), x, dy, dx []float32, tol float64) {
	t.Helper()
	y := make([]float32, len(dy))
	loss := func() (sum float64) {
		f(y, x)
		for i := range y {
			sum += float64(y[i]) * float64(dy[i])
		}
		return sum
	}
	for i := range x {
		was := x[i]
		x[i] = was + 0.01
		up, hi := loss(), x[i]
		x[i] = was - 0.01
		down, lo := loss(), x[i]
		x[i] = was
		require.InDelta(t, (up-down)/float64(hi-lo), dx[i], tol, "%s: %d", name, i)
	}
}

// Backward functions add the gradients of their forward ones.
func TestGradients(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		const n = 21
		x, dy, gamma, beta := random(r, n), random(r, n), random(r, n), random(r, n)
		for _, c := range []struct {
			name     string
			forward  func(y, x []float32)
			backward func(dx, dy, x, y []float32)
		}{
			{"Relu", Relu, func(dx, dy, x, y []float32) { ReluBackward(dx, dy, y) }},
			{"Tanh", Tanh, func(dx, dy, x, y []float32) { TanhBackward(dx, dy, y) }},
			{"Sigmoid", Sigmoid, func(dx, dy, x, y []float32) { SigmoidBackward(dx, dy, y) }},
			{"Gelu", Gelu, func(dx, dy, x, y []float32) { GeluBackward(dx, dy, x) }},
			{"Softmax", Softmax, func(dx, dy, x, y []float32) { SoftmaxBackward(dx, dy, y) }},
			{"LogSoftmax", LogSoftmax, func(dx, dy, x, y []float32) { LogSoftmaxBackward(dx, dy, y) }},
			{"LayerNorm", func(y, x []float32) { LayerNorm(y, x, gamma, beta, 1e-3) }, func(dx, dy, x, y []float32) {
				m, s := LayerNorm(y, x, gamma, beta, 1e-3)
				LayerNormBackward(dx, nil, nil, dy, x, gamma, m, s)
			}},
			{"LayerNorm with all gradients", func(y, x []float32) { LayerNorm(y, x, gamma, beta, 1e-3) }, func(dx, dy, x, y []float32) {
				m, s := LayerNorm(y, x, gamma, beta, 1e-3)
				dgamma, dbeta := make([]float32, n), make([]float32, n)
				LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, m, s)
				want, wantBeta := make([]float32, n), make([]float32, n)
				LayerNormBackward(nil, want, wantBeta, dy, x, gamma, m, s)
				requireClose(t, want, dgamma, 1e-5, "dgamma")
				requireClose(t, wantBeta, dbeta, 1e-5, "dbeta")
			}},
			{"LayerNorm's gamma", func(y, g []float32) { LayerNorm(y, beta, g, nil, 1e-3) }, func(dx, dy, g, y []float32) {
				m, s := LayerNorm(y, beta, g, nil, 1e-3)
				LayerNormBackward(nil, dx, nil, dy, beta, g, m, s)
			}},
			{"LayerNorm's beta", func(y, b []float32) { LayerNorm(y, gamma, nil, b, 1e-3) }, func(dx, dy, b, y []float32) {
				m, s := LayerNorm(y, gamma, nil, b, 1e-3)
				LayerNormBackward(nil, nil, dx, dy, gamma, nil, m, s)
			}},
		} {
			y, dx := make([]float32, n), random(r, n)
			was := append([]float32(nil), dx...)
			c.forward(y, x)
			c.backward(dx, dy, x, y)
			Sub(dx, dx, was)
			checkGradient(t, c.name, c.forward, x, dy, dx, 2e-3)
		}
	})
}
