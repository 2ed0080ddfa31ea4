package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// quantisedCache is how GroupQueryAttention keeps keys and values in 8 or 4 bits:
// each as a whole number times a scale, one for all or one for each channel of each
// head. What is new is rounded too before anything looks at it.
type quantisedCache struct{ bits int } // 0: it doesn't

func newQuantisedCache(a *Attrs) (q quantisedCache, err error) {
	k, v := a.String("k_quant_type", "NONE"), a.String("v_quant_type", "NONE")
	bits := a.Int("kv_cache_bit_width", 0)
	for i, kind := range []string{k, v} {
		if kind != "NONE" && kind != "PER_TENSOR" && kind != "PER_CHANNEL" {
			a.Unsupported([]string{"k_quant_type", "v_quant_type"}[i], "is %q", kind)
		}
	}
	switch {
	case k == "NONE" && v == "NONE":
		if err = needNone(a, gqaKScale, gqaVScale); err != nil {
			return q, err
		}
	case k == "NONE" || v == "NONE":
		a.Fail("v_quant_type", "is %q beside k_quant_type %q, expected both or neither", v, k)
	case bits != 8 && bits != 4:
		a.Fail("kv_cache_bit_width", "is %d, expected 8 or 4", bits)
	default:
		q.bits, err = int(bits), needInputs(a, gqaKScale, gqaVScale)
	}
	return q, err
}

func needNone(a *Attrs, list ...int) error {
	for _, i := range list {
		if i < len(a.Inputs) && a.Inputs[i] {
			return fmt.Errorf("input %d is given to a cache that isn't quantised", i)
		}
	}
	return nil
}

// dtype is the cache's type, that of the queries where it isn't quantised.
func (q quantisedCache) dtype(real tensor.DType) tensor.DType {
	switch q.bits {
	case 8:
		return tensor.Int8
	case 4:
		return tensor.Uint8
	}
	return real
}

// width is how many elements of the cache D channels take.
func (q quantisedCache) width(d int) int {
	if q.bits == 4 && d >= 0 {
		return d / 2
	}
	return d
}

func (q quantisedCache) check(at func(i int) tensor.DType) error {
	for _, i := range []int{gqaKScale, gqaVScale} {
		if err := types(tensor.Float32).check(i, at(i)); err != nil {
			return err
		}
	}
	for _, i := range []int{gqaPastK, gqaPastV} {
		if err := types(q.dtype(tensor.Undefined)).check(i, at(i)); err != nil {
			return err
		}
	}
	return nil
}

// quantisedPresent makes output 1+i: the past's rows and then this run's of part i. The
// rows that it holds are returned as real numbers (B, kvHeads, capacity, D).
func (k *groupQuery) quantisedPresent(c *Ctx, i int, s *groupSizes, part contribHeads, before, held, now []int, capacity int) ([]float32, error) {
	scale := tensor.Of[float32](c.In(gqaKScale + i))
	if n := len(scale); n != 1 && n != k.kvHeads*s.D {
		return nil, fmt.Errorf("input %d: has shape %v, expected 1 or %d elements", gqaKScale+i, c.In(gqaKScale+i).Shape(), k.kvHeads*s.D)
	}
	if k.cache.bits == 4 && s.D%2 != 0 {
		return nil, fmt.Errorf("heads of %d channels don't fit in bytes of two", s.D)
	}
	width := k.cache.width(s.D)
	room := capacity
	if k.windowed {
		room = s.room
	}
	present, err := c.Out(1+i, k.cache.dtype(0), s.B, k.kvHeads, room, width)
	if err != nil {
		return nil, err
	}
	out := present
	if k.windowed {
		if out, err = c.Memory.New(k.cache.dtype(0), []int{s.B, k.kvHeads, capacity, width}); err != nil {
			return nil, err
		}
	}
	real, err := reserved[float32](c, s.B*k.kvHeads*capacity*s.D)
	if err != nil {
		return nil, err
	}
	for b := range s.B {
		for h := range k.kvHeads {
			own := scale
			if len(scale) > 1 {
				own = scale[h*s.D:][:s.D]
			}
			for row := range held[b] + now[b] {
				to := ((b*k.kvHeads+h)*capacity + row)
				var fresh []float32
				if row >= held[b] {
					fresh = part.data[b*part.s.B+h*part.s.H+(row-held[b])*part.s.T:][:s.D]
				}
				from := ((b*k.kvHeads+h)*s.room + row) * width
				dst := real[to*s.D:][:s.D]
				if k.cache.bits == 8 {
					cacheRow(tensor.Of[int8](out)[to*width:][:width], c.In(gqaPastK+i), from, fresh, dst, own, kernel.QuantizeBytes, kernel.DequantizeBytes)
				} else {
					cacheRow(tensor.Of[uint8](out)[to*width:][:width], c.In(gqaPastK+i), from, fresh, dst, own, kernel.QuantizeNibbles, kernel.DequantizeNibbles)
				}
			}
		}
	}
	if k.windowed {
		keepWindow(k, s, present.Bytes(), out.Bytes(), width, before, held, now, capacity)
	}
	return real, nil
}

// cacheRow writes a row of the cache, fresh or else the past's from an element on,
// and what it stands for to real.
func cacheRow[T int8 | uint8](row []T, past *tensor.Tensor, from int, fresh, real, scale []float32,
	narrow func([]T, []float32, []float32), widen func([]float32, []T, []float32)) {
	if fresh != nil {
		narrow(row, fresh, scale)
	} else {
		copy(row, tensor.Of[T](past)[from:])
	}
	widen(real, row, scale)
}
