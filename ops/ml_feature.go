package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// featureOps prepare the features of tabular models.
func featureOps() []Op {
	ml := func(name string, v Version) Op { return Op{Name: name, Domain: mlDomain, Versions: []Version{v}} }
	return []Op{
		ml("ArrayFeatureExtractor", two(1, func(*Attrs) (Kernel, error) { return arrayFeatures{}, nil })),
		ml("Binarizer", one(1, newBinarizer)),
		ml("FeatureVectorizer", Version{Since: 1, MinIn: 1, MaxIn: Unlimited, MinOut: 1, MaxOut: 1, New: newFeatureVectorizer}),
		ml("Imputer", one(1, newImputer)),
		ml("Normalizer", one(1, newNormalizer)),
		ml("Scaler", one(1, newScaler)),
	}
}

// features is y = f(x) in float64, of x's shape: float, or (like) of x's type.
type features struct {
	f    func(y, x []float64, columns int) error
	like bool
}

func (k *features) Infer(c *Infer) error {
	x := c.In(0)
	dt := tensor.Float32
	if k.like {
		dt = x.DType
	}
	c.Set(0, Fact{DType: dt, Shape: x.Shape, Ranked: x.Ranked})
	return mlInputs.check(0, x.DType)
}

func (k *features) Run(c *Ctx) error {
	x := c.In(0)
	if err := mlInputs.check(0, x.DType()); err != nil {
		return err
	}
	dt := tensor.Float32
	if k.like {
		dt = x.DType()
	}
	y, err := c.Out(0, dt, x.Shape()...)
	if err != nil {
		return err
	}
	data, err := c.F64(x.Len())
	if err != nil {
		return err
	}
	convertNumbers(data, x)
	columns := 1
	if x.Rank() > 0 {
		columns = x.Dim(x.Rank() - 1)
	}
	if x.Len() > 0 {
		if err := k.f(data, data, columns); err != nil {
			return err
		}
	}
	castFrom(y, data, tensor.Float64, rounding{})
	return nil
}

func newBinarizer(a *Attrs) (Kernel, error) {
	threshold := float64(a.Float("threshold", 0))
	return &features{func(y, x []float64, _ int) error {
		kernel.Map(y, x, func(v float64) float64 {
			if v > threshold {
				return 1
			}
			return 0
		})
		return nil
	}, true}, nil
}

func newScaler(a *Attrs) (Kernel, error) {
	offset, scale := float64List(a, "offset"), float64List(a, "scale")
	return &features{func(y, x []float64, columns int) error {
		for _, l := range [][]float64{offset, scale} {
			if len(l) > 1 && len(l) != columns {
				return fmt.Errorf("input 0: has %d columns, expected %d", columns, len(l))
			}
		}
		kernel.ScaleColumns(y, x, offset, scale, columns)
		return nil
	}, false}, nil
}

func newNormalizer(a *Attrs) (Kernel, error) {
	norm := a.Enum("norm", "MAX", "MAX", "L1", "L2")
	return &features{func(y, x []float64, columns int) error {
		kernel.NormalizeRows(y, x, columns, norm)
		return nil
	}, false}, nil
}

func newImputer(a *Attrs) (Kernel, error) {
	values, replaced := float64List(a, "imputed_value_floats"), float64(a.Float("replaced_value_float", 0))
	whole, replacedInt := a.Ints("imputed_value_int64s"), a.Int("replaced_value_int64", 0)
	if len(values) > 0 && len(whole) > 0 {
		a.Fail("imputed_value_floats", "and \"imputed_value_int64s\" are both given")
	}
	if len(values) == 0 {
		values, replaced = make([]float64, len(whole)), float64(replacedInt)
		kernel.ConvertTo(values, whole)
	}
	if len(values) == 0 {
		a.Fail("imputed_value_floats", "is missing")
	}
	return &features{func(y, x []float64, columns int) error {
		if len(values) != 1 && len(values) != columns {
			return fmt.Errorf("input 0: has %d columns, expected %d", columns, len(values))
		}
		kernel.Impute(y, x, values, replaced)
		return nil
	}, true}, nil
}

// arrayFeatures picks elements of the last axis by index (input 1).
type arrayFeatures struct{}

var arrayTypes = mlInputs | strType

func (arrayFeatures) Infer(c *Infer) error {
	x, index := c.In(0), c.In(1)
	c.Set(0, Unranked(x.DType))
	if err := arrayTypes.check(0, x.DType); err != nil || !x.Ranked || !index.Ranked {
		return err
	}
	n := 1
	for _, d := range index.Shape {
		if d == Unknown {
			n = Unknown
			break
		}
		n *= d
	}
	if len(x.Shape) < 2 {
		c.Set(0, Shaped(x.DType, 1, n))
		return nil
	}
	c.Set(0, Shaped(x.DType, append(shapeOf(x.Shape[:len(x.Shape)-1]), n)...))
	return nil
}

func (arrayFeatures) Run(c *Ctx) error {
	x := c.In(0)
	if err := arrayTypes.check(0, x.DType()); err != nil {
		return err
	}
	index, err := c.Ints(1)
	if err != nil {
		return err
	}
	if x.Rank() == 0 {
		return fmt.Errorf("input 0: has shape (), expected at least one dimension")
	}
	columns := x.Dim(x.Rank() - 1)
	for _, i := range index {
		if i < 0 || i >= columns {
			return fmt.Errorf("input 1: has index %d, expected 0 to %d", i, columns-1)
		}
	}
	shape := append(shapeOf(x.Shape()[:x.Rank()-1]), len(index))
	if x.Rank() == 1 {
		shape = tensor.Shape{1, len(index)}
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	switch x.DType().Size() {
	case 0:
		kernel.PickColumns(tensor.Of[string](y), tensor.Of[string](x), index, columns)
	case 4:
		kernel.PickColumns(sameWidth[uint32](y), sameWidth[uint32](x), index, columns)
	case 8:
		kernel.PickColumns(sameWidth[uint64](y), sameWidth[uint64](x), index, columns)
	}
	return nil
}

func newFeatureVectorizer(a *Attrs) (Kernel, error) {
	k := &featureVectorizer{}
	for i, n := range a.Ints("inputdimensions") {
		if n < 0 || n > math.MaxInt32 {
			a.Fail("inputdimensions", "element %d is %d, expected 0 to %d", i, n, math.MaxInt32)
			n = 0
		}
		k.widths = append(k.widths, int(n))
	}
	if len(k.widths) != len(a.Inputs) {
		a.Fail("inputdimensions", "has %d elements for %d inputs", len(k.widths), len(a.Inputs))
	}
	return k, nil
}

// featureVectorizer puts its inputs beside each other as float, each cut or
// filled with zeros to its width.
type featureVectorizer struct{ widths []int }

func (k *featureVectorizer) total() (n int) {
	for _, w := range k.widths {
		n += w
	}
	return n
}

func (k *featureVectorizer) Infer(c *Infer) error {
	rows := Unknown
	for i := range k.widths {
		f := c.In(i)
		if err := mlInputs.check(i, f.DType); err != nil {
			return err
		}
		if f.Ranked && len(f.Shape) > 0 && i == 0 {
			rows = f.Shape[0]
		}
	}
	c.Set(0, Shaped(tensor.Float32, rows, k.total()))
	return nil
}

func (k *featureVectorizer) Run(c *Ctx) error {
	rows, total := 0, k.total()
	for i := range k.widths {
		x := c.In(i)
		if x == nil || x.Rank() < 1 || x.Rank() > 2 {
			return fmt.Errorf("input %d: is %s, expected a vector or matrix", i, formOf(c.Value(i)))
		}
		if err := mlInputs.check(i, x.DType()); err != nil {
			return err
		}
		if i == 0 {
			rows = x.Dim(0)
		} else if x.Dim(0) != rows {
			return fmt.Errorf("input %d: has %d rows, expected %d", i, x.Dim(0), rows)
		}
	}
	y, err := c.Out(0, tensor.Float32, rows, total)
	if err != nil {
		return err
	}
	at := 0
	for i, w := range k.widths {
		x := c.In(i)
		data, err := c.F64(x.Len())
		if err != nil {
			return err
		}
		convertNumbers(data, x)
		kernel.PutColumns(tensor.Of[float32](y), data, rows, total, at, w)
		at += w
	}
	return nil
}
