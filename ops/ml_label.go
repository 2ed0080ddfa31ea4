package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// labelOps translate categories.
func labelOps() []Op {
	return []Op{
		{Name: "LabelEncoder", Domain: mlDomain, Versions: []Version{one(1, newLabelEncoder1), one(2, newLabelEncoder(2)), one(4, newLabelEncoder(4))}},
		{Name: "CategoryMapper", Domain: mlDomain, Versions: []Version{one(1, newCategoryMapper)}},
		{Name: "OneHotEncoder", Domain: mlDomain, Versions: []Version{one(1, newOneHotEncoder)}},
	}
}

// translator is y = values[place of x among keys]; the last value stands for
// what has no place.
type translator struct {
	from   tensor.DType
	keys   *categories
	values *tensor.Tensor
}

func (k *translator) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Fact{DType: k.values.DType(), Shape: x.Shape, Ranked: x.Ranked})
	return types(k.from).check(0, x.DType)
}

func (k *translator) Run(c *Ctx) error {
	x := c.In(0)
	if err := types(k.from).check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, k.values.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	if err := c.Memory.Reserve(16 * x.Len()); err != nil {
		return err
	}
	n := k.values.Len()
	places, err := k.keys.places(x, n-1)
	if err != nil {
		return err
	}
	switch y.DType().Size() {
	case 0:
		kernel.PickColumns(tensor.Of[string](y), tensor.Of[string](k.values), places, n)
	case 2:
		kernel.PickColumns(sameWidth[uint16](y), sameWidth[uint16](k.values), places, n)
	case 4:
		kernel.PickColumns(sameWidth[uint32](y), sameWidth[uint32](k.values), places, n)
	case 8:
		kernel.PickColumns(sameWidth[uint64](y), sameWidth[uint64](k.values), places, n)
	}
	return nil
}

// vector is a tensor over a list.
func vector[T tensor.Elem](list []T) *tensor.Tensor { return tensor.Must(list, len(list)) }

// bothWays translates texts to numbers or numbers to texts, whichever the input
// has.
type bothWays struct{ toNumber, toText translator }

func newBothWays(texts []string, numbers []int64, defaultText string, defaultNumber int64) *bothWays {
	keys, places := categoriesOf(vector(texts)), categoriesOf(vector(numbers))
	return &bothWays{
		translator{tensor.String, keys, vector(append(append([]int64(nil), numbers...), defaultNumber))},
		translator{tensor.Int64, places, vector(append(append([]string(nil), texts...), defaultText))},
	}
}

func (k *bothWays) Infer(c *Infer) error {
	switch x := c.In(0); x.DType {
	case tensor.String:
		return k.toNumber.Infer(c)
	case tensor.Int64:
		return k.toText.Infer(c)
	default:
		return types(tensor.String, tensor.Int64).check(0, x.DType)
	}
}

func (k *bothWays) Run(c *Ctx) error {
	switch x := c.In(0); x.DType() {
	case tensor.String:
		return k.toNumber.Run(c)
	case tensor.Int64:
		return k.toText.Run(c)
	default:
		return types(tensor.String, tensor.Int64).check(0, x.DType())
	}
}

// newLabelEncoder1 numbers texts by their place in a list.
func newLabelEncoder1(a *Attrs) (Kernel, error) {
	texts := a.Strings("classes_strings")
	numbers := make([]int64, len(texts))
	for i := range numbers {
		numbers[i] = int64(i)
	}
	return newBothWays(texts, numbers, a.String("default_string", "_Unused"), a.Int("default_int64", -1)), nil
}

func newCategoryMapper(a *Attrs) (Kernel, error) {
	texts, numbers := a.Strings("cats_strings"), a.Ints("cats_int64s")
	if len(texts) != len(numbers) {
		a.Fail("cats_strings", "has %d elements, \"cats_int64s\" %d", len(texts), len(numbers))
	}
	return newBothWays(texts, numbers, a.String("default_string", "_Unused"), a.Int("default_int64", -1)), nil
}

// newLabelEncoder has keys and values of any of the types.
func newLabelEncoder(since int) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		keys := typedList(a, "keys", since)
		values := typedList(a, "values", since)
		text, number, real := a.String("default_string", "_Unused"), a.Int("default_int64", -1), a.Float("default_float", float32(math.Copysign(0, -1)))
		var missing *tensor.Tensor
		if since >= 4 {
			missing = a.Tensor("default_tensor")
		}
		if keys == nil || values == nil {
			return nil, nil // typedList has said why
		}
		if keys.Len() != values.Len() {
			a.Fail("values", "has %d elements for %d keys", values.Len(), keys.Len())
			return nil, nil
		}
		switch {
		case missing == nil && values.DType() == tensor.String:
			missing = vector([]string{text})
		case missing == nil && values.DType().IsFloat():
			missing = vector([]float32{real})
		case missing == nil:
			missing = vector([]int64{number})
		case missing.Len() != 1 || missing.DType() != values.DType():
			a.Fail("default_tensor", "is %v, expected one element of type %v", missing, values.DType())
			return nil, nil
		}
		all, err := withLast(values, missing)
		if err != nil {
			return nil, err
		}
		return &translator{keys.DType(), categoriesOf(keys), all}, nil
	}
}

// typedList is the one list given under name, as _floats, _int64s, _strings or
// _tensor.
func typedList(a *Attrs, name string, since int) *tensor.Tensor {
	var found []*tensor.Tensor
	if a.Has(name + "_floats") {
		found = append(found, vector(a.Floats(name+"_floats")))
	}
	if a.Has(name + "_int64s") {
		found = append(found, vector(a.Ints(name+"_int64s")))
	}
	if a.Has(name + "_strings") {
		found = append(found, vector(a.Strings(name+"_strings")))
	}
	if since >= 4 && a.Has(name+"_tensor") {
		if t := a.Tensor(name + "_tensor"); t != nil {
			found = append(found, t)
		}
	}
	if len(found) != 1 {
		a.Fail(name+"_*", "%d lists are given, expected one", len(found))
		return nil
	}
	if ok := types(tensor.String, tensor.Int64, tensor.Float32, tensor.Int32, tensor.Int16, tensor.Float64); !ok.has(found[0].DType()) {
		a.Fail(name+"_tensor", "has type %v, expected %v", found[0].DType(), ok)
		return nil
	}
	return found[0]
}

// withLast is a vector of t's elements and one more, converted to t's type.
func withLast(t, last *tensor.Tensor) (*tensor.Tensor, error) {
	if t.DType() == tensor.String {
		return vector(append(append([]string(nil), tensor.Of[string](t)...), tensor.Of[string](last)...)), nil
	}
	out, err := tensor.Zeros(t.DType(), t.Len()+1)
	if err != nil {
		return nil, err
	}
	tail := out.Bytes()[copy(out.Bytes(), t.Bytes()):]
	end, err := tensor.FromBytes(t.DType(), append([]byte(nil), tail...), 1)
	if err != nil {
		return nil, err
	}
	if last.DType() == t.DType() {
		copy(tail, last.Bytes())
		return out, nil
	}
	v := make([]float64, 1)
	convertNumbers(v, last)
	castFrom(end, v, tensor.Float64, rounding{})
	copy(tail, end.Bytes())
	return out, nil
}
