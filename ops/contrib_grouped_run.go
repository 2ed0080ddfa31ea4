package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// lengths are, for each batch, the tokens before this run and those of it that count.
func (k *groupQuery) lengths(c *Ctx, s *groupSizes, most int) (before, now []int, err error) {
	before, now = make([]int, s.B), make([]int, s.B)
	for b, last := range tensor.Of[int32](c.In(gqaLens)) {
		total := int(last) + 1
		if last < 0 || total > most {
			return nil, nil, fmt.Errorf("input %d: is %d for batch %d, expected 0 to %d", gqaLens, last, b, most-1)
		}
		now[b] = min(s.T, total)
		if lens := c.In(gqaQueryLens); lens != nil {
			if n := int(tensor.Of[int32](lens)[b]); n < 0 || n > now[b] {
				return nil, nil, fmt.Errorf("input %d: is %d for batch %d, expected 0 to %d", gqaQueryLens, n, b, now[b])
			}
			now[b] = int(tensor.Of[int32](lens)[b])
		} else if s.T == most {
			now[b] = total // a first prompt
		}
		if before[b] = total - now[b]; before[b] > s.room && !k.windowed {
			return nil, nil, fmt.Errorf("input %d: %d tokens before this run, of which the cache holds %d", gqaLens, before[b], s.room)
		}
	}
	return before, now, nil
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
	if !k.windowed && (tk < s.T || s.B > 0 && tk > s.room+s.T && c.In(gqaQueryLens) == nil) {
		return fmt.Errorf("input %d: is %d, expected %d to %d", gqaTotal, tk, s.T, s.room+s.T)
	}
	before, now, err := k.lengths(c, &s, tk)
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
	past, added := before, now
	if s.New == 0 {
		past, added = make([]int, s.B), make([]int, s.B)
		for b := range past {
			past[b] = before[b] + now[b]
		}
	}
	held, capacity, all := past, max(s.room, tk), tk // how much of the past the cache holds
	if k.windowed {
		if held, tk, err = k.resident(&s, past, added); err != nil {
			return err
		}
		capacity = tk
	}
	for i := range 2 {
		if parts[1+i], err = k.present(c, i, &s, parts[1+i], past, held, added, capacity); err != nil {
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
	m := &kernel.KeyMaskArgs{B: s.B, H: 1, Tq: s.T, Tk: tk, Causal: k.causal, Past: make([]int, s.B), Window: k.window,
		Hidden: float32(math.Inf(-1)), HiddenLater: float32(math.Inf(-1)), End: make([]int32, s.B)}
	for b := range m.End {
		m.Past[b], m.End[b] = held[b]+added[b]-now[b], int32(held[b]+added[b])
	}
	if k.windowed {
		err = k.windowBias(c, m, &s, all, past, held)
	} else {
		err = setBias(c, gqaAdd, m, s.B, k.heads)
	}
	if err != nil {
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

// present makes output 1+i, the cache of keys (i = 0) or values (i = 1): what it held
// of each batch's past, and part. Its rows are returned as the attention reads them,
// which of a window's cache are more than it keeps.
func (k *groupQuery) present(c *Ctx, i int, s *groupSizes, part contribHeads, before, held, now []int, capacity int) (contribHeads, error) {
	all := headStrides(false, k.kvHeads, capacity, s.D)
	if k.cache.bits > 0 {
		real, err := k.quantisedPresent(c, i, s, part, before, held, now, capacity)
		return contribHeads{real, all, capacity}, err
	}
	room := capacity
	if k.windowed {
		room = s.room
	}
	present, err := outReal[float32](c, 1+i, c.dtype(gqaQ), s.B, k.kvHeads, room, s.D)
	if err != nil {
		return contribHeads{}, err
	}
	rows := present.data
	if k.windowed {
		if rows, err = reserved[float32](c, s.B*k.kvHeads*capacity*s.D); err != nil {
			return contribHeads{}, err
		}
	}
	old, err := reals[float32](c, c.In(gqaPastK+i))
	if err != nil {
		return contribHeads{}, err
	}
	clear(rows)
	past := headStrides(false, k.kvHeads, s.room, s.D)
	for b := range s.B {
		to := rows[min(b*all.B, len(rows)):]
		copyHeads(to, all, old[min(b*past.B, len(old)):], past, 1, k.kvHeads, min(s.room, held[b]), s.D)
		copyHeads(to[min(held[b]*s.D, len(to)):], all, part.data[min(b*part.s.B, len(part.data)):], part.s, 1, k.kvHeads, now[b], s.D)
	}
	if k.windowed {
		keepWindow(k, s, present.data, rows, s.D, before, held, now, capacity)
	}
	present.done()
	return contribHeads{rows, all, capacity}, nil
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
			rows := s.T
			if i > 0 {
				rows = s.New
			}
			parts[i] = contribHeads{data, headStrides(true, heads[i], rows, s.D), rows}
		}
	}
	if err := k.normalise(c, s, &parts); err != nil || !k.rotary {
		return parts, err
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
		if parts[i].t < s.T {
			continue // no new keys
		}
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
