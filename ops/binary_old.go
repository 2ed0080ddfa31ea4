package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// oldBroadcast is a version before opset 7 of an operator of two inputs: b
// broadcasts to a only if attribute broadcast says so, and attribute axis says
// at which of a's dimensions b's begin.
func oldBroadcast(since int, build func(*Attrs, shapeRule) (Kernel, error)) Version {
	return two(since, func(a *Attrs) (Kernel, error) {
		a.Ignore("consumed_inputs")
		broadcast := a.Bool("broadcast", false)
		hasAxis, axis := a.Has("axis"), a.Int("axis", 0)
		if hasAxis && !broadcast {
			hasAxis = false
		}
		return build(a, func(dst, x, y []int) ([]int, error) {
			if !broadcast {
				return y, sameShape(x, y)
			}
			return alignAt(dst, x, y, hasAxis, axis)
		})
	})
}

func sameShape(a, b []int) error {
	if len(a) == len(b) {
		same := true
		for i, d := range a {
			same = same && (d == b[i] || d == Unknown || b[i] == Unknown)
		}
		if same {
			return nil
		}
	}
	return fmt.Errorf("shapes %v and %v differ without attribute \"broadcast\"", shapeOf(a), shapeOf(b))
}

// alignAt appends to dst the shape b with ones around it, so that its first
// dimension stands at the given axis of a, or its last at a's last.
func alignAt(dst, a, b []int, hasAxis bool, axis int64) ([]int, error) {
	for len(b) > len(a) && b[0] == 1 { // (1) beside a scalar
		b = b[1:]
	}
	first := len(a) - len(b)
	if hasAxis && len(b) > 0 {
		at, err := tensor.Axis(axis, len(a))
		if err != nil {
			return nil, fmt.Errorf("attribute \"axis\": %w", err)
		}
		first = at
	}
	if first < 0 || first+len(b) > len(a) {
		return nil, fmt.Errorf("shape %v does not broadcast to %v", shapeOf(b), shapeOf(a))
	}
	for i := range a {
		d := 1
		if j := i - first; j >= 0 && j < len(b) {
			d = b[j]
		}
		dst = append(dst, d)
	}
	return unidirectional(nil, a, dst)
}

func oldBinary(op kernel.BinaryOp, allowed dtypes) func(*Attrs, shapeRule) (Kernel, error) {
	return func(_ *Attrs, rule shapeRule) (Kernel, error) { return &binary{op, allowed, rule}, nil }
}

// oldPRelu has a slope of one element or one per channel (dimension 1).
func oldPRelu(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		a.Ignore("consumed_inputs")
		return &binary{kernel.OpPRelu, allowed, func(dst, x, slope []int) ([]int, error) {
			if len(slope) == 1 && slope[0] != 1 && len(x) > 1 {
				return alignAt(dst, x, slope, true, 1)
			}
			return unidirectional(nil, x, slope)
		}}, nil
	}
}
