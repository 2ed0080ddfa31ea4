package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
)

// A cache of GroupQueryAttention may hold about a window instead of all tokens: the
// last ones, in order, from its first row on. It is filled up; then as many rows as it
// is larger than the window, and one, are let go at once, so that at least the window
// stays.

// keeps is how many of total tokens a cache with room for so many holds.
func (k *groupQuery) keeps(total, room int) int {
	if total <= room {
		return total
	}
	slack := room - k.window + 1
	return total - slack*((total-room+slack-1)/slack)
}

// resident is, for each batch, how many tokens of the past the cache holds, and the
// most that any has together with those of this run.
func (k *groupQuery) resident(s *groupSizes, before, now []int) (held []int, most int, err error) {
	if s.room < k.window {
		return nil, 0, fmt.Errorf("input %d: has room for %d tokens, expected at least the window of %d", gqaPastK, s.room, k.window)
	}
	held = make([]int, s.B)
	for b := range held {
		held[b] = k.keeps(before[b], s.room)
		most = max(most, held[b]+now[b])
	}
	return held, most, nil
}

// keepWindow copies the rows that the cache keeps, the last of each batch, from rows
// (B, kvHeads, capacity, width) to dst (B, kvHeads, room, width).
func keepWindow[T float32 | byte](k *groupQuery, s *groupSizes, dst, rows []T, width int, before, held, now []int, capacity int) {
	clear(dst)
	for b := range s.B {
		keep := k.keeps(before[b]+now[b], s.room)
		for h := range k.kvHeads {
			row := b*k.kvHeads + h
			copy(dst[row*s.room*width:][:keep*width], rows[(row*capacity+held[b]+now[b]-keep)*width:])
		}
	}
}

// windowBias puts what is added to the scores into m: of all tokens those that are
// there.
func (k *groupQuery) windowBias(c *Ctx, m *kernel.KeyMaskArgs, s *groupSizes, all int, before, held []int) error {
	if c.In(gqaAdd) == nil {
		return nil
	}
	whole := kernel.KeyMaskArgs{B: 1, H: 1, Tq: s.T, Tk: all}
	if err := setBias(c, gqaAdd, &whole, s.B, k.heads); err != nil {
		return err
	}
	n := s.B * whole.H * s.T
	part, err := reserved[float32](c, n*m.Tk)
	if err != nil {
		return err
	}
	for r := range n {
		b, h, i := r/s.T/whole.H, r/s.T%whole.H, r%s.T
		row := whole.Bias[b*whole.BiasS.B+h*whole.BiasS.H+i*whole.BiasS.T:][:all]
		copy(part[r*m.Tk:][:m.Tk], row[min(before[b]-held[b], all):])
	}
	m.Bias, m.B, m.H = part, s.B, whole.H
	m.BiasS = kernel.Strides{B: whole.H * s.T * m.Tk, T: m.Tk}
	if whole.H > 1 {
		m.BiasS.H = s.T * m.Tk
	}
	return nil
}

// normalise divides the heads of queries and keys by their root mean square, where
// the node has weights for that.
func (k *groupQuery) normalise(c *Ctx, s *groupSizes, parts *[3]contribHeads) error {
	for i, heads := range [2]int{k.heads, k.kvHeads} {
		t := c.In(gqaQNorm + i)
		if t == nil {
			return nil
		}
		if err := checkDims(gqaQNorm+i, t.Shape(), s.D); err != nil {
			return err
		}
		weight, err := reals[float32](c, t)
		if err != nil {
			return err
		}
		rows := parts[i].t
		to := headStrides(true, heads, rows, s.D)
		flat, err := reserved[float32](c, s.B*rows*heads*s.D)
		if err != nil {
			return err
		}
		copyHeads(flat, to, parts[i].data, parts[i].s, s.B, heads, rows, s.D)
		kernel.RMSNormRows(c.Pool(), flat, flat, weight, k.eps[i], s.B*rows*heads, s.D)
		parts[i] = contribHeads{flat, to, rows}
	}
	return nil
}
