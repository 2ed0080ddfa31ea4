package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/tensor"
)

// mapOps make maps and take them apart.
func mapOps() []Op {
	return []Op{
		{Name: "ZipMap", Domain: mlDomain, Versions: []Version{one(1, newZipMap)}},
		{Name: "DictVectorizer", Domain: mlDomain, Versions: []Version{one(1, newDictVectorizer)}},
		{Name: "CastMap", Domain: mlDomain, Versions: []Version{one(1, newCastMap)}},
	}
}

// zipMap is a sequence of maps from class to score, one for each row of x.
type zipMap struct{ keys *tensor.Tensor }

func newZipMap(a *Attrs) (Kernel, error) {
	l := readLabels(a, "classlabels_int64s")
	if len(l.texts) > 0 {
		return &zipMap{vector(l.texts)}, nil
	}
	return &zipMap{vector(l.numbers)}, nil
}

func (k *zipMap) Infer(c *Infer) error { return types(tensor.Float32).check(0, c.In(0).DType) }

func (k *zipMap) Run(c *Ctx) error {
	x := c.In(0)
	if err := types(tensor.Float32).check(0, x.DType()); err != nil {
		return err
	}
	rows, columns, err := matrix(x.Shape())
	if err != nil {
		return err
	}
	if columns != k.keys.Len() {
		return fmt.Errorf("input 0: has %d columns, expected %d", columns, k.keys.Len())
	}
	out := &tensor.Sequence{}
	const itemBytes = 1500 // headers of a map and its values, copied once on the way out
	for i := range rows {
		if err := c.Err(); err != nil {
			return err
		}
		if err := c.Memory.Reserve(itemBytes); err != nil {
			return err
		}
		values, err := c.Memory.New(tensor.Float32, []int{columns})
		if err != nil {
			return err
		}
		copy(tensor.Of[float32](values), tensor.Of[float32](x)[i*columns:])
		out.Items = append(out.Items, &tensor.Map{Keys: k.keys, Values: values})
	}
	return c.SetOut(0, out)
}

// mapIn is input 0 as a map.
func mapIn(c *Ctx) (*tensor.Map, error) {
	m, ok := c.Value(0).(*tensor.Map)
	if !ok || m == nil || m.Keys == nil || m.Values == nil || m.Keys.Len() != m.Values.Len() {
		return nil, fmt.Errorf("input 0: is %T, expected a map", c.Value(0))
	}
	return m, nil
}

// dictVectorizer is a map's values in the order of a vocabulary, (1, n); 0 or
// "" where the map has no such key.
type dictVectorizer struct {
	keys *categories
	dt   tensor.DType // of the keys
	n    int
}

func newDictVectorizer(a *Attrs) (Kernel, error) {
	texts, numbers := a.Strings("string_vocabulary"), a.Ints("int64_vocabulary")
	if (len(texts) == 0) == (len(numbers) == 0) {
		a.Fail("string_vocabulary", "has %d elements and \"int64_vocabulary\" %d, expected one of them to have any", len(texts), len(numbers))
	}
	if len(texts) > 0 {
		return &dictVectorizer{categoriesOf(vector(texts)), tensor.String, len(texts)}, nil
	}
	return &dictVectorizer{categoriesOf(vector(numbers)), tensor.Int64, len(numbers)}, nil
}

func (k *dictVectorizer) AnyValue() {}

func (k *dictVectorizer) Infer(c *Infer) error {
	c.Set(0, Shaped(tensor.Undefined, 1, k.n))
	return nil
}

func (k *dictVectorizer) Run(c *Ctx) error {
	m, err := mapIn(c)
	if err != nil {
		return err
	}
	if m.Keys.DType() != k.dt {
		return fmt.Errorf("input 0: has keys of type %v, expected %v", m.Keys.DType(), k.dt)
	}
	y, err := c.Out(0, m.Values.DType(), 1, k.n)
	if err != nil {
		return err
	}
	places, err := k.keys.places(m.Keys, -1)
	if err != nil {
		return err
	}
	if y.DType() == tensor.String {
		out := tensor.Of[string](y)
		clear(out)
		for i, at := range places {
			if at >= 0 {
				out[at] = tensor.Of[string](m.Values)[i]
			}
		}
		return nil
	}
	clear(y.Bytes())
	size := y.DType().Size()
	for i, at := range places {
		if at >= 0 {
			copy(y.Bytes()[at*size:(at+1)*size], m.Values.Bytes()[i*size:])
		}
	}
	return nil
}

// castMap is a map's values in the order of its keys, (1, n), cast to another
// type; sparse puts each at the index that its key is.
type castMap struct {
	to     tensor.DType
	sparse bool
	most   int
}

func newCastMap(a *Attrs) (Kernel, error) {
	k := &castMap{to: tensor.Float32, sparse: a.Enum("map_form", "DENSE", "DENSE", "SPARSE") == "SPARSE"}
	switch a.Enum("cast_to", "TO_FLOAT", "TO_FLOAT", "TO_STRING", "TO_INT64") {
	case "TO_STRING":
		k.to = tensor.String
	case "TO_INT64":
		k.to = tensor.Int64
	}
	n := a.Int("max_map", 1)
	if n < 0 || n > math.MaxInt32 {
		a.Fail("max_map", "is %d, expected 0 to %d", n, math.MaxInt32)
	}
	k.most = int(n)
	return k, nil
}

func (k *castMap) AnyValue() {}

func (k *castMap) Infer(c *Infer) error {
	c.Set(0, Shaped(k.to, 1, Unknown))
	return nil
}

func (k *castMap) Run(c *Ctx) error {
	m, err := mapIn(c)
	if err != nil {
		return err
	}
	if m.Keys.DType() != tensor.Int64 {
		return fmt.Errorf("input 0: has keys of type %v, expected int64", m.Keys.DType())
	}
	values, err := tensor.Zeros(k.to, m.Values.Len())
	if err != nil {
		return err
	}
	if err := castInto(c, values, m.Values, rounding{}); err != nil {
		return err
	}
	keys := tensor.Of[int64](m.Keys)
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case keys[i] < keys[j]:
			return -1
		case keys[i] > keys[j]:
			return 1
		}
		return 0
	})
	n := len(keys)
	if k.sparse {
		n = k.most
	}
	y, err := c.Out(0, k.to, 1, n)
	if err != nil {
		return err
	}
	clear(y.Bytes())
	if k.to == tensor.String {
		clear(tensor.Of[string](y))
	}
	size := k.to.Size()
	for at, i := range order {
		if k.sparse {
			if keys[i] < 0 || keys[i] >= int64(n) {
				return fmt.Errorf("input 0: has key %d, expected 0 to %d", keys[i], n-1)
			}
			at = int(keys[i])
		}
		if k.to == tensor.String {
			tensor.Of[string](y)[at] = tensor.Of[string](values)[i]
		} else {
			copy(y.Bytes()[at*size:(at+1)*size], values.Bytes()[i*size:])
		}
	}
	return nil
}
