package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

// kernels are the functions of a family for an instruction set, emulated. The
// AVX2 forms are tested natively too, in package kernel: that they pass here
// shows that the emulator is right about what the forms share.
type kernels struct {
	*emu.Program
	t     *testing.T
	x     *isa
	lanes int
	r     *rand.Rand
}

// emulate runs a test for each instruction set.
func emulate(t *testing.T, emit func(x *isa), test func(k kernels)) {
	for _, x := range []*isa{newAVX2(), newAVX512()} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			file, err := compile(x, emit)
			require.NoError(t, err)
			p, err := emu.New(file)
			require.NoError(t, err)
			test(kernels{p, t, x, x.lanes, rand.New(rand.NewPCG(3, 5))})
		})
	}
}

func (k kernels) call(name string, args ...any) []float32 {
	results, err := k.Call(name, args...)
	require.NoError(k.t, err)
	return results
}

// lengths are those around whole vectors and around several in a row.
func (k kernels) lengths() []int {
	n := k.lanes
	return []int{0, 1, 2, n - 1, n, n + 1, 2*n - 1, 2 * n, 2*n + 3, 4*n + 1, 8*n - 1, 8 * n, 8*n + n/2 + 1, 17*n + 5}
}

func (k kernels) floats(n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(k.r.NormFloat64())
	}
	return s
}

// bytes are those from least to 127, or all of one extreme.
func (k kernels) bytes(n, least int) []int8 {
	s := make([]int8, n)
	kind := k.r.IntN(4)
	for i := range s {
		s[i] = int8([]int{least, 127, least + k.r.IntN(128-least), least + k.r.IntN(128-least)}[kind])
	}
	return s
}

func (k kernels) ints(n int, below int32) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = k.r.Int32N(2*below) - below
	}
	return s
}

// near requires a value within an error, both NaN or the same infinity.
func near(t *testing.T, want float64, got float32, off float64, what string, args ...any) {
	if math.IsNaN(want) && got != got || want == float64(got) {
		return
	}
	if !(math.Abs(want-float64(got)) <= off) {
		require.Failf(t, "wrong", "%s: got %v, want %v within %g", fmt.Sprintf(what, args...), got, want, off)
	}
}

const unit = 1.0 / (1 << 24) // float32's rounding, relative
