package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// linearOps are the linear and the support vector models.
func linearOps() []Op {
	two := func(name string, build func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: mlDomain, Versions: []Version{{Since: 1, MinIn: 1, MaxIn: 1, MinOut: 2, MaxOut: 2, New: build}}}
	}
	return []Op{
		{Name: "LinearRegressor", Domain: mlDomain, Versions: []Version{one(1, newLinearRegressor)}},
		{Name: "SVMRegressor", Domain: mlDomain, Versions: []Version{one(1, newSVMRegressor)}},
		two("LinearClassifier", newLinearClassifier),
		two("SVMClassifier", newSVMClassifier),
	}
}

// float64List is a FLOATS attribute as float64s.
func float64List(a *Attrs, name string) []float64 {
	list := a.Floats(name)
	out := make([]float64, len(list))
	kernel.ConvertTo(out, list)
	return out
}

// linear is x*W' + b for W (targets, features).
type linear struct {
	w, b              []float64
	targets, features int
}

func readLinear(a *Attrs, targets int) (l linear) {
	l = linear{w: float64List(a, "coefficients"), b: float64List(a, "intercepts"), targets: targets}
	if len(l.w)%targets != 0 {
		a.Fail("coefficients", "has %d elements, which %d targets do not share evenly", len(l.w), targets)
	}
	if len(l.b) != 0 && len(l.b) != targets {
		a.Fail("intercepts", "has %d elements, expected %d", len(l.b), targets)
	}
	l.features = len(l.w) / targets
	return l
}

// scores computes a row's scores.
func (l *linear) scores(y, x []float64) {
	kernel.DotsF64(y, l.w, x)
	for t, b := range l.b {
		y[t] += b
	}
}

func newLinearRegressor(a *Attrs) (Kernel, error) {
	return &linearRegressor{readLinear(a, positive(a, "targets", 1)), readPost(a)}, nil
}

// linearRegressor is the scores of the rows of x.
type linearRegressor struct {
	linear
	post int
}

func (k *linearRegressor) Infer(c *Infer) error {
	if err := mlInputs.check(0, c.In(0).DType); err != nil {
		return err
	}
	return inferRows(c, 0, tensor.Float32, k.targets)
}

func (k *linearRegressor) Run(c *Ctx) error {
	x := c.In(0)
	if err := mlInputs.check(0, x.DType()); err != nil {
		return err
	}
	data, rows, err := exactRows(c, x, k.features)
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Float32, rows, k.targets)
	if err != nil {
		return err
	}
	out, err := reserved[float64](c, y.Len())
	if err != nil {
		return err
	}
	c.Pool().For(rows, 1+1<<14/(len(k.w)+1), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := out[i*k.targets : (i+1)*k.targets]
			k.scores(row, data[i*k.features:(i+1)*k.features])
			kernel.PostTransform(row, k.post)
		}
	})
	castFrom(y, out, tensor.Float64, rounding{})
	return nil
}

func newLinearClassifier(a *Attrs) (Kernel, error) {
	a.Require("coefficients")
	a.Ignore("multi_class") // the coefficients' number says it
	k := &linearClassifier{labels: readLabels(a, "classlabels_ints"), post: readPost(a)}
	n := max(len(a.Floats("intercepts")), 1)
	if len(a.Floats("intercepts")) == 0 {
		n = max(k.labels.count(), 1)
	}
	k.linear = readLinear(a, n)
	k.classes = n
	if n == 1 && k.labels.count() == 2 {
		k.classes = 2
	} else if c := k.labels.count(); c != 0 && c != n {
		a.Fail("coefficients", "are for %d classes, with labels for %d", n, c)
	}
	return k, nil
}

// linearClassifier is the class of each row of x, and all classes' scores. Two
// classes may share one score: the second's.
type linearClassifier struct {
	linear
	labels  classLabels
	classes int
	post    int
}

func (k *linearClassifier) Infer(c *Infer) error {
	if err := mlInputs.check(0, c.In(0).DType); err != nil {
		return err
	}
	if err := inferRows(c, 0, k.labels.dtype()); err != nil {
		return err
	}
	return inferRows(c, 1, tensor.Float32, k.classes)
}

func (k *linearClassifier) Run(c *Ctx) error {
	x := c.In(0)
	if err := mlInputs.check(0, x.DType()); err != nil {
		return err
	}
	data, rows, err := exactRows(c, x, k.features)
	if err != nil {
		return err
	}
	label, scores, out, err := classOutputs(c, &k.labels, rows, k.classes)
	if err != nil {
		return err
	}
	c.Pool().For(rows, 1+1<<14/(len(k.w)+1), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			k.decide(label, i, out[i*k.classes:(i+1)*k.classes], data[i*k.features:(i+1)*k.features])
		}
	})
	castFrom(scores, out, tensor.Float64, rounding{})
	return nil
}

// decide computes the scores of row i, x, and its class.
func (k *linearClassifier) decide(label *tensor.Tensor, i int, row, x []float64) {
	k.scores(row[:k.targets], x)
	class := argMax(row[:k.targets])
	if k.targets == 1 && k.classes == 2 {
		s := row[0]
		if class = 0; s > 0 {
			class = 1
		}
		if k.post == kernel.PostLogistic || k.post == kernel.PostProbit {
			kernel.PostTransform(row[:1], k.post)
		}
		row[0], row[1] = 1-row[0], row[0]
	} else {
		kernel.PostTransform(row, k.post)
	}
	k.labels.put(label, i, class)
}
