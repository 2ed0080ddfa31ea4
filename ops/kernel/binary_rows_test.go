package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Arithmetic of integers and float64 is that of Go, of neighbours and of one number on
// either side.
func TestBinaryRows(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, n := range []int{2, 14, 150, 700} {
			eachType(n, requireBinary[int32](t), requireBinary[int64](t), requireBinary[uint8](t), func([]float32) {}, requireBinary[float64](t))
			words := make([]int32, n)
			r := seeded()
			for i := range words {
				words[i] = int32(r.Uint32()) >> r.IntN(32)
			}
			requireBinary[int32](t)(words)
		}
	})
}

func requireBinary[T Number](t *testing.T) func(x []T) {
	return func(x []T) {
		a, b := x[:len(x)/2], x[len(x)/2:]
		for op, want := range map[BinaryOp]func(a, b T) T{
			OpAdd: func(a, b T) T { return a + b }, OpSub: func(a, b T) T { return a - b }, OpMul: func(a, b T) T { return a * b },
			OpMax: func(a, b T) T { return max(a, b) }, OpMin: func(a, b T) T { return min(a, b) },
		} {
			for _, s := range [][2]int{{1, 1}, {1, 0}, {0, 1}, {0, 0}} {
				const around = 40
				block := make([]T, len(a)+2*around)
				got := block[around:][:len(a)]
				binaryRow(op, got, a, b, s[0], s[1])
				for i, y := range block {
					require.True(t, y == 0 || i >= around && i < around+len(a), "beside the row")
				}
				for i, y := range got {
					w := want(a[i*s[0]], b[i*s[1]])
					require.True(t, w == y || w != w && y != y, "%T op %d steps %v: %v, %v: %v", y, op, s, a[i*s[0]], b[i*s[1]], y)
				}
			}
		}
	}
}

// Short rows with which the rows of the other input go on are each computed with it,
// whichever input it is, also from the middle on.
func TestRepeatedRows(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range [][3]int{{2, 3, 1}, {1, 100, 7}, {3, 150, 7}, {5, 9, 63}, {2, 80, 30}, {4, 1, 5}} {
			outer, rows, n := s[0], s[1], s[2]
			x, each := guard(r, outer*rows*n, 1), guard(r, outer*n, 2)
			for _, swap := range []bool{false, true} {
				shapes, in := [][]int{{outer, rows, n}, {outer, 1, n}}, [][]float32{x.s, each.s}
				if swap {
					shapes, in = [][]int{shapes[1], shapes[0]}, [][]float32{in[1], in[0]}
				}
				bc := NewBroadcast([]int{outer, rows, n}, shapes...)
				for _, op := range []BinaryOp{OpSub, OpDiv, OpPRelu} {
					dst := guard(r, outer*rows*n, 3)
					cut := r.IntN(bc.Rows + 1)
					if bc.Rows == 1 {
						cut = 0
					}
					binaryRange(op, dst.s, in[0], in[1], &bc, 0, cut)
					binaryRange(op, dst.s, in[0], in[1], &bc, cut, map[bool]int{true: bc.N, false: bc.Rows}[bc.Rows == 1])
					for i, y := range dst.s {
						a, b := x.s[i], each.s[i/(rows*n)*n+i%n]
						if swap {
							a, b = b, a
						}
						want := map[BinaryOp]float32{OpSub: a - b, OpDiv: a / b, OpPRelu: a * b}[op]
						if op == OpPRelu && a >= 0 {
							want = a
						}
						require.Equal(t, want, y, "%v op %d, other order %v, %d", s, op, swap, i)
					}
					dst.checkZone(t)
				}
			}
		}
	})
}

// Bits don't depend on threads, of one row or several, with one number on either side.
func TestBitwiseOnThreads(t *testing.T) {
	r := seeded()
	const n = 1 << 17
	a, b := make([]uint8, n), make([]uint8, n)
	for i := range a {
		a[i], b[i] = uint8(r.Uint32()), uint8(r.Uint32())
	}
	for _, s := range [][2]int{{1, 1}, {1, 0}, {0, 1}} {
		for _, rows := range []int{1, 64} {
			bc := Broadcast{Rows: rows, N: n / rows, Step: [3]int{s[0], s[1]}}
			if rows > 1 {
				bc = NewBroadcast([]int{rows, n / rows}, []int{rows, []int{1, n / rows}[s[0]]}, []int{rows, []int{1, n / rows}[s[1]]})
			}
			want, got := make([]uint8, n), make([]uint8, n)
			Bitwise(nil, OpXor, want, a, b, &bc)
			Bitwise(NewPool(3), OpXor, got, a, b, &bc)
			require.Equal(t, want, got)
			if rows == 1 {
				for i := range want {
					require.Equal(t, a[i*s[0]]^b[i*s[1]], got[i])
				}
			}
		}
	}
}
