package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// nonMaxSuppression chooses, for each batch entry and class, boxes in falling
// order of score that overlap none chosen before by more than a threshold. Its
// inputs are the boxes (N, n, 4), the scores (N, classes, n), and optionally
// the most boxes per class (0: none), the overlap and the least score.
type nonMaxSuppression struct{ centre bool }

func newNMS(a *Attrs) (Kernel, error) {
	return nonMaxSuppression{a.Bool("center_point_box", false)}, nil
}

func (nonMaxSuppression) Infer(c *Infer) error {
	c.Set(0, Shaped(tensor.Int64, Unknown, 3))
	return nil
}

// option is the one element of optional input i, or def.
func option[T tensor.Elem](c *Ctx, i int, def T) (T, error) {
	if !c.Has(i) {
		return def, nil
	}
	t := c.In(i)
	if t == nil || t.DType() != tensor.DTypeOf[T]() || t.Len() != 1 {
		return def, fmt.Errorf("input %d: is %v, expected one %v", i, t, tensor.DTypeOf[T]())
	}
	return scalar[T](t), nil
}

func (k nonMaxSuppression) Run(c *Ctx) error {
	boxes, err := given(c, 0)
	if err != nil {
		return err
	}
	scores, err := given(c, 1)
	if err != nil {
		return err
	}
	for i, t := range []*tensor.Tensor{boxes, scores} {
		if err := types(tensor.Float32).check(i, t.DType()); err != nil {
			return err
		}
		if err := checkRank(i, t.Rank(), 3); err != nil {
			return err
		}
	}
	batch, n, classes := boxes.Dim(0), boxes.Dim(1), scores.Dim(1)
	if err := checkDims(0, boxes.Shape(), Unknown, Unknown, 4); err != nil {
		return err
	}
	if err := checkDims(1, scores.Shape(), batch, Unknown, n); err != nil {
		return err
	}
	most, err := option[int64](c, 2, 0)
	if err != nil {
		return err
	}
	overlap, err := option[float32](c, 3, 0)
	if err != nil {
		return err
	}
	least, err := option(c, 4, float32(math.Inf(-1)))
	if err != nil {
		return err
	}
	if err := c.Memory.Reserve(n * (16 + 8 + 8)); err != nil {
		return err
	}
	s := kernel.Suppression{Boxes: make([][4]float32, n), Overlap: overlap, Least: least, Limited: c.Has(4), Most: int(max(0, min(most, int64(n))))}
	var chosen []int64
	var kept []int
	if n == 0 { // however many classes there are to say so of
		batch = 0
	}
	for b := range batch {
		k.corners(s.Boxes, tensor.Of[float32](boxes)[b*n*4:])
		for class := range classes {
			row := tensor.Of[float32](scores)[(b*classes+class)*n:][:n]
			if kept, err = s.Choose(kept[:0], row, c.Err); err != nil {
				return err
			}
			if err := c.Memory.Reserve(24 * len(kept)); err != nil {
				return err
			}
			for _, box := range kept {
				chosen = append(chosen, int64(b), int64(class), int64(box))
			}
		}
	}
	y, err := c.Out(0, tensor.Int64, len(chosen)/3, 3)
	if err != nil {
		return err
	}
	copy(tensor.Of[int64](y), chosen)
	return nil
}

// corners turns boxes, given by two opposite corners (y1, x1, y2, x2) or by
// centre and extent (x, y, w, h), into (top, left, bottom, right).
func (k nonMaxSuppression) corners(dst [][4]float32, boxes []float32) {
	for i := range dst {
		v := boxes[4*i : 4*i+4]
		if k.centre {
			x, y, w, h := v[0], v[1], v[2]/2, v[3]/2
			dst[i] = [4]float32{y - h, x - w, y + h, x + w}
			continue
		}
		dst[i] = [4]float32{min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3])}
	}
}
