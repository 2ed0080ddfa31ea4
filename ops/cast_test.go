package ops

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// A large cast on several threads gives every element its own place, also by way of
// float32.
func TestCastOnThreads(t *testing.T) {
	const n = 1_000_000
	x, half := make([]float32, n), make([]tensor.F16, n)
	for i := range x {
		x[i] = float32(i % 2000)
	}
	kernel.F32ToF16(half, x)
	for i := range 6 { // threads meet in some of them
		from := []*tensor.Tensor{tensor.Must(x, n), tensor.Must(half, n)}[i%2]
		y := tensor.Must(make([]int64, n), n)
		c := &Ctx{Workers: kernel.NewPool(3), Memory: heap{}}
		require.NoError(t, castInto(c, y, from, rounding{}))
		for i, v := range tensor.Of[int64](y) {
			if want := int64(math.Trunc(float64(x[i]))); want != v {
				require.Equal(t, want, v, "%d", i)
			}
		}
	}
}
