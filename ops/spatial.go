package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
)

// spatial are the attributes that say how a window moves over the dimensions
// after the second. A nil list has its default in every dimension.
type spatial struct {
	size      []int // kernel_shape
	strides   []int
	dilations []int
	pads      []int // all beginnings, then all ends
	auto      string
	ceil      bool
}

// readSpatial reads the attributes that every operator of the kind has.
func readSpatial(a *Attrs, dilations bool) spatial {
	s := spatial{size: smallInts(a, "kernel_shape", 1), strides: smallInts(a, "strides", 1), pads: smallInts(a, "pads", -1<<31)}
	if dilations {
		s.dilations = smallInts(a, "dilations", 1)
	}
	s.auto = a.Enum("auto_pad", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
	return s
}

// smallInts is an INTS attribute whose elements are at least low and fit 31
// bits, so that products of two don't overflow.
func smallInts(a *Attrs, name string, low int64) []int {
	if !a.Has(name) {
		return nil
	}
	list := a.Ints(name)
	out := make([]int, len(list))
	for i, v := range list {
		if v < low || v > math.MaxInt32 {
			a.Fail(name, "has %d, expected at least %d and at most %d", v, low, math.MaxInt32)
		}
		out[i] = int(v)
	}
	return out
}

// rank checks that every list fits n spatial dimensions.
func (s *spatial) rank(n int) error {
	for _, l := range []struct {
		name string
		list []int
		want int
	}{{"kernel_shape", s.size, n}, {"strides", s.strides, n}, {"dilations", s.dilations, n}, {"pads", s.pads, 2 * n}} {
		if l.list != nil && len(l.list) != l.want {
			return fmt.Errorf("attribute %q: has %d values, expected %d for input 0 of rank %d", l.name, len(l.list), l.want, n+2)
		}
	}
	return nil
}

func at(list []int, i, def int) int {
	if i < len(list) {
		return list[i]
	}
	return def
}

// window places a window of the given size over the spatial extents in. An
// Unknown extent gives an Unknown output.
func (s *spatial) window(in, size []int) (w kernel.Window, err error) {
	n := len(in)
	if err := s.rank(n); err != nil {
		return w, err
	}
	w.N = n
	for d := range n {
		w.In[d], w.Size[d], w.Stride[d], w.Dilation[d] = in[d], size[d], at(s.strides, d, 1), at(s.dilations, d, 1)
		if w.Size[d] < 0 {
			w.Out[d] = Unknown
			continue
		}
		extent := (w.Size[d]-1)*w.Dilation[d] + 1
		if s.auto == "SAME_UPPER" || s.auto == "SAME_LOWER" {
			if in[d] < 0 {
				w.Out[d] = Unknown
				continue
			}
			w.Out[d] = (in[d] + w.Stride[d] - 1) / w.Stride[d]
			total := max((w.Out[d]-1)*w.Stride[d]+extent-in[d], 0)
			w.Pad[d] = total / 2
			if s.auto == "SAME_LOWER" {
				w.Pad[d] = total - total/2
			}
			w.PadEnd[d] = total - w.Pad[d]
			continue
		}
		if s.auto == "NOTSET" {
			w.Pad[d], w.PadEnd[d] = at(s.pads, d, 0), at(s.pads, n+d, 0)
		}
		if in[d] < 0 {
			w.Out[d] = Unknown
			continue
		}
		room := in[d] + w.Pad[d] + w.PadEnd[d] - extent
		if room < 0 {
			if in[d] == 0 && s.pads == nil { // nothing in, nothing out
				continue
			}
			return w, fmt.Errorf("a window of %d does not fit spatial dimension %d of %d with pads %d and %d", extent, d, in[d], w.Pad[d], w.PadEnd[d])
		}
		w.Out[d] = room/w.Stride[d] + 1
		// a last window that would begin in the padding at the end is left out
		if s.ceil && room%w.Stride[d] != 0 && w.Out[d]*w.Stride[d] < in[d]+w.Pad[d] {
			w.Out[d]++
		}
	}
	return w, nil
}

// outShape writes (batch, channels, outputs of w) to dst.
func outShape(dst []int, batch, channels int, w *kernel.Window) []int {
	return append(append(dst, batch, channels), w.Out[:w.N]...)
}
