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
//
// The past may lie in a buffer with room for what comes: the new keys and values
// follow so many of its rows. With beams a row of the past may be that of another
// sequence.
type multiHead struct {
	contribAttention
	in     multiHeadInputs
	shared bool
	step   bool // of one query only
}

// multiHeadInputs are the numbers of the inputs.
type multiHeadInputs struct{ q, k, v, bias, mask, add, pastK, pastV, length, beams int }

func newMultiHead(a *Attrs) (Kernel, error) {
	k := &multiHead{contribAttention: newContribAttention(a), in: multiHeadInputs{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
	k.shared = hasInput(a, k.in.length)
	return k, k.checkInputs(a)
}

// newDecoderMasked makes DecoderMaskedMultiHeadAttention, MultiHeadAttention of one
// step with its inputs in another order. How many beams there are the beams' own
// shape tells.
func newDecoderMasked(a *Attrs) (Kernel, error) {
	k := &multiHead{contribAttention: newContribAttention(a), in: multiHeadInputs{0, 1, 2, 10, 3, 4, 5, 6, 7, 9}, step: true}
	k.shared = a.Bool("past_present_share_buffer", false)
	a.Bool("output_qk", false) // the output's name tells
	return k, k.checkInputs(a)
}

func (k *multiHead) checkInputs(a *Attrs) error {
	if k.shared {
		if err := needInputs(a, k.in.pastK, k.in.length); err != nil {
			return err
		}
	} else if hasInput(a, k.in.beams) {
		return fmt.Errorf("input %d, of beams, is given without a shared buffer", k.in.beams)
	}
	if err := needInputs(a, k.in.q); err != nil {
		return err
	}
	return togetherInputs(a, k.in.pastK, k.in.pastV)
}

// multiHeadSizes are the sizes of a run; Infer may leave some Unknown.
type multiHeadSizes struct{ B, Tq, Tk, D, DV, past, room int } // room is a shared buffer's

func (k *multiHead) check(at func(i int) tensor.DType) error {
	return checkReals(at, shortFloats, k.in.k, k.in.v, k.in.bias, k.in.add, k.in.pastK, k.in.pastV)
}

// sizes checks the shapes of queries, keys, values and of the past.
func (k *multiHead) sizes(at func(i int) Fact) (s multiHeadSizes, err error) {
	s = multiHeadSizes{Unknown, Unknown, Unknown, Unknown, Unknown, 0, 0}
	q, key, value := at(k.in.q), at(k.in.k), at(k.in.v)
	if q.Ranked {
		if err := checkRank(k.in.q, len(q.Shape), 3, 5); err != nil {
			return s, err
		}
		s.B, s.Tq = q.Shape[0], q.Shape[1]
		if k.step && s.Tq > 1 {
			return s, fmt.Errorf("input %d: has shape %v, expected one query", k.in.q, q.Shape)
		}
		if len(q.Shape) == 5 {
			s.Tk, s.D, s.DV = s.Tq, q.Shape[4], q.Shape[4]
			if key.DType != tensor.Undefined || value.DType != tensor.Undefined {
				return s, fmt.Errorf("input %d: has rank 5, keys and values in it, and they are given again", k.in.q)
			}
			if err := checkDims(k.in.q, q.Shape, Unknown, Unknown, k.heads, 3, Unknown); err != nil {
				return s, err
			}
		} else if s.D, err = headWidth(k.in.q, q.Shape[2], k.heads); err != nil {
			return s, err
		}
	}
	if key.Ranked {
		if err := checkRank(k.in.k, len(key.Shape), 3, 4, 5); err != nil {
			return s, err
		}
		switch len(key.Shape) {
		case 3:
			s.Tk = key.Shape[1]
			err = checkDims(k.in.k, key.Shape, s.B, Unknown, mulKnown(s.D, k.heads))
		case 4:
			s.Tk = key.Shape[2]
			err = checkDims(k.in.k, key.Shape, s.B, k.heads, Unknown, s.D)
		case 5:
			s.Tk, s.DV = key.Shape[1], s.D
			err = checkDims(k.in.k, key.Shape, s.B, Unknown, k.heads, 2, s.D)
		}
		if err != nil {
			return s, err
		}
	}
	if value.Ranked {
		if err := checkRank(k.in.v, len(value.Shape), 3, 4); err != nil {
			return s, err
		}
		if len(value.Shape) == 4 {
			s.DV = value.Shape[3]
			err = checkDims(k.in.v, value.Shape, s.B, k.heads, s.Tk, Unknown)
		} else if s.DV, err = headWidth(k.in.v, value.Shape[2], k.heads); err == nil {
			err = checkDims(k.in.v, value.Shape, s.B, s.Tk, Unknown)
		}
		if err != nil {
			return s, err
		}
	}
	pastK, pastV := at(k.in.pastK), at(k.in.pastV)
	if pastK.DType != tensor.Undefined && !pastK.Ranked {
		s.past = Unknown
	}
	if pastK.Ranked {
		if err := checkDims(k.in.pastK, pastK.Shape, s.B, k.heads, Unknown, s.D); err != nil {
			return s, err
		}
		s.past = pastK.Shape[2]
	}
	if pastV.Ranked {
		if err := checkDims(k.in.pastV, pastV.Shape, s.B, k.heads, s.past, s.DV); err != nil {
			return s, err
		}
	}
	if k.shared {
		s.room, s.past = s.past, Unknown
	}
	if bias := at(k.in.bias); bias.Ranked && s.D >= 0 && s.DV >= 0 {
		if err := checkDims(k.in.bias, bias.Shape, k.heads*(2*s.D+s.DV)); err != nil {
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
	if before, ok := c.Ints(k.in.length); ok && k.shared && len(before) == 1 {
		s.past = before[0]
	}
	total := Unknown
	if s.Tk >= 0 && s.past >= 0 {
		total = s.Tk + s.past
	}
	rows := total
	if k.shared {
		rows = s.room
	}
	dt := c.In(0).DType
	c.Set(0, Shaped(dt, s.B, s.Tq, mulKnown(s.DV, k.heads)))
	c.Set(1, Shaped(dt, s.B, k.heads, rows, s.D))
	c.Set(2, Shaped(dt, s.B, k.heads, rows, s.DV))
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
		return fmt.Errorf("input %d is missing", k.in.v)
	}
	if k.shared {
		if err := k.setPast(c, &s); err != nil {
			return err
		}
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
		past := c.In(k.in.pastK + i)
		if past == nil && !c.Wants(1+i) {
			continue
		}
		if k.shared {
			if parts[1+i], err = k.sharedPresent(c, i, &s, parts[1+i], width); err != nil {
				return err
			}
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
	if err := setMask(k.in.mask, c.In(k.in.mask), m, s.B); err != nil {
		return err
	}
	if err := setBias(c, k.in.add, m, s.B, k.heads); err != nil {
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
	t, at, of := c.In(k.in.q+i), 0, 1 // which vector of how many a head of rank 5 has
	switch {
	case c.In(k.in.q).Rank() == 5:
		t, at, of = c.In(k.in.q), i, 3
	case i > 0 && c.In(k.in.k) != nil && c.In(k.in.k).Rank() == 5:
		t, at, of = c.In(k.in.k), i-1, 2
	}
	if t == nil {
		return contribHeads{}, fmt.Errorf("input %d is missing", k.in.q+i)
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
	bias := c.In(k.in.bias)
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
