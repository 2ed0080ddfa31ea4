package onnxtest

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/tensor"
)

// Tolerance accepts got where |got-want| <= Atol + Rtol*|want|, as numpy's
// assert_allclose does; an infinity only equals itself.
type Tolerance struct{ Rtol, Atol float64 }

// Standard is the tolerance of ONNX's backend tests.
var Standard = Tolerance{Rtol: 1e-3, Atol: 1e-7}

// Compare explains how got differs from want, or returns nil. Type and shape
// must agree; NaN equals NaN, and strings and booleans must be the same.
func (tol Tolerance) Compare(got, want tensor.Value) error {
	switch want := want.(type) {
	case *tensor.Tensor:
		if got, ok := got.(*tensor.Tensor); ok {
			return tol.tensors(got, want)
		}
	case *tensor.Sequence:
		got, ok := got.(*tensor.Sequence)
		if !ok {
			break
		}
		if len(got.Items) != len(want.Items) {
			return fmt.Errorf("sequence has %d elements, expected %d", len(got.Items), len(want.Items))
		}
		for i := range want.Items {
			if err := tol.Compare(got.Items[i], want.Items[i]); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case *tensor.Optional:
		inner := got
		if o, ok := got.(*tensor.Optional); ok {
			inner = o.Value
		}
		if want.Value == nil || inner == nil {
			if want.Value == nil && inner == nil {
				return nil
			}
			return fmt.Errorf("optional is empty: %t, expected %t", inner == nil, want.Value == nil)
		}
		return tol.Compare(inner, want.Value)
	case *tensor.Map:
		got, ok := got.(*tensor.Map)
		if !ok {
			break
		}
		if err := tol.tensors(got.Keys, want.Keys); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		return tol.tensors(got.Values, want.Values)
	}
	return fmt.Errorf("is %T, expected %T", got, want)
}

func (tol Tolerance) tensors(got, want *tensor.Tensor) error {
	if got.DType() != want.DType() || !got.Shape().Equal(want.Shape()) {
		return fmt.Errorf("is %v, expected %v", got, want)
	}
	if want.DType() == tensor.String {
		g, w := tensor.Of[string](got), tensor.Of[string](want)
		for i := range w {
			if g[i] != w[i] {
				return fmt.Errorf("element %d is %q, expected %q", i, g[i], w[i])
			}
		}
		return nil
	}
	worst, at, count := 0.0, -1, 0
	w, g := tensor.Float64s(want), tensor.Float64s(got)
	for i := range w {
		if w[i] == g[i] || math.IsNaN(w[i]) && math.IsNaN(g[i]) {
			continue
		}
		diff := math.Abs(g[i] - w[i])
		if !math.IsInf(w[i], 0) && diff <= tol.Atol+tol.Rtol*math.Abs(w[i]) {
			continue
		}
		count++
		if math.IsNaN(diff) {
			diff = math.Inf(1)
		}
		if at < 0 || diff > worst {
			worst, at = diff, i
		}
	}
	if at < 0 {
		return nil
	}
	return fmt.Errorf("%d of %d elements differ; the largest difference is %.3g at element %d: %v, expected %v", count, len(w), worst, at, g[at], w[at])
}
