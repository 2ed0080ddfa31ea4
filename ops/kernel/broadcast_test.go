package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// offset is where element index (of an output of shape out) lies in an input.
func offset(out, in []int, index int) int {
	at, size := 0, 1
	for i := len(out) - 1; i >= 0; i-- {
		x := index % out[i]
		index /= out[i]
		if j := i - (len(out) - len(in)); j >= 0 {
			if in[j] != 1 {
				at += x * size
			}
			size *= in[j]
		}
	}
	return at
}

func length(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func iota32(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	return x
}

func TestBroadcastAgreesWithIndexArithmetic(t *testing.T) {
	for _, c := range []struct{ out, a, b []int }{
		{[]int{}, []int{}, []int{}},
		{[]int{7}, []int{7}, []int{}},
		{[]int{2, 3, 4}, []int{2, 3, 4}, []int{2, 3, 4}},
		{[]int{2, 3, 4}, []int{2, 3, 4}, []int{4}},
		{[]int{2, 3, 4}, []int{3, 1}, []int{2, 1, 4}},
		{[]int{2, 3, 4, 5}, []int{2, 1, 1, 5}, []int{1, 3, 4, 1}},
		{[]int{2, 3, 4, 5}, []int{2, 3, 1, 1}, []int{4, 5}},
		{[]int{1, 1, 3, 1}, []int{1, 3, 1}, []int{1, 1, 1, 1}},
		{[]int{4, 1, 3}, []int{4, 1, 1}, []int{1, 3}},
		{[]int{2, 0, 3}, []int{2, 0, 3}, []int{2, 1, 1}},
		{[]int{300, 2, 200}, []int{300, 1, 200}, []int{2, 1}},
	} {
		t.Run(fmt.Sprint(c.out, c.a, c.b), func(t *testing.T) {
			a, b := iota32(length(c.a)), iota32(length(c.b))
			for _, p := range []*Pool{nil, NewPool(3)} {
				dst := make([]float32, length(c.out))
				bc := NewBroadcast(c.out, c.a, c.b)
				Binary(p, OpSub, dst, a, b, &bc)
				for i := range dst {
					require.Equal(t, a[offset(c.out, c.a, i)]-b[offset(c.out, c.b, i)], dst[i], "element %d", i)
				}
				cond := make([]bool, length(c.b))
				for i := range cond {
					cond[i] = i%3 == 1
				}
				bc3 := NewBroadcast(c.out, c.b, c.a, c.b)
				Where(p, dst, cond, a, b, &bc3)
				for i := range dst {
					want := b[offset(c.out, c.b, i)]
					if cond[offset(c.out, c.b, i)] {
						want = a[offset(c.out, c.a, i)]
					}
					require.Equal(t, want, dst[i], "element %d", i)
				}
			}
		})
	}
}

func TestHalfRoundsToNearestEven(t *testing.T) {
	// Every binary16 value survives, and halfway values go to the even neighbour.
	for i := range 1 << 16 {
		h := []uint16{uint16(i)}
		var f [1]float32
		F16ToF32(f[:], h)
		if math.IsNaN(float64(f[0])) {
			continue
		}
		var back [1]uint16
		F32ToF16(back[:], f[:])
		require.Equal(t, h[0], back[0])
		if i&0x7fff >= 0x7bff {
			continue
		}
		var next [1]float32
		F16ToF32(next[:], []uint16{uint16(i + 1)})
		F32ToF16(back[:], []float32{(f[0] + next[0]) / 2})
		require.Equal(t, uint16(i+i&1), back[0], "between %v and %v", f[0], next[0])
	}
	for _, c := range []struct {
		in   float32
		want uint16
	}{{65519, 0x7bff}, {65520, 0x7c00}, {float32(math.Inf(-1)), 0xfc00}, {1e-8, 0}, {float32(math.Ldexp(1, -25)), 0}} {
		var h [1]uint16
		F32ToF16(h[:], []float32{c.in})
		require.Equal(t, c.want, h[0], "%v", c.in)
	}
}

func TestIntegerArithmetic(t *testing.T) {
	bc := NewBroadcast([]int{6}, []int{6}, []int{6})
	a, b := []int8{7, -7, 7, -7, 127, -128}, []int8{3, 3, -3, -3, 0, -1}
	for _, c := range []struct {
		op   BinaryOp
		want []int8
	}{
		{OpDiv, []int8{2, -2, -2, 2, 0, -128}},
		{OpMod, []int8{1, 2, -2, -1, 0, 0}},
		{OpFmod, []int8{1, -1, 1, -1, 0, 0}},
		{OpAdd, []int8{10, -4, 4, -10, 127, 127}},
		{OpMul, []int8{21, -21, -21, 21, 0, -128}},
		{OpPow, []int8{87, -87, 0, 0, 1, 0}},
	} {
		dst := make([]int8, 6)
		Binary(nil, c.op, dst, a, b, &bc)
		require.Equal(t, c.want, dst, "op %d", c.op)
	}
}
