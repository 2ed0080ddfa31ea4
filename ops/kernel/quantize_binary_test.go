package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every pair of bytes against the formula in float64, and at ties, which are
// frequent where scales are powers of two, the even number.
func TestQuantizedSumsAndProducts(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		testQuantizedBinary[int8](t)
		testQuantizedBinary[uint8](t)
	})
}

func testQuantizedBinary[T int8 | uint8](t *testing.T) {
	lo, hi := limitsOf[T]()
	require.Equal(t, lo == 0, hi == 255)
	all, sum, product := make([]T, 256), make([]T, 256*256), make([]T, 256*256)
	for i := range all {
		all[i] = T(i)
	}
	bc := NewBroadcast([]int{256, 256}, []int{256, 1}, []int{256})
	near := func(want float64, got T) {
		if d := math.Abs(want - math.Floor(want) - 0.5); d > 1e-5 || d == 0 {
			require.Equal(t, T(min(max(math.RoundToEven(want), float64(lo)), float64(hi))), got, "%v", want)
		}
	}
	r := rand.New(rand.NewPCG(3, 1))
	for _, s := range [][2]float32{{0.5, 0.25}, {r.Float32(), r.Float32()}} {
		za, zb := T(r.IntN(256)), T(r.IntN(256))
		AddQuantized(NewPool(2), sum, all, all, s[0], s[1], -3, &bc)
		MulQuantized(NewPool(2), product, all, all, za, zb, s[0]/64, 11, &bc)
		for i, a := range all {
			for j, b := range all {
				near(float64(a)*float64(s[0])+float64(b)*float64(s[1])-3, sum[i*256+j])
				near((float64(a)-float64(za))*(float64(b)-float64(zb))*float64(s[0]/64)+11, product[i*256+j])
			}
		}
	}
	got := make([]T, 4)
	QuantizeSums(got, []float32{0.25, 0.75, 1e30, float32(math.NaN())}, 0.5, 3)
	require.Equal(t, []T{4, 4, T(hi), T(lo)}, got) // 0.5 + 3 and 1.5 + 3 are ties
}
