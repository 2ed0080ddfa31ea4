package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// multiHead is MultiHeadAttention of com.microsoft: queries, keys and values are
// three inputs, (B, T, heads*width); or (B, heads, T, width) for keys and values;
// or in one, (B, T, heads, 3, width), or keys and values in one, (B, T, heads, 2,
// width). A bias, of the projections before, is added to those of rank 3 and 5.
type multiHead struct{ contribAttention }

// The inputs of MultiHeadAttention.
const (
	mhaQ = iota
	mhaK
	mhaV
	mhaBias
	mhaMask
	mhaAdd
	mhaPastK
	mhaPastV
)

func newMultiHead(a *Attrs) (Kernel, error) {
	if len(a.Inputs) > mhaPastV+1 {
		return nil, Unsupportedf("inputs 8 and 9, of a shared buffer and of beams")
	}
	if err := needInputs(a, mhaQ); err != nil {
		return nil, err
	}
	return &multiHead{newContribAttention(a)}, togetherInputs(a, mhaPastK, mhaPastV)
}

// multiHeadSizes are the sizes of a run; Infer may leave some Unknown.
type multiHeadSizes struct{ B, Tq, Tk, D, DV, past int }

func (k *multiHead) check(at func(i int) tensor.DType) error {
	return checkReals(at, shortFloats, mhaK, mhaV, mhaBias, mhaAdd, mhaPastK, mhaPastV)
}

// sizes checks the shapes of queries, keys, values and of the past.
func (k *multiHead) sizes(at func(i int) Fact) (s multiHeadSizes, err error) {
	s = multiHeadSizes{Unknown, Unknown, Unknown, Unknown, Unknown, 0}
	q, key, value := at(mhaQ), at(mhaK), at(mhaV)
	if q.Ranked {
		if err := checkRank(mhaQ, len(q.Shape), 3, 5); err != nil {
			return s, err
		}
		s.B, s.Tq = q.Shape[0], q.Shape[1]
		if len(q.Shape) == 5 {
			s.Tk, s.D, s.DV = s.Tq, q.Shape[4], q.Shape[4]
			if key.DType != tensor.Undefined || value.DType != tensor.Undefined {
				return s, fmt.Errorf("input %d: has rank 5, keys and values in it, and they are given again", mhaQ)
			}
			if err := checkDims(mhaQ, q.Shape, Unknown, Unknown, k.heads, 3, Unknown); err != nil {
				return s, err
			}
		} else if s.D, err = headWidth(mhaQ, q.Shape[2], k.heads); err != nil {
			return s, err
		}
	}
	if key.Ranked {
		if err := checkRank(mhaK, len(key.Shape), 3, 4, 5); err != nil {
			return s, err
		}
		switch len(key.Shape) {
		case 3:
			s.Tk = key.Shape[1]
			err = checkDims(mhaK, key.Shape, s.B, Unknown, mulKnown(s.D, k.heads))
		case 4:
			s.Tk = key.Shape[2]
			err = checkDims(mhaK, key.Shape, s.B, k.heads, Unknown, s.D)
		case 5:
			s.Tk, s.DV = key.Shape[1], s.D
			err = checkDims(mhaK, key.Shape, s.B, Unknown, k.heads, 2, s.D)
		}
		if err != nil {
			return s, err
		}
	}
	if value.Ranked {
		if err := checkRank(mhaV, len(value.Shape), 3, 4); err != nil {
			return s, err
		}
		if len(value.Shape) == 4 {
			s.DV = value.Shape[3]
			err = checkDims(mhaV, value.Shape, s.B, k.heads, s.Tk, Unknown)
		} else if s.DV, err = headWidth(mhaV, value.Shape[2], k.heads); err == nil {
			err = checkDims(mhaV, value.Shape, s.B, s.Tk, Unknown)
		}
		if err != nil {
			return s, err
		}
	}
	pastK, pastV := at(mhaPastK), at(mhaPastV)
	if pastK.DType != tensor.Undefined && !pastK.Ranked {
		s.past = Unknown
	}
	if pastK.Ranked {
		if err := checkDims(mhaPastK, pastK.Shape, s.B, k.heads, Unknown, s.D); err != nil {
			return s, err
		}
		s.past = pastK.Shape[2]
	}
	if pastV.Ranked {
		if err := checkDims(mhaPastV, pastV.Shape, s.B, k.heads, s.past, s.DV); err != nil {
			return s, err
		}
	}
	if bias := at(mhaBias); bias.Ranked && s.D >= 0 && s.DV >= 0 {
		if err := checkDims(mhaBias, bias.Shape, k.heads*(2*s.D+s.DV)); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (k *multiHead) Infer(c *Infer) error {
	if err := k.check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	s, err := k.sizes(c.In)
	if err != nil {
		return err
	}
	total := Unknown
	if s.Tk >= 0 && s.past >= 0 {
		total = s.Tk + s.past
	}
	dt := c.In(0).DType
	c.Set(0, Shaped(dt, s.B, s.Tq, mulKnown(s.DV, k.heads)))
	c.Set(1, Shaped(dt, s.B, k.heads, total, s.D))
	c.Set(2, Shaped(dt, s.B, k.heads, total, s.DV))
	c.Set(3, Shaped(dt, s.B, k.heads, s.Tq, total))
	return nil
}

func (k *multiHead) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	s, err := k.sizes(c.factOrNone)
	if err != nil {
		return err
	}
	if s.DV < 0 { // a key without a value, and not both in one
		return fmt.Errorf("input %d is missing", mhaV)
	}
	dt, total := c.dtype(0), s.past+s.Tk
	y, err := outReal[float32](c, 0, dt, s.B, s.Tq, k.heads*s.DV)
	if err != nil {
		return err
	}
	a := &kernel.AttentionOfArgs[float32]{B: s.B, Heads: k.heads, KVHeads: k.heads, Tq: s.Tq, Tk: total, D: s.D, DV: s.DV,
		Out: y.data, OutS: headStrides(true, k.heads, s.Tq, s.DV)}
	var parts [3]contribHeads
	for i := range parts {
		if parts[i], err = k.part(c, &s, i); err != nil {
			return err
		}
	}
	for i, width := range []int{s.D, s.DV} {
		past := c.In(mhaPastK + i)
		if past == nil && !c.Wants(1+i) {
			continue
		}
		present, err := outReal[float32](c, 1+i, dt, s.B, k.heads, total, width)
		if err != nil {
			return err
		}
		old, err := reals[float32](c, past)
		if err != nil {
			return err
		}
		parts[1+i] = joined(present.data, old, parts[1+i], s.B, k.heads, s.past, width)
		present.done()
	}
	a.Q, a.QS, a.K, a.KS, a.V, a.VS = parts[0].data, parts[0].s, parts[1].data, parts[1].s, parts[2].data, parts[2].s
	m := k.newMask(s.B, s.Tq, total, s.past)
	if err := setMask(mhaMask, c.In(mhaMask), m, s.B); err != nil {
		return err
	}
	if err := setBias(c, mhaAdd, m, s.B, k.heads); err != nil {
		return err
	}
	var scores realOut[float32]
	if c.Wants(3) {
		if scores, err = outReal[float32](c, 3, dt, s.B, k.heads, s.Tq, total); err != nil {
			return err
		}
		a.Scores, a.Stage = scores.data, kernel.ScoreMasked
	}
	if err := k.attend(c, a, m); err != nil {
		return err
	}
	y.done()
	scores.done()
	return nil
}

// part is queries, keys or values (i is 0, 1, 2), with the bias where it is due.
func (k *multiHead) part(c *Ctx, s *multiHeadSizes, i int) (contribHeads, error) {
	t, at, of := c.In(mhaQ+i), 0, 1 // which vector of how many a head of rank 5 has
	switch {
	case c.In(mhaQ).Rank() == 5:
		t, at, of = c.In(mhaQ), i, 3
	case i > 0 && c.In(mhaK) != nil && c.In(mhaK).Rank() == 5:
		t, at, of = c.In(mhaK), i-1, 2
	}
	if t == nil {
		return contribHeads{}, fmt.Errorf("input %d is missing", mhaQ+i)
	}
	width, rows := s.D, s.Tk
	if i == 0 {
		rows = s.Tq
	}
	if i == 2 {
		width = s.DV
	}
	data, err := reals[float32](c, t)
	if err != nil {
		return contribHeads{}, err
	}
	if t.Rank() == 4 {
		return contribHeads{data, headStrides(false, k.heads, rows, width), rows}, nil
	}
	h := contribHeads{data[min(at*width, len(data)):], kernel.Strides{B: rows * k.heads * of * width, H: of * width, T: k.heads * of * width}, rows}
	bias := c.In(mhaBias)
	if bias == nil || len(data) == 0 {
		return h, nil
	}
	add, err := reals[float32](c, bias)
	if err != nil {
		return h, err
	}
	flat, err := reserved[float32](c, s.B*rows*k.heads*width)
	if err != nil {
		return h, err
	}
	to := headStrides(true, k.heads, rows, width)
	copyHeads(flat, to, h.data, h.s, s.B, k.heads, rows, width)
	kernel.AddRows(flat, flat, add[i*k.heads*s.D:][:k.heads*width])
	return contribHeads{flat, to, rows}, nil
}
