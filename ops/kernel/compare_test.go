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
		requireCompared(t, []int32{math.MinInt32, math.MaxInt32, 0, -1, 1 << 20}, []int32{0, 0, 1, -1})
		requireCompared(t, []int64{math.MinInt64, math.MaxInt64, 0, -1, 1 << 40}, []int64{0, 0, 1, -1, 1 << 31, 1 << 32, math.MinInt64})
	})
}

// requireCompared compares some numbers with those that differ by some.
func requireCompared[T int32 | int64](t *testing.T, some, by []T) {
	r := seeded()
	for _, n := range []int{0, 1, 31, 32, 33, 128, 300} {
		a, b := make([]T, n), make([]T, n)
		for i := range a {
			a[i] = some[r.IntN(len(some))]
			b[i] = a[i] + by[r.IntN(len(by))]
		}
		for op, holds := range map[CompareOp]func(a, b T) bool{
			OpEqual: func(a, b T) bool { return a == b },
			OpLess:  func(a, b T) bool { return a < b }, OpLessOrEqual: func(a, b T) bool { return a <= b },
			OpGreater: func(a, b T) bool { return a > b }, OpGreaterOrEqual: func(a, b T) bool { return a >= b },
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
}
