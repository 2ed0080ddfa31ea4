package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// setPast reads how many rows of a shared buffer are the past.
func (k *multiHead) setPast(c *Ctx, s *multiHeadSizes) error {
	t := c.In(k.in.length)
	if err := types(tensor.Int32).check(k.in.length, t.DType()); err != nil {
		return err
	}
	if t.Len() != 1 {
		return fmt.Errorf("input %d: has shape %v, expected one number", k.in.length, t.Shape())
	}
	s.past = int(tensor.Of[int32](t)[0])
	if s.past < 0 || s.past+s.Tk > s.room {
		return fmt.Errorf("input %d: is %d, the buffer has room for %d and %d more come", k.in.length, s.past, s.room, s.Tk)
	}
	return nil
}

// sharedPresent makes output 1+i: the buffer of keys (i = 0) or values (i = 1) with
// now after the past. It returns what each sequence attends to.
func (k *multiHead) sharedPresent(c *Ctx, i int, s *multiHeadSizes, now contribHeads, width int) (contribHeads, error) {
	present, err := outReal[float32](c, 1+i, c.dtype(0), s.B, k.heads, s.room, width)
	if err != nil {
		return now, err
	}
	old, err := reals[float32](c, c.In(k.in.pastK+i))
	if err != nil {
		return now, err
	}
	copy(present.data, old)
	all := contribHeads{present.data, headStrides(false, k.heads, s.room, width), s.past + s.Tk}
	if len(present.data) == 0 {
		return all, nil
	}
	copyHeads(present.data[s.past*width:], all.s, now.data, now.s, s.B, k.heads, s.Tk, width)
	present.done()
	if c.In(k.in.beams) == nil {
		return all, nil
	}
	return k.alongBeams(c, s, all, width)
}

// alongBeams are the rows of all that each sequence came by: those of the past may be
// another beam's.
func (k *multiHead) alongBeams(c *Ctx, s *multiHeadSizes, all contribHeads, width int) (contribHeads, error) {
	t := c.In(k.in.beams)
	if err := types(tensor.Int32).check(k.in.beams, t.DType()); err != nil {
		return all, err
	}
	if err := checkDims(k.in.beams, t.Shape(), Unknown, Unknown, Unknown); err != nil {
		return all, err
	}
	beams, room := t.Dim(1), t.Dim(2)
	if t.Dim(0)*beams != s.B || room < s.past {
		return all, fmt.Errorf("input %d: has shape %v, expected beams of %d sequences and %d tokens", k.in.beams, t.Shape(), s.B, s.past)
	}
	from := tensor.Of[int32](t)
	rows, err := reserved[float32](c, len(all.data))
	if err != nil {
		return all, err
	}
	for b := range s.B {
		for h := range k.heads {
			to := (b*k.heads + h) * s.room * width
			copy(rows[to:][:s.room*width], all.data[to:])
			for row := range s.past {
				of := int(from[b*room+row])
				if of < 0 || of >= beams {
					return all, fmt.Errorf("input %d: has beam %d, expected 0 to %d", k.in.beams, of, beams-1)
				}
				copy(rows[to+row*width:][:width], all.data[((b/beams*beams+of)*k.heads+h)*s.room*width+row*width:])
			}
		}
	}
	all.data = rows
	return all, nil
}
