package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// coords calls f with every index vector below shape, in row-major order.
func coords(shape []int, f func(at []int)) {
	at := make([]int, len(shape))
	for range tensor.Shape(shape).Len() {
		f(at)
		for d := len(shape) - 1; d >= 0; d-- {
			if at[d]++; at[d] < shape[d] {
				break
			}
			at[d] = 0
		}
	}
}

// offsetIn is the row-major offset of at in an array of the given shape, -1
// outside.
func offsetIn(at, shape []int) int {
	i := 0
	for d, a := range at {
		if a < 0 || a >= shape[d] {
			return -1
		}
		i = i*shape[d] + a
	}
	return i
}

// windowCase is one setting of the spatial attributes.
type windowCase struct {
	in, size                 []int
	strides, dilations, pads []int64 // nil: not given
	auto                     string
	ceil                     bool
}

func (c *windowCase) attrs(dilations bool) (a []*onnx.Attribute) {
	if c.strides != nil {
		a = append(a, onnx.AttrInts("strides", c.strides...))
	}
	if c.dilations != nil && dilations {
		a = append(a, onnx.AttrInts("dilations", c.dilations...))
	}
	if c.pads != nil {
		a = append(a, onnx.AttrInts("pads", c.pads...))
	}
	if c.auto != "" {
		a = append(a, onnx.AttrString("auto_pad", c.auto))
	}
	return a
}

func or(list []int64, d int, def int) int {
	if list == nil {
		return def
	}
	return int(list[d])
}

// place is the number of outputs, the padding before, and the padded extent of
// each dimension, from the definitions.
func (c *windowCase) place() (out, pad, padded []int) {
	n := len(c.in)
	for d := range n {
		extent := (c.size[d]-1)*or(c.dilations, d, 1) + 1
		s := or(c.strides, d, 1)
		before, after := 0, 0
		switch c.auto {
		case "SAME_UPPER", "SAME_LOWER":
			o := int(math.Ceil(float64(c.in[d]) / float64(s)))
			total := max((o-1)*s+extent-c.in[d], 0)
			before, after = total/2, total-total/2
			if c.auto == "SAME_LOWER" {
				before, after = after, before
			}
		case "VALID":
		default:
			before, after = or(c.pads, d, 0), or(c.pads, n+d, 0)
		}
		o := 0
		for (o*s + extent) <= c.in[d]+before+after {
			o++
		}
		if c.ceil && o*s < c.in[d]+before && (o-1)*s+extent < c.in[d]+before+after {
			o++
		}
		out, pad, padded = append(out, o), append(pad, before), append(padded, c.in[d]+before+after)
	}
	return out, pad, padded
}

// reads is the input index of tap k of output o, -1 outside.
func (c *windowCase) reads(o, k, pad []int) int {
	at := make([]int, len(o))
	for d := range o {
		at[d] = o[d]*or(c.strides, d, 1) + k[d]*or(c.dilations, d, 1) - pad[d]
	}
	return offsetIn(at, c.in)
}

var windowCases = []windowCase{
	{in: []int{9}, size: []int{3}},
	{in: []int{9}, size: []int{3}, strides: []int64{2}, pads: []int64{1, 2}, dilations: []int64{2}},
	{in: []int{7}, size: []int{1}},
	{in: []int{10}, size: []int{4}, strides: []int64{3}, auto: "SAME_UPPER"},
	{in: []int{10}, size: []int{4}, strides: []int64{3}, auto: "SAME_LOWER"},
	{in: []int{10}, size: []int{4}, strides: []int64{3}, auto: "VALID"},
	{in: []int{5, 7}, size: []int{3, 2}},
	{in: []int{5, 7}, size: []int{3, 3}, strides: []int64{2, 1}, pads: []int64{1, 0, 2, 1}},
	{in: []int{6, 8}, size: []int{2, 3}, dilations: []int64{2, 3}, auto: "SAME_UPPER"},
	{in: []int{6, 8}, size: []int{3, 3}, strides: []int64{2, 3}, auto: "SAME_LOWER"},
	{in: []int{1, 1}, size: []int{3, 3}, pads: []int64{1, 1, 1, 1}},
	{in: []int{3, 4, 5}, size: []int{2, 2, 3}, strides: []int64{1, 2, 2}, pads: []int64{1, 0, 1, 0, 1, 1}},
	{in: []int{2, 3, 2, 3}, size: []int{2, 1, 2, 2}, pads: []int64{0, 0, 0, 1, 1, 0, 0, 0}},
	{in: []int{40, 50}, size: []int{3, 3}, pads: []int64{1, 1, 1, 1}},
}

func (c windowCase) name() string { return fmt.Sprintf("%+v", c) }
