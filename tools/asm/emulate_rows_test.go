package main

import (
	"math"
	"slices"
	"testing"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func f64(s []float32) []float64 {
	out := make([]float64, len(s))
	for i, x := range s {
		out[i] = float64(x)
	}
	return out
}

func TestRows(t *testing.T) {
	emulate(t, emitRows, func(k kernels) {
		for _, n := range k.lengths() {
			x, gamma, beta, dst := k.floats(n), k.floats(n), k.floats(n), make([]float32, n)
			var sum, squares float64
			got := k.call("expSub"+k.x.name, emu.Out(dst), x, float32(2))[0]
			for i, y := range dst {
				want := math.Exp(float64(x[i] - 2))
				k.closeTo("expSub", want, want, y, 3)
				sum, squares = sum+want, squares+(float64(x[i])-0.5)*(float64(x[i])-0.5)
			}
			k.closeTo("expSub: sum", sum, sum, got, n+16)
			k.call("softmax"+k.x.name, emu.Out(dst), x)
			for i, y := range dst {
				want := math.Exp(float64(x[i]-2)) / sum
				k.closeTo("softmax", want, want, y, n+24)
			}
			k.closeTo("sumSquaresFrom", squares, squares, k.call("sumSquaresFrom"+k.x.name, x, float32(0.5))[0], n+16)

			k.call("normalize"+k.x.name, emu.Out(dst), x, gamma, beta, float32(0.5), float32(1.25))
			for i, y := range dst {
				scaled := (float64(x[i]) - 0.5) * 1.25 * float64(gamma[i])
				k.closeTo("normalize", scaled+float64(beta[i]), math.Abs(scaled)+math.Abs(float64(beta[i])), y, 6)
			}

			for _, count := range []int{0, 4, 12} {
				ldb, y := n+k.r.IntN(3), make([]float32, count)
				b := k.floats(max(count-1, 0)*ldb + n)
				k.call("dots"+k.x.name, emu.Out(y), x, b, ldb)
				for j := range y {
					var want, size float64
					for l := range n {
						term := float64(x[l]) * float64(b[j*ldb+l])
						want, size = want+term, size+math.Abs(term)
					}
					k.closeTo("dots", want, size, y[j], n+16)
				}
			}
		}
	})
}

func TestBackward(t *testing.T) {
	emulate(t, emitBackward, func(k kernels) {
		for _, n := range k.lengths() {
			a, b, gamma := k.floats(n), k.floats(n), k.floats(n)
			A, B, G := f64(a), f64(b), f64(gamma)
			accumulates := func(name string, f func(i int) float64, args ...any) {
				dst := k.floats(n)
				was := f64(dst)
				k.call(name+k.x.name, append([]any{emu.Out(dst)}, args...)...)
				for i, y := range dst {
					size := math.Abs(was[i]) + (1+math.Abs(A[i]))*(1+B[i]*B[i])*(1+math.Abs(G[i]))
					k.closeTo(name, was[i]+f(i), size, y, 12)
				}
			}
			accumulates("mulAdd", func(i int) float64 { return A[i] * B[i] }, a, b)
			accumulates("tanhBackward", func(i int) float64 { return A[i] * (1 - B[i]*B[i]) }, a, b)
			accumulates("sigmoidBackward", func(i int) float64 { return A[i] * B[i] * (1 - B[i]) }, a, b)
			accumulates("softmaxBackward", func(i int) float64 { return B[i] * (A[i] - 0.5) }, a, b, float32(0.5))
			accumulates("normInput", func(i int) float64 {
				return 1.5 * (A[i]*G[i] - 0.25 - (B[i]-0.5)*1.5*0.125)
			}, a, b, gamma, float32(0.5), float32(1.5), float32(0.25), float32(0.125))

			dgamma, dbeta := k.floats(n), k.floats(n)
			g0, b0 := slices.Clone(dgamma), slices.Clone(dbeta)
			sums := k.call("normSums"+k.x.name, emu.Out(dgamma), emu.Out(dbeta), a, b, gamma, float32(0.5), float32(1.5))
			var sumG, sumGX, size float64
			for i := range n {
				xhat := (B[i] - 0.5) * 1.5
				k.closeTo("normSums: dgamma", float64(g0[i])+A[i]*xhat, 1+math.Abs(float64(g0[i]))+math.Abs(A[i]*xhat), dgamma[i], 4)
				k.closeTo("normSums: dbeta", float64(b0[i])+A[i], math.Abs(float64(b0[i]))+math.Abs(A[i]), dbeta[i], 1)
				sumG, sumGX = sumG+A[i]*G[i], sumGX+A[i]*G[i]*xhat
				size += math.Abs(A[i]*G[i]) * (1 + math.Abs(xhat))
			}
			k.closeTo("normSums: sumG", sumG, size, sums[0], n+16)
			k.closeTo("normSums: sumGX", sumGX, size, sums[1], n+16)
		}
	})
}

func TestInterleave(t *testing.T) {
	emulate(t, emitMove, func(k kernels) {
		if k.x.wide {
			return
		}
		for _, blocks := range []int{1, 2, 5} {
			even, odd, dst := k.floats(8*blocks), k.floats(8*blocks), make([]float32, 16*blocks)
			k.call("interleaveBlocks"+k.x.name, emu.Out(dst), even, odd, blocks)
			for j := range even {
				k.closeTo("even", float64(even[j]), 0, dst[2*j], 0)
				k.closeTo("odd", float64(odd[j]), 0, dst[2*j+1], 0)
			}
		}
	})
}
