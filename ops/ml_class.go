package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// classLabels are a classifier's labels: texts or numbers.
type classLabels struct {
	texts   []string
	numbers []int64
}

func readLabels(a *Attrs, numbers string) (l classLabels) {
	l.texts, l.numbers = a.Strings("classlabels_strings"), a.Ints(numbers)
	if len(l.texts) > 0 && len(l.numbers) > 0 {
		a.Fail("classlabels_strings", "and %q are both given", numbers)
	}
	return l
}

func (l *classLabels) count() int { return max(len(l.texts), len(l.numbers)) }

func (l *classLabels) dtype() tensor.DType {
	if len(l.texts) > 0 {
		return tensor.String
	}
	return tensor.Int64
}

// put makes label class the i-th element of y; without labels it is the class's
// number itself.
func (l *classLabels) put(y *tensor.Tensor, i, class int) {
	switch {
	case len(l.texts) > 0:
		tensor.Of[string](y)[i] = l.texts[class]
	case len(l.numbers) > 0:
		tensor.Of[int64](y)[i] = l.numbers[class]
	default:
		tensor.Of[int64](y)[i] = int64(class)
	}
}

func newTreeClassifier(since int) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &treeClassifier{labels: readLabels(a, "classlabels_int64s"), post: readPost(a)}
		k.classes = max(k.labels.count(), 1)
		k.trees = kernel.NewForest(readTrees(a, since, "class", k.classes))
		k.base = readBase(a, since, k.classes)
		k.features = featuresOf(k.trees.Trees)
		k.single, k.positive = true, true
		for _, w := range k.trees.Weights {
			k.single = k.single && w.Target == k.trees.Weights[0].Target
			k.positive = k.positive && w.Value >= 0
		}
		k.single = k.single && k.classes == 2 && len(k.trees.Weights) > 0
		return k, nil
	}
}

// treeClassifier is the class of each row of x, and all classes' scores.
type treeClassifier struct {
	trees             *kernel.Forest
	labels            classLabels
	classes, features int
	post              int
	base              []float64
	single            bool // two classes, but weights for one only
	positive          bool // no weight is negative
}

func (k *treeClassifier) Infer(c *Infer) error {
	if err := mlInputs.check(0, c.In(0).DType); err != nil {
		return err
	}
	if err := inferRows(c, 0, k.labels.dtype()); err != nil {
		return err
	}
	return inferRows(c, 1, tensor.Float32, k.classes)
}

func (k *treeClassifier) Run(c *Ctx) error {
	x := c.In(0)
	if err := mlInputs.check(0, x.DType()); err != nil {
		return err
	}
	data, rows, columns, err := rowsOf(c, x, k.features)
	if err != nil {
		return err
	}
	label, scores, out, err := classOutputs(c, &k.labels, rows, k.classes)
	if err != nil {
		return err
	}
	c.Pool().For(rows, treeGrain(k.trees), func(lo, hi int) {
		k.trees.PredictRows(out[lo*k.classes:hi*k.classes], data[lo*columns:hi*columns], columns, k.classes, kernel.TreeSum)
		for i := lo; i < hi; i++ {
			k.labels.put(label, i, k.decide(out[i*k.classes:(i+1)*k.classes]))
		}
	})
	castFrom(scores, out, tensor.Float64, rounding{})
	return c.Err()
}

// classOutputs is room for labels and scores, and the scores as float64s.
func classOutputs(c *Ctx, l *classLabels, rows, classes int) (label, scores *tensor.Tensor, out []float64, err error) {
	if label, err = c.Out(0, l.dtype(), rows); err != nil {
		return nil, nil, nil, err
	}
	if scores, err = c.Out(1, tensor.Float32, rows, classes); err != nil {
		return nil, nil, nil, err
	}
	out, err = reserved[float64](c, scores.Len())
	return label, scores, out, err
}

// decide finishes a row of scores and picks the class. The specification leaves
// open what two classes with weights for one of them mean: this is what ONNX
// Runtime does, on which converters rely. The class is the second where the
// score is above 0, or above 1/2 where all weights are probabilities.
func (k *treeClassifier) decide(row []float64) int {
	if !k.single {
		addBase(row, k.base)
		class := argMax(row)
		kernel.PostTransform(row, k.post)
		return class
	}
	s := row[k.trees.Weights[0].Target]
	if len(k.base) > 0 {
		s += k.base[len(k.base)-1]
	}
	class, threshold := 0, 0.0
	if k.positive {
		threshold = 0.5
	}
	if s > threshold {
		class = 1
	}
	if k.trees.Weights[0].Target == 1 { // the first class has a score too: none, 0
		row[1] = s
		if len(k.base) == 2 {
			row[0] = k.base[0]
		}
		kernel.PostTransform(row, k.post)
	} else {
		twoScores(row, s, k.post, k.positive)
	}
	return class
}

// twoScores makes the scores of two classes of that of the second:
// probabilities if complement, else the score and its negative.
func twoScores(row []float64, s float64, post int, complement bool) {
	switch {
	case post == kernel.PostProbit:
		one := []float64{s}
		kernel.PostTransform(one, post)
		row[0], row[1] = one[0], 0
	case complement:
		row[0], row[1] = 1-s, s
	default:
		row[0], row[1] = -s, s
		kernel.PostTransform(row, post)
	}
}

// argMax is the index of the first of the largest elements.
func argMax(row []float64) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}
