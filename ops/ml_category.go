package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/tensor"
)

// categories finds the place of a text or number in a list; of equals the
// first counts. NaN equals NaN.
type categories struct {
	texts    map[string]int
	integers map[int64]int
	floats   map[float64]int
	nan      int
	count    int
}

func categoriesOf(t *tensor.Tensor) *categories {
	k := &categories{nan: -1, count: t.Len()}
	switch t.DType() {
	case tensor.String:
		k.texts = firstPlaces(tensor.Of[string](t))
	case tensor.Float32, tensor.Float64:
		list := make([]float64, t.Len())
		convertNumbers(list, t)
		k.floats = firstPlaces(list)
		for i, v := range list {
			if math.IsNaN(v) {
				k.nan = i
				break
			}
		}
	default:
		list := make([]int64, t.Len())
		convertNumbers(list, t)
		k.integers = firstPlaces(list)
	}
	return k
}

func firstPlaces[T comparable](list []T) map[T]int {
	m := make(map[T]int, len(list))
	for i, v := range list {
		if _, ok := m[v]; !ok {
			m[v] = i
		}
	}
	return m
}

// places is the place of each element of x, missing where it has none.
func (k *categories) places(x *tensor.Tensor, missing int) ([]int, error) {
	out := make([]int, x.Len())
	switch {
	case k.texts != nil:
		placesIn(out, k.texts, tensor.Of[string](x), missing)
	case k.floats != nil:
		list := make([]float64, x.Len())
		convertNumbers(list, x)
		placesIn(out, k.floats, list, missing)
		for i, v := range list {
			if math.IsNaN(v) && k.nan >= 0 {
				out[i] = k.nan
			}
		}
	default:
		list := make([]int64, x.Len())
		convertNumbers(list, x)
		placesIn(out, k.integers, list, missing)
	}
	return out, nil
}

func placesIn[T comparable](out []int, m map[T]int, list []T, missing int) {
	for i, v := range list {
		at, ok := m[v]
		if !ok {
			at = missing
		}
		out[i] = at
	}
}

func newOneHotEncoder(a *Attrs) (Kernel, error) {
	texts, numbers, zeros := a.Strings("cats_strings"), a.Ints("cats_int64s"), a.Bool("zeros", true)
	if (len(texts) == 0) == (len(numbers) == 0) {
		a.Fail("cats_strings", "has %d elements and \"cats_int64s\" %d, expected one of them to have any", len(texts), len(numbers))
	}
	if len(texts) > 0 {
		return &oneHotEncoder{strType, categoriesOf(vector(texts)), zeros}, nil
	}
	return &oneHotEncoder{mlInputs, categoriesOf(vector(numbers)), zeros}, nil
}

// oneHotEncoder has, for each element, a row that is 1 at its category's place
// and 0 elsewhere. An element of no category is all 0, or an error.
type oneHotEncoder struct {
	allowed dtypes
	keys    *categories
	zeros   bool
}

func (k *oneHotEncoder) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Unranked(tensor.Float32))
	if x.Ranked {
		c.Set(0, Shaped(tensor.Float32, append(shapeOf(x.Shape), k.keys.count)...))
	}
	return k.allowed.check(0, x.DType)
}

func (k *oneHotEncoder) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Float32, append(shapeOf(x.Shape()), k.keys.count)...)
	if err != nil {
		return err
	}
	places, err := k.keys.places(x, -1)
	if err != nil {
		return err
	}
	out := tensor.Of[float32](y)
	clear(out)
	for i, at := range places {
		if at >= 0 {
			out[i*k.keys.count+at] = 1
		} else if !k.zeros {
			return fmt.Errorf("input 0: element %d is no known category", i)
		}
	}
	return nil
}
