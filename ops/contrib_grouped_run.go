package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// lengths are, for each batch, the tokens before this run, those of it that count,
// and their sum.
func (k *groupQuery) lengths(c *Ctx, s *groupSizes, most int) (before, now, total []int, err error) {
	before, now, total = make([]int, s.B), make([]int, s.B), make([]int, s.B)
	for b, last := range tensor.Of[int32](c.In(gqaLens)) {
		if total[b] = int(last) + 1; last < 0 || total[b] > most {
			return nil, nil, nil, fmt.Errorf("input %d: is %d for batch %d, expected 0 to %d", gqaLens, last, b, most-1)
		}
		now[b] = min(s.T, total[b])
		if lens := c.In(gqaQueryLens); lens != nil {
			if n := int(tensor.Of[int32](lens)[b]); n < 0 || n > now[b] {
				return nil, nil, nil, fmt.Errorf("input %d: is %d for batch %d, expected 0 to %d", gqaQueryLens, n, b, now[b])
			}
			now[b] = int(tensor.Of[int32](lens)[b])
		} else if s.T == most {
			now[b] = total[b] // a first prompt
		}
		if before[b] = total[b] - now[b]; before[b] > s.room {
			return nil, nil, nil, fmt.Errorf("input %d: %d tokens before this run, of which the cache holds %d", gqaLens, before[b], s.room)
		}
	}
	return before, now, total, nil
}

func (k *groupQuery) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	s, err := k.sizes(c.factOrNone)
	if err != nil {
		return err
	}
	if c.In(gqaTotal).Len() != 1 {
		return fmt.Errorf("input %d: has shape %v, expected a scalar", gqaTotal, c.In(gqaTotal).Shape())
	}
	dt, tk := c.dtype(0), int(tensor.Of[int32](c.In(gqaTotal))[0])
	if tk < s.T || s.B > 0 && tk > s.room+s.T && c.In(gqaQueryLens) == nil {
		return fmt.Errorf("input %d: is %d, expected %d to %d", gqaTotal, tk, s.T, s.room+s.T)
	}
	before, now, total, err := k.lengths(c, &s, tk)
	if err != nil {
		return err
	}
	y, err := outReal[float32](c, 0, dt, s.B, s.T, k.heads*s.D)
	if err != nil {
		return err
	}
	parts, err := k.parts(c, &s, before)
	if err != nil {
		return err
	}
	capacity := max(s.room, tk)
	for i := range 2 {
		if parts[1+i], err = k.present(c, i, &s, parts[1+i], before, now, capacity); err != nil {
			return err
		}
	}
	a := &kernel.AttentionOfArgs[float32]{B: s.B, Heads: k.heads, KVHeads: k.kvHeads, Tq: s.T, Tk: tk, D: s.D, DV: s.D,
		Out: y.data, OutS: headStrides(true, k.heads, s.T, s.D), Softcap: k.softcap,
		Q: parts[0].data, QS: parts[0].s, K: parts[1].data, KS: parts[1].s, V: parts[2].data, VS: parts[2].s}
	if a.Sinks, err = k.sinks(c); err != nil {
		return err
	}
	var scores realOut[float32]
	if k.stage > 0 && c.Wants(3) {
		if scores, err = outReal[float32](c, 3, dt, s.B, k.heads, s.T, tk); err != nil {
			return err
		}
		a.Scores, a.Stage = scores.data, kernel.ScoreMasked
		if k.stage == 2 {
			a.Stage = kernel.ScoreSoftmax
		}
	}
	m := &kernel.KeyMaskArgs{B: s.B, H: 1, Tq: s.T, Tk: tk, Causal: k.causal, Past: before, Window: k.window,
		Hidden: float32(math.Inf(-1)), HiddenLater: float32(math.Inf(-1)), End: make([]int32, s.B)}
	for b := range m.End {
		m.End[b] = int32(total[b])
	}
	if err := setBias(c, gqaAdd, m, s.B, k.heads); err != nil {
		return err
	}
	m.B = s.B
	if err := k.attend(c, a, m); err != nil {
		return err
	}
	for b := range s.B { // padding
		clear(y.data[(b*s.T+min(now[b], s.T))*k.heads*s.D : (b+1)*s.T*k.heads*s.D])
	}
	y.done()
	scores.done()
	return nil
}

// present makes output 1+i, the cache of keys (i = 0) or values (i = 1) with part
// added after each batch's past, and returns it as the attention reads it.
func (k *groupQuery) present(c *Ctx, i int, s *groupSizes, part contribHeads, before, now []int, capacity int) (contribHeads, error) {
	all := headStrides(false, k.kvHeads, capacity, s.D)
	if k.cache.bits > 0 {
		real, err := k.quantisedPresent(c, i, s, part, before, now, capacity)
		return contribHeads{real, all, capacity}, err
	}
	present, err := outReal[float32](c, 1+i, c.dtype(gqaQ), s.B, k.kvHeads, capacity, s.D)
	if err != nil {
		return contribHeads{}, err
	}
	old, err := reals[float32](c, c.In(gqaPastK+i))
	if err != nil {
		return contribHeads{}, err
	}
	clear(present.data)
	past := headStrides(false, k.kvHeads, s.room, s.D)
	for b := range s.B {
		to := present.data[min(b*all.B, len(present.data)):]
		copyHeads(to, all, old[min(b*past.B, len(old)):], past, 1, k.kvHeads, min(s.room, before[b]), s.D)
		copyHeads(to[min(before[b]*s.D, len(to)):], all, part.data[min(b*part.s.B, len(part.data)):], part.s, 1, k.kvHeads, now[b], s.D)
	}
	present.done()
	return contribHeads{present.data, all, capacity}, nil
}

// sinks are the scores that take their share of each head's weights, nil for none.
func (k *groupQuery) sinks(c *Ctx) ([]float32, error) {
	if t := c.In(gqaSink); t != nil {
		if err := checkDims(gqaSink, t.Shape(), k.heads); err != nil {
			return nil, err
		}
		return reals[float32](c, t)
	}
	if k.smooth {
		return make([]float32, k.heads), nil
	}
	return nil, nil
}

// parts are this run's queries, keys and values, rotated.
func (k *groupQuery) parts(c *Ctx, s *groupSizes, before []int) (parts [3]contribHeads, err error) {
	heads := [3]int{k.heads, k.kvHeads, k.kvHeads}
	if c.In(gqaK) == nil {
		data, err := reals[float32](c, c.In(gqaQ))
		if err != nil {
			return parts, err
		}
		row := (k.heads + 2*k.kvHeads) * s.D
		for i, at := range [3]int{0, k.heads, k.heads + k.kvHeads} {
			parts[i] = contribHeads{data[min(at*s.D, len(data)):], kernel.Strides{B: s.T * row, H: s.D, T: row}, s.T}
		}
	} else {
		for i := range parts {
			data, err := reals[float32](c, c.In(gqaQ+i))
			if err != nil {
				return parts, err
			}
			parts[i] = contribHeads{data, headStrides(true, heads[i], s.T, s.D), s.T}
		}
	}
	if !k.rotary {
		return parts, nil
	}
	cos := c.In(gqaCos)
	if err := checkRank(gqaCos, cos.Rank(), 2); err != nil {
		return parts, err
	}
	r := kernel.RotaryArgs{B: s.B, T: s.T, D: s.D, Dim: 2 * cos.Dim(1), Interleaved: k.interleaved}
	if r.Dim > s.D {
		return parts, fmt.Errorf("input %d: has shape %v, expected rows of at most %d", gqaCos, cos.Shape(), s.D/2)
	}
	if err := setRotation(c, &r, gqaCos, gqaSin); err != nil {
		return parts, err
	}
	if r.IDs, err = k.positions(c, s, before, cos.Dim(0)); err != nil {
		return parts, err
	}
	for i := range 2 {
		r.Heads, r.S = heads[i], headStrides(true, heads[i], s.T, s.D)
		if r.X, err = reserved[float32](c, s.B*s.T*heads[i]*s.D); err != nil {
			return parts, err
		}
		copyHeads(r.X, r.S, parts[i].data, parts[i].s, s.B, heads[i], s.T, s.D)
		r.Y = slices.Clone(r.X)
		kernel.Rotary(c.Pool(), &r)
		parts[i] = contribHeads{r.Y, r.S, s.T}
	}
	return parts, nil
}

// positions are those of the tokens of this run: input 9, or what comes after the
// past. A position of padding, beyond the tables, counts as the last.
func (k *groupQuery) positions(c *Ctx, s *groupSizes, before []int, rows int) ([]int64, error) {
	if ids := c.In(gqaPositions); ids != nil {
		return positions(gqaPositions, ids, s.B, s.T, rows)
	}
	ids := make([]int64, s.B*s.T)
	for i := range ids {
		ids[i] = int64(min(before[i/s.T]+i%s.T, rows-1))
	}
	return ids, checkPositions(gqaPositions, ids, rows)
}
