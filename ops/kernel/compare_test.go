package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Comparisons of integers are those of Go, of neighbours and with one number on either
// side, also next to each other and at the ends of the type; nothing else is written.
func TestCompareIntegers(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{0, 1, 31, 32, 33, 128, 300} {
			a, b := make([]int32, n), make([]int32, n)
			for i := range a {
				a[i] = []int32{math.MinInt32, math.MaxInt32, 0, -1, int32(r.Uint32())}[r.IntN(5)]
				b[i] = a[i] + int32(r.IntN(3)) - 1
			}
			for op, holds := range map[CompareOp]func(a, b int32) bool{
				OpEqual: func(a, b int32) bool { return a == b },
				OpLess:  func(a, b int32) bool { return a < b }, OpLessOrEqual: func(a, b int32) bool { return a <= b },
				OpGreater: func(a, b int32) bool { return a > b }, OpGreaterOrEqual: func(a, b int32) bool { return a >= b },
			} {
				for _, s := range [][2]int{{1, 1}, {1, 0}, {0, 1}, {0, 0}} {
					bc := Broadcast{Rows: 1, N: n, Step: [3]int{s[0], s[1]}}
					got := make([]bool, n+1)
					Compare(nil, op, got[:n], a, b, &bc)
					for i, y := range got[:n] {
						x, z := a[i*s[0]], b[i*s[1]]
						require.Equal(t, holds(x, z), y, "op %d steps %v: %v, %v", op, s, x, z)
					}
					require.False(t, got[n])
				}
			}
		}
	})
}
