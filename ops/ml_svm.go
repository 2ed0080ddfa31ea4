package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// svm is what support vector models share: vectors (count, features), and the
// function that compares a row with them.
type svm struct {
	kernel.SVMKernel
	vectors      []float64
	coefficients []float64
	rho          []float64
	count        int
	features     int
}

func readSVM(a *Attrs, count int) (s svm) {
	s = svm{vectors: float64List(a, "support_vectors"), coefficients: float64List(a, "coefficients"), rho: float64List(a, "rho"), count: count}
	switch a.Enum("kernel_type", "LINEAR", "LINEAR", "POLY", "RBF", "SIGMOID") {
	case "POLY":
		s.Kind = kernel.SVMPoly
	case "RBF":
		s.Kind = kernel.SVMRBF
	case "SIGMOID":
		s.Kind = kernel.SVMSigmoid
	}
	switch p := a.Floats("kernel_params"); len(p) {
	case 0:
	case 3:
		s.Gamma, s.Coef0, s.Degree = float64(p[0]), float64(p[1]), float64(p[2])
	default:
		a.Fail("kernel_params", "has %d elements, expected 3", len(p))
	}
	if count > 0 {
		if len(s.vectors)%count != 0 {
			a.Fail("support_vectors", "has %d elements, which %d vectors do not share evenly", len(s.vectors), count)
		}
		s.features = len(s.vectors) / count
	}
	return s
}

// eachRow calls f for every row with room for so many values, on several threads.
func (s *svm) eachRow(c *Ctx, rows, room int, f func(work []float64, i int)) error {
	pieces := max(1, min(rows, c.Pool().Threads(), rows*(s.count*s.features+1)>>15))
	work, err := reserved[float64](c, pieces*room)
	if err != nil {
		return err
	}
	c.Pool().For(pieces, 1, func(lo, hi int) {
		for p := lo; p < hi; p++ {
			for i := rows * p / pieces; i < rows*(p+1)/pieces && c.Err() == nil; i++ {
				f(work[p*room:(p+1)*room], i)
			}
		}
	})
	return c.Err()
}

func newSVMRegressor(a *Attrs) (Kernel, error) {
	n := a.Int("n_supports", 0)
	if n < 0 || n > 1<<31 {
		a.Fail("n_supports", "is %d, expected 0 to %d", n, int64(1<<31))
		n = 0
	}
	k := &svmRegressor{svm: readSVM(a, int(n)), oneClass: a.Bool("one_class", false), post: readPost(a)}
	if n == 0 {
		k.features = len(k.coefficients)
	} else if len(k.coefficients) != int(n) {
		a.Fail("coefficients", "has %d elements, expected %d", len(k.coefficients), n)
	}
	if len(k.rho) != 1 {
		a.Fail("rho", "has %d elements, expected 1", len(k.rho))
	}
	return k, nil
}

// svmRegressor is a weighted sum of comparisons with the vectors plus rho; with
// oneClass its sign. Without vectors the weights are compared with the row.
type svmRegressor struct {
	svm
	oneClass bool
	post     int
}

func (k *svmRegressor) Infer(c *Infer) error {
	if err := mlInputs.check(0, c.In(0).DType); err != nil {
		return err
	}
	return inferRows(c, 0, tensor.Float32, 1)
}

func (k *svmRegressor) Run(c *Ctx) error {
	x := c.In(0)
	if err := mlInputs.check(0, x.DType()); err != nil {
		return err
	}
	data, rows, err := exactRows(c, x, k.features)
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Float32, rows, 1)
	if err != nil {
		return err
	}
	out := tensor.Of[float32](y)
	return k.eachRow(c, rows, max(k.count, 1), func(similar []float64, i int) {
		out[i] = k.score(similar, data[i*k.features:(i+1)*k.features])
	})
}

// score is the output for row x.
func (k *svmRegressor) score(similar, x []float64) float32 {
	sum := k.rho[0]
	if k.count == 0 {
		sum += kernel.DotF64(k.coefficients, x)
	} else {
		k.Compare(similar, x, k.vectors)
		sum += kernel.DotF64(k.coefficients, similar)
	}
	if k.oneClass {
		if sum > 0 {
			sum = 1
		} else {
			sum = -1
		}
	}
	similar[0] = sum
	kernel.PostTransform(similar[:1], k.post)
	return float32(similar[0])
}

func newSVMClassifier(a *Attrs) (Kernel, error) {
	k := &svmClassifier{labels: readLabels(a, "classlabels_ints"), post: readPost(a)}
	count := 0
	for i, n := range a.Ints("vectors_per_class") {
		if n < 0 || n > math.MaxInt32 || count > math.MaxInt32 {
			a.Fail("vectors_per_class", "element %d is %d, expected 0 to %d in all", i, n, math.MaxInt32)
			n = 0
		}
		k.starts = append(k.starts, count)
		count += int(n)
	}
	k.starts = append(k.starts, count)
	k.svm = readSVM(a, count)
	k.classes = max(k.labels.count(), 1)
	k.probA, k.probB = float64List(a, "prob_a"), float64List(a, "prob_b")
	k.positive = true
	for _, v := range k.coefficients {
		k.positive = k.positive && v >= 0
	}
	k.check(a)
	return k, nil
}

// check makes sure that every list has the elements that Run reads.
func (k *svmClassifier) check(a *Attrs) {
	pairs := k.classes * (k.classes - 1) / 2
	if k.count == 0 {
		if len(k.coefficients)%k.classes != 0 {
			a.Fail("coefficients", "has %d elements, which %d classes do not share evenly", len(k.coefficients), k.classes)
		}
		k.features = len(k.coefficients) / k.classes
		if len(k.rho) < 1 {
			a.Fail("rho", "is missing")
		}
		k.outputs = k.classes
		return
	}
	if len(k.starts) != k.classes+1 {
		a.Fail("vectors_per_class", "has %d elements, expected %d", len(k.starts)-1, k.classes)
	}
	if len(k.coefficients) != (k.classes-1)*k.count {
		a.Fail("coefficients", "has %d elements, expected %d", len(k.coefficients), (k.classes-1)*k.count)
	}
	if len(k.rho) < pairs {
		a.Fail("rho", "has %d elements, expected %d", len(k.rho), pairs)
	}
	if n := len(k.probA); n != 0 && n != pairs || n != len(k.probB) {
		a.Fail("prob_a", "has %d elements beside %d of \"prob_b\", expected %d", n, len(k.probB), pairs)
	}
	if k.outputs = pairs; len(k.probA) > 0 || pairs == 1 {
		k.outputs = k.classes
	}
}

// svmClassifier decides by the votes of all pairs of classes, or where there
// are no vectors by the largest score of a class.
type svmClassifier struct {
	svm
	labels       classLabels
	classes      int
	outputs      int // columns of the scores
	starts       []int
	probA, probB []float64
	positive     bool
	post         int
}

func (k *svmClassifier) Infer(c *Infer) error {
	if err := mlInputs.check(0, c.In(0).DType); err != nil {
		return err
	}
	if err := inferRows(c, 0, k.labels.dtype()); err != nil {
		return err
	}
	return inferRows(c, 1, tensor.Float32, k.outputs)
}

func (k *svmClassifier) Run(c *Ctx) error {
	x := c.In(0)
	if err := mlInputs.check(0, x.DType()); err != nil {
		return err
	}
	data, rows, err := exactRows(c, x, k.features)
	if err != nil {
		return err
	}
	label, scores, out, err := classOutputs(c, &k.labels, rows, k.outputs)
	if err != nil {
		return err
	}
	pairs := k.classes * (k.classes - 1) / 2
	room := k.count + pairs + k.classes
	if len(k.probA) > 0 {
		room += kernel.SVMProbabilitiesRoom(k.classes)
	}
	err = k.eachRow(c, rows, room, func(work []float64, i int) {
		similar, pair, votes, rest := work[:k.count], work[k.count:k.count+pairs], work[k.count+pairs:][:k.classes], work[k.count+pairs+k.classes:]
		x, y := data[i*k.features:(i+1)*k.features], out[i*k.outputs:(i+1)*k.outputs]
		if k.count == 0 {
			k.labels.put(label, i, k.byScore(y, x))
			return
		}
		k.Compare(similar, x, k.vectors)
		kernel.SVMVotes(votes, pair, similar, k.coefficients, k.rho, k.starts)
		k.labels.put(label, i, k.byVotes(y, pair, votes, rest))
	})
	if err != nil {
		return err
	}
	castFrom(scores, out, tensor.Float64, rounding{})
	return nil
}

// byScore fills y with a linear score for each class.
func (k *svmClassifier) byScore(y, x []float64) int {
	for c := range y {
		y[c] = k.rho[0] + kernel.DotF64(k.coefficients[c*k.features:(c+1)*k.features], x)
	}
	class := argMax(y)
	kernel.PostTransform(y, k.post)
	return class
}

// byVotes fills y from the scores of the pairs of classes.
func (k *svmClassifier) byVotes(y, pair, votes, work []float64) int {
	class := argMax(votes)
	if len(k.probA) > 0 {
		kernel.SVMProbabilities(y, pair, k.probA, k.probB, work) // the votes may differ: they win
		kernel.PostTransform(y, k.post)
		return class
	}
	if len(pair) == 1 { // libsvm's score is for the first class
		twoScores(y, pair[0], k.post, k.positive)
		return class
	}
	copy(y, pair)
	kernel.PostTransform(y, k.post)
	return class
}
