package main

import (
	"math"
	"slices"
	"testing"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func TestLSTMGates(t *testing.T) {
	emulate(t, emitLSTM, func(k kernels) {
		for _, blocks := range []int{1, 2, 5} {
			U := k.lanes
			gates, c, h := k.floats(blocks*4*U), k.floats(blocks*U), make([]float32, blocks*U)
			was, before := slices.Clone(gates), slices.Clone(c)
			k.call("lstmGates"+k.x.name, blocks, emu.Out(gates), emu.Out(c), emu.Out(h))
			for u := range c {
				at := u/U*4*U + u%U
				i, o, f := sigmoid64(float64(was[at])), sigmoid64(float64(was[at+U])), sigmoid64(float64(was[at+2*U]))
				g := math.Tanh(float64(was[at+3*U]))
				cell := f*float64(before[u]) + i*g
				k.closeTo("lstmGates: c", cell, 1+math.Abs(float64(before[u])), c[u], 10)
				k.closeTo("lstmGates: h", o*math.Tanh(cell), 1+math.Abs(float64(before[u])), h[u], 16)
				for n, y := range []float64{i, o, f, g} {
					k.closeTo("lstmGates: gate", y, 1, gates[at+n*U], 4)
				}
			}
		}
	})
}

func TestLSTMCell(t *testing.T) {
	emulate(t, emitLSTM, func(k kernels) {
		for _, blocks := range []int{1, 2, 5} {
			U := k.lanes
			gates, c, h := k.floats(blocks*4*U), k.floats(blocks*U), make([]float32, blocks*U)
			before := slices.Clone(c)
			k.call("lstmCell"+k.x.name, blocks, gates, emu.Out(c), emu.Out(h))
			for u := range c {
				at := u/U*4*U + u%U
				i, o, f := sigmoid64(float64(gates[at])), sigmoid64(float64(gates[at+U])), sigmoid64(float64(gates[at+2*U]))
				cell := f*float64(before[u]) + i*math.Tanh(float64(gates[at+3*U]))
				k.closeTo("lstmCell: c", cell, 1+math.Abs(float64(before[u])), c[u], 10)
				k.closeTo("lstmCell: h", o*math.Tanh(cell), 1+math.Abs(float64(before[u])), h[u], 16)
			}
		}
	})
}

func TestGRUGates(t *testing.T) {
	emulate(t, emitGRU, func(k kernels) {
		for _, blocks := range []int{1, 2, 5} {
			U := k.lanes
			x, y, h, out := k.floats(blocks*3*U), k.floats(blocks*3*U), k.floats(blocks*U), make([]float32, blocks*U)
			k.call("gruGates"+k.x.name, blocks, x, y, h, emu.Out(out))
			for u := range out {
				at := u/U*3*U + u%U
				z, r := sigmoid64(float64(x[at])+float64(y[at])), sigmoid64(float64(x[at+U])+float64(y[at+U]))
				n := math.Tanh(float64(x[at+2*U]) + r*float64(y[at+2*U]))
				k.closeTo("gruGates", n+z*(float64(h[u])-n), 4+math.Abs(float64(h[u]))+math.Abs(float64(y[at+2*U])), out[u], 16)
			}
		}
	})
}

func TestCellBackward(t *testing.T) {
	emulate(t, emitBackward, func(k kernels) {
		for _, H := range k.lengths() {
			dgates, dcPrev := make([]float32, 4*H), make([]float32, H)
			dh, dc, gates, c, cPrev := k.floats(H), k.floats(H), k.floats(4*H), k.floats(H), k.floats(H)
			for i := range gates {
				gates[i] = float32(sigmoid64(float64(gates[i])))
			}
			k.call("cellBackward"+k.x.name, emu.Out(dgates), emu.Out(dcPrev), dh, dc, gates, c, cPrev)
			for j := range H {
				i, o, f, g := float64(gates[j]), float64(gates[H+j]), float64(gates[2*H+j]), float64(gates[3*H+j])
				tc, prev := math.Tanh(float64(c[j])), float64(cPrev[j])
				dct := float64(dc[j]) + float64(dh[j])*o*(1-tc*tc)
				size := (math.Abs(float64(dc[j])) + math.Abs(float64(dh[j]))) * (1 + math.Abs(prev))
				for n, want := range []float64{dct * g * i * (1 - i), float64(dh[j]) * tc * o * (1 - o), dct * prev * f * (1 - f), dct * i * (1 - g*g)} {
					k.closeTo("cellBackward: dgates", want, size, dgates[n*H+j], 16)
				}
				k.closeTo("cellBackward: dcPrev", dct*f, size, dcPrev[j], 16)
			}
		}
	})
}
