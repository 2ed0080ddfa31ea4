package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

const mlDomain = "ai.onnx.ml"

// mlInputs are the types that most operators of ai.onnx.ml take.
var mlInputs = floats64 | types(tensor.Int32, tensor.Int64)

// treeOps are the ensembles of decision trees.
func treeOps() []Op {
	classifier := func(since int) Version {
		return Version{Since: since, MinIn: 1, MaxIn: 1, MinOut: 2, MaxOut: 2, New: newTreeClassifier(since)}
	}
	return []Op{
		{Name: "TreeEnsemble", Domain: mlDomain, Versions: []Version{one(5, newTreeEnsemble)}},
		{Name: "TreeEnsembleRegressor", Domain: mlDomain, Versions: []Version{one(1, newTreeRegressor(1)), one(3, newTreeRegressor(3))}},
		{Name: "TreeEnsembleClassifier", Domain: mlDomain, Versions: []Version{classifier(1), classifier(3)}},
	}
}

var postNames = []string{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"} // by kernel's numbers

// readPost is attribute post_transform.
func readPost(a *Attrs) int {
	name := a.Enum("post_transform", "NONE", postNames...)
	for i, n := range postNames {
		if n == name {
			return i
		}
	}
	return kernel.PostNone
}

// positive is an INT attribute that counts something.
func positive(a *Attrs, name string, def int64) int {
	n := a.Int(name, def)
	if n < 1 || n > 1<<24 {
		a.Fail(name, "is %d, expected at least 1", n)
		return 1
	}
	return int(n)
}

func newTreeEnsemble(a *Attrs) (Kernel, error) {
	k := &treeRegressor{allowed: floats, like: true, targets: positive(a, "n_targets", 1)}
	aggregate, post := a.Int("aggregate_function", 1), a.Int("post_transform", 0)
	if aggregate < kernel.TreeAverage || aggregate > kernel.TreeMax {
		a.Fail("aggregate_function", "is %d, expected 0 to 3", aggregate)
	}
	if post < kernel.PostNone || post > kernel.PostProbit {
		a.Fail("post_transform", "is %d, expected 0 to 4", post)
	}
	k.aggregate, k.post = int(aggregate), int(post)
	k.trees = kernel.NewForest(readTreeEnsemble(a, k.targets))
	k.features = featuresOf(k.trees.Trees)
	return k, nil
}

func newTreeRegressor(since int) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &treeRegressor{allowed: mlInputs, targets: positive(a, "n_targets", 1), post: readPost(a)}
		switch a.Enum("aggregate_function", "SUM", "AVERAGE", "SUM", "MIN", "MAX") {
		case "AVERAGE":
			k.aggregate = kernel.TreeAverage
		case "MIN":
			k.aggregate = kernel.TreeMin
		case "MAX":
			k.aggregate = kernel.TreeMax
		default:
			k.aggregate = kernel.TreeSum
		}
		k.trees = kernel.NewForest(readTrees(a, since, "target", k.targets))
		k.base = readBase(a, since, k.targets)
		k.features = featuresOf(k.trees.Trees)
		return k, nil
	}
}

// readBase is what is added to each target: none, one for all, or one each.
func readBase(a *Attrs, since, targets int) []float64 {
	base := (&treeReader{a: a}).numbers("base_values", since)
	if n := len(base); n > 1 && n != targets {
		a.Fail("base_values", "has %d elements, expected %d", n, targets)
	}
	return base
}

// featuresOf is how many features the trees look at.
func featuresOf(t *kernel.Trees) int {
	n := 0
	for i := range t.Nodes {
		if t.Nodes[i].Mode != kernel.TreeLeaf {
			n = max(n, int(t.Nodes[i].Feature)+1)
		}
	}
	return n
}

// treeRegressor is the trees' scores for the rows of x (N, features): (N,
// targets), float or (like) of x's type.
type treeRegressor struct {
	trees             *kernel.Forest
	allowed           dtypes
	like              bool
	targets, features int
	aggregate, post   int
	base              []float64
}

// matrix is the shape (rows, columns) of a model's input: a vector is one row.
func matrix(shape []int) (rows, columns int, err error) {
	switch len(shape) {
	case 1:
		return 1, shape[0], nil
	case 2:
		return shape[0], shape[1], nil
	}
	return 0, 0, fmt.Errorf("input 0: has shape %v, expected a matrix", shapeOf(shape))
}

// inferRows states outputs of a model: one row for each of x's.
func inferRows(c *Infer, i int, dt tensor.DType, columns ...int) error {
	x := c.In(0)
	c.Set(i, Shaped(dt, append([]int{Unknown}, columns...)...))
	if !x.Ranked {
		return nil
	}
	rows, _, err := matrix(x.Shape)
	if err != nil {
		return err
	}
	c.Set(i, Shaped(dt, append([]int{rows}, columns...)...))
	return nil
}

func (k *treeRegressor) outType(x tensor.DType) tensor.DType {
	if k.like {
		return x
	}
	return tensor.Float32
}

func (k *treeRegressor) Infer(c *Infer) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType); err != nil {
		return err
	}
	return inferRows(c, 0, k.outType(x.DType), k.targets)
}

func (k *treeRegressor) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	data, rows, columns, err := rowsOf(c, x, k.features)
	if err != nil {
		return err
	}
	y, err := c.Out(0, k.outType(x.DType()), rows, k.targets)
	if err != nil {
		return err
	}
	out, err := reserved[float64](c, y.Len())
	if err != nil {
		return err
	}
	c.Pool().For(rows, treeGrain(k.trees), func(lo, hi int) {
		k.trees.PredictRows(out[lo*k.targets:hi*k.targets], data[lo*columns:hi*columns], columns, k.targets, k.aggregate)
		for i := lo; i < hi; i++ {
			scores := out[i*k.targets : (i+1)*k.targets]
			addBase(scores, k.base)
			kernel.PostTransform(scores, k.post)
		}
	})
	castFrom(y, out, tensor.Float64, rounding{saturate: true})
	return c.Err()
}

// treeGrain is how many rows are worth waking a thread for.
func treeGrain(t *kernel.Forest) int { return 1 + 1<<12/(len(t.Roots)+1) }

func addBase(scores, base []float64) {
	if len(base) == 0 {
		return
	}
	for i := range scores {
		scores[i] += base[i%len(base)]
	}
}

// rowsOf is the matrix x as float64s; it has at least the given columns.
func rowsOf(c *Ctx, x *tensor.Tensor, least int) (data []float64, rows, columns int, err error) {
	if rows, columns, err = matrix(x.Shape()); err != nil {
		return nil, 0, 0, err
	}
	if columns < least && rows > 0 {
		return nil, 0, 0, fmt.Errorf("input 0: has %d columns, expected at least %d", columns, least)
	}
	if x.DType() == tensor.Float16 {
		data, err = asFloat64s(c, x)
		return data, rows, columns, err
	}
	if data, err = c.F64(x.Len()); err == nil {
		convertNumbers(data, x)
	}
	return data, rows, columns, err
}

// exactRows is the matrix x as float64s; its columns must be the model's features.
func exactRows(c *Ctx, x *tensor.Tensor, features int) (data []float64, rows int, err error) {
	data, rows, columns, err := rowsOf(c, x, 0)
	if err == nil && columns != features {
		err = fmt.Errorf("input 0: has %d columns, expected %d", columns, features)
	}
	return data, rows, err
}
