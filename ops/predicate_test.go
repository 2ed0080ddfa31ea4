package ops

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// Not, IsNaN and IsInf of many elements say of each, on several threads, what is true
// of it.
func TestPredicatesOnThreads(t *testing.T) {
	const n = 200_001
	truth, words := make([]bool, n), make([]uint8, n)
	singles, doubles, halves := make([]float32, n), make([]float64, n), make([]tensor.F16, n)
	for i := range n {
		truth[i], words[i] = i%3 == 0, uint8(i%251)
		switch i % 7 {
		case 1:
			doubles[i] = math.NaN()
		case 3:
			doubles[i] = math.Inf(1)
		case 4:
			doubles[i] = math.Inf(-1)
		default:
			doubles[i] = float64(i % 100)
		}
		singles[i] = float32(doubles[i])
	}
	kernel.F32ToF16(halves, singles)
	pool := kernel.NewPool(3)

	flags := make([]bool, n)
	parallel(pool, notTruth, tensor.Must(flags, n).Bytes(), tensor.Must(truth, n).Bytes())
	flipped := make([]uint8, n)
	parallel(pool, notBits, flipped, words)
	for i := range n {
		require.Equal(t, !truth[i], flags[i], "not %d", i)
		require.Equal(t, ^words[i], flipped[i], "not %d", i)
	}

	every := dtypes(math.MaxUint32)
	for name, is := range map[string]struct {
		k    func(*Attrs) (Kernel, error)
		want func(v float64) bool
	}{
		"IsNaN": {newIsNaN(every), math.IsNaN},
		"IsInf": {newIsInf(every), func(v float64) bool { return math.IsInf(v, 0) }},
	} {
		k, err := is.k(NewAttrs(node(name, 1, 1), 20, nil))
		require.NoError(t, err)
		for _, x := range []*tensor.Tensor{tensor.Must(singles, n), tensor.Must(doubles, n), tensor.Must(halves, n)} {
			c := &Ctx{Inputs: []tensor.Value{x}, Outputs: make([]tensor.Value, 1), Wanted: []bool{true}, Workers: pool, Memory: heap{}}
			require.NoError(t, k.Run(c))
			for i, y := range tensor.Of[bool](c.Outputs[0].(*tensor.Tensor)) {
				require.Equal(t, is.want(doubles[i]), y, "%s of %v, %v", name, x.DType(), doubles[i])
			}
		}
	}
}
