package kernel

import (
	"math"
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
			words[0], words[n/2], words[n-1] = math.MinInt32, -1, 0
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
			OpDiv: func(a, b T) T {
				if b == 0 && !isFloat[T]() {
					return 0
				}
				return a / b
			},
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

// Rows of which each has one number of the other input are computed with that one,
// whichever input it is, also from the middle on and where it stays for several rows.
func TestRowsWithANumber(t *testing.T) {
	want := map[BinaryOp]func(a, b float32) float32{
		OpAdd: func(a, b float32) float32 { return a + b }, OpSub: func(a, b float32) float32 { return a - b }, OpMul: func(a, b float32) float32 { return a * b },
		OpDiv: func(a, b float32) float32 { return a / b }, OpMax: func(a, b float32) float32 { return max(a, b) }, OpMin: func(a, b float32) float32 { return min(a, b) },
	}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, shape := range [][]int{{2, 3, 5}, {3, 7, 64}, {1, 40, 9}, {5, 1, 3}, {4, 6, 1}, {2, 0, 3}, {2, 3, 0}, {3, 2, 700}} {
			for _, numbers := range [][]int{{shape[1], 1}, {shape[0], 1, 1}, {shape[0], shape[1], 1}, {1, 1, 1}} {
				n := shape[0] * shape[1] * shape[2]
				x, each := guard(r, n, 1), guard(r, shape[0]*shape[1], 2)
				if n > 0 {
					x.s[n/2], each.s[0] = float32(math.NaN()), float32(math.Copysign(0, -1))
					each.s[len(each.s)-1] = float32(math.NaN())
				}
				step := NewBroadcast(shape[:2], append([]int{1, 1, 1}, numbers[:len(numbers)-1]...)[len(numbers):])
				for _, swap := range []bool{false, true} {
					in, shapes := [][]float32{x.s, each.s}, [][]int{shape, numbers}
					if swap {
						in, shapes = [][]float32{in[1], in[0]}, [][]int{shapes[1], shapes[0]}
					}
					bc := NewBroadcast(shape, shapes...)
					units, _ := bc.Units()
					for op, f := range want {
						dst := guard(r, n, 3)
						cut := r.IntN(units + 1)
						binaryRange(op, dst.s, in[0], in[1], &bc, 0, cut)
						binaryRange(op, dst.s, in[0], in[1], &bc, cut, units)
						for i, y := range dst.s {
							row := i / shape[2]
							c := step.At(row / step.N)
							a, b := x.s[i], each.s[c.Off[0]+row%step.N*step.Step[0]]
							if swap {
								a, b = b, a
							}
							require.True(t, sameFloat(f(a, b), y), "%v and %v op %d, other order %v, %d: %v, %v: %v", shape, numbers, op, swap, i, a, b, y)
						}
						dst.checkZone(t)
					}
				}
			}
		}
	})
}

// One row may stay for all numbers.
func TestOuterDifference(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		x, each, dst := guard(r, 70, 1), guard(r, 5, 2), guard(r, 5*70, 3)
		bc := NewBroadcast([]int{5, 70}, []int{70}, []int{5, 1})
		binaryRange(OpSub, dst.s, x.s, each.s, &bc, 0, 5)
		for i, y := range dst.s {
			require.Equal(t, x.s[i%70]-each.s[i/70], y)
		}
		dst.checkZone(t)
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
