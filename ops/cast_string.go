package ops

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// upperName is the name of a type in ONNX's enumeration, such as FLOAT or
// INT64.
func upperName(dt tensor.DType) string { return strings.ToUpper(dt.String()) }

// stringsAtOnce is how many strings are worked on between two questions whether
// to go on.
const stringsAtOnce = 1 << 14

// parseInto reads numbers as text: plain or scientific, with INF, +INF, -INF
// and NaN in any case, and truth values as True and False or as numbers.
func parseInto(c *Ctx, y *tensor.Tensor, x []string, r rounding) error {
	if dt := y.DType(); dt == tensor.Int64 || dt == tensor.Uint64 { // beyond float64's precision
		for i, s := range x {
			if i%stringsAtOnce == 0 && c.Err() != nil {
				return c.Err()
			}
			if err := parseWide(y, i, s); err != nil {
				return err
			}
		}
		return nil
	}
	nums, err := reserved[float64](c, len(x))
	if err != nil {
		return err
	}
	for i, s := range x {
		if i%stringsAtOnce == 0 && c.Err() != nil {
			return c.Err()
		}
		v, err := parseNumber(s)
		if err != nil {
			return fmt.Errorf("input 0: element %d is %q, expected a number", i, s)
		}
		nums[i] = v
	}
	castFrom(y, nums, tensor.Float64, r)
	return nil
}

func parseWide(y *tensor.Tensor, i int, s string) error {
	text := strings.TrimSpace(s)
	if y.DType() == tensor.Uint64 {
		if v, err := strconv.ParseUint(text, 10, 64); err == nil {
			tensor.Of[uint64](y)[i] = v
			return nil
		}
	} else if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		tensor.Of[int64](y)[i] = v
		return nil
	}
	v, err := parseNumber(s)
	if err != nil {
		return fmt.Errorf("input 0: element %d is %q, expected a number", i, s)
	}
	if y.DType() == tensor.Uint64 {
		kernel.ConvertTo(tensor.Of[uint64](y)[i:i+1], []float64{v})
	} else {
		kernel.ConvertTo(tensor.Of[int64](y)[i:i+1], []float64{v})
	}
	return nil
}

func parseNumber(s string) (float64, error) {
	switch text := strings.TrimSpace(s); strings.ToLower(text) {
	case "true":
		return 1, nil
	case "false":
		return 0, nil
	default:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil && math.IsInf(v, 0) { // a number too large
			return v, nil
		}
		return v, err
	}
}

// formatInto writes numbers of type dt as text, floats with the fewest digits
// that tell them from their neighbours.
func formatInto[S number](y []string, x []S, dt tensor.DType) {
	bits := 32
	if dt == tensor.Float64 {
		bits = 64
	}
	for i, v := range x {
		switch {
		case dt == tensor.Bool && v != 0:
			y[i] = "True"
		case dt == tensor.Bool:
			y[i] = "False"
		case dt.IsFloat():
			y[i] = formatFloat(float64(v), bits)
		case dt == tensor.Uint64:
			y[i] = strconv.FormatUint(uint64(v), 10)
		default:
			y[i] = strconv.FormatInt(int64(v), 10)
		}
	}
}

func formatFloat(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "INF"
	case math.IsInf(v, -1):
		return "-INF"
	}
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, bits)
	}
	return strconv.FormatFloat(v, 'f', -1, bits)
}
