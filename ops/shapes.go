package ops

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onda-ml/onda/ops/tensor"
)

// checkRank refuses input i if its rank isn't one of want.
func checkRank(i, rank int, want ...int) error {
	if slices.Contains(want, rank) {
		return nil
	}
	names := make([]string, len(want))
	for j, w := range want {
		names[j] = fmt.Sprint(w)
	}
	return fmt.Errorf("input %d: has rank %d, expected %s", i, rank, strings.Join(names, " or "))
}

// checkDims refuses input i if its shape isn't want, where a negative extent on
// either side is unknown.
func checkDims(i int, shape []int, want ...int) error {
	ok := len(shape) == len(want)
	for j := 0; ok && j < len(want); j++ {
		ok = shape[j] == want[j] || shape[j] < 0 || want[j] < 0
	}
	if ok {
		return nil
	}
	return fmt.Errorf("input %d: has shape %v, expected %v", i, tensor.Shape(slices.Clone(shape)), tensor.Shape(slices.Clone(want)))
}

// sameAs refuses input i if its type differs from that of input j.
func sameAs(i int, dt tensor.DType, j int, of tensor.DType) error {
	if dt == tensor.Undefined || of == tensor.Undefined || dt == of {
		return nil
	}
	return fmt.Errorf("input %d: has type %v, expected %v like input %d", i, dt, of, j)
}
