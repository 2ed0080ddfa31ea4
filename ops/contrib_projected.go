package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// projectedAttention is Attention of com.microsoft: queries, keys and values are
// x (B, T, I) times one matrix (I, H + H + HV), plus a bias. QAttention is the
// same with x and the matrix in 8 bits.
type projectedAttention struct {
	contribAttention
	widths    []int64 // of all queries, keys, values; nil: a third each
	quantised bool
	// Where the inputs are; a negative number is one that the operator lacks.
	mask, past, bias int
}

func newProjectedAttention(a *Attrs) (Kernel, error) {
	k := &projectedAttention{contribAttention: newContribAttention(a), widths: a.Ints("qkv_hidden_sizes"), mask: 3, past: 4, bias: 5}
	for _, name := range []string{"do_rotary", "past_present_share_buffer"} {
		if a.Int(name, 0) != 0 {
			a.Unsupported(name, "is %d", a.Int(name, 0))
		}
	}
	a.Ignore("rotary_embedding_dim")
	if w := k.widths; w != nil && (len(w) != 3 || w[0] != w[1] || slices.Min(w) < 1) {
		a.Fail("qkv_hidden_sizes", "is %v, expected three positive numbers of which the first two are equal", w)
	}
	if len(a.Inputs) == 7 {
		return nil, Unsupportedf("input 6, the length of a shared buffer")
	}
	return k, needInputs(a, 0, 1)
}

func newQAttention(a *Attrs) (Kernel, error) {
	k := &projectedAttention{contribAttention: newContribAttention(a), quantised: true, mask: 5, past: 8, bias: -1}
	for _, name := range []string{"do_rotary", "past_present_share_buffer"} {
		if a.Int(name, 0) != 0 {
			a.Unsupported(name, "is %d", a.Int(name, 0))
		}
	}
	return k, needInputs(a, 0, 1, 2, 3, 4)
}

// check checks the types and returns that of the output.
func (k *projectedAttention) check(at func(i int) tensor.DType) (tensor.DType, error) {
	if !k.quantised {
		return at(0), checkReals(at, shortFloats, 1, 2, 4, 5)
	}
	for _, p := range [][2]int{{6, 0}, {7, 1}} {
		if err := byteTypes.check(p[1], at(p[1])); err != nil {
			return 0, err
		}
		if err := sameAs(p[0], at(p[0]), p[1], at(p[1])); err != nil {
			return 0, err
		}
	}
	for _, i := range []int{2, 3, 4, 8} {
		if err := floats.check(i, at(i)); err != nil {
			return 0, err
		}
		if err := sameAs(i, at(i), 2, at(2)); err != nil {
			return 0, err
		}
	}
	return at(2), nil
}

// sizes are the widths of all queries (or keys) and of all values, and of a head
// of each, Unknown where they are not known.
func (k *projectedAttention) sizes(x, w Fact) (qk, v, d, dv int, err error) {
	if x.Ranked {
		if err := checkRank(0, len(x.Shape), 3); err != nil {
			return 0, 0, 0, 0, err
		}
	}
	qk, v = Unknown, Unknown
	if w.Ranked {
		inner := Unknown
		if x.Ranked {
			inner = x.Shape[2]
		}
		if err := checkDims(1, w.Shape, inner, Unknown); err != nil {
			return 0, 0, 0, 0, err
		}
		if n := w.Shape[1]; n >= 0 && k.widths == nil {
			if n%3 != 0 {
				return 0, 0, 0, 0, fmt.Errorf("input 1: has %d columns, which is not three times a width", n)
			}
			qk, v = n/3, n/3
		}
	}
	if k.widths != nil {
		qk, v = int(k.widths[0]), int(k.widths[2])
		if w.Ranked && w.Shape[1] >= 0 && int64(w.Shape[1]) != 2*k.widths[0]+k.widths[2] {
			return 0, 0, 0, 0, fmt.Errorf("input 1: has %d columns, expected %d, the sum of qkv_hidden_sizes", w.Shape[1], 2*k.widths[0]+k.widths[2])
		}
	}
	if d, err = headWidth(1, qk, k.heads); err == nil {
		dv, err = headWidth(1, v, k.heads)
	}
	return qk, v, d, dv, err
}

func (k *projectedAttention) Infer(c *Infer) error {
	dt, err := k.check(func(i int) tensor.DType { return c.In(i).DType })
	if err != nil {
		return err
	}
	x, past := c.In(0), c.In(k.past)
	_, v, d, _, err := k.sizes(x, c.In(1))
	if err != nil || !x.Ranked {
		return err
	}
	c.Set(0, Shaped(dt, x.Shape[0], x.Shape[1], v))
	total := x.Shape[1]
	if c.Has(k.past) {
		total = Unknown
		if past.Ranked {
			if err := checkDims(k.past, past.Shape, 2, x.Shape[0], k.heads, Unknown, d); err != nil {
				return err
			}
			if past.Shape[3] >= 0 && x.Shape[1] >= 0 {
				total = past.Shape[3] + x.Shape[1]
			}
		}
	}
	c.Set(1, Shaped(dt, 2, x.Shape[0], k.heads, total, d))
	return nil
}

func (k *projectedAttention) Run(c *Ctx) error {
	dt, err := k.check(c.dtype)
	if err != nil {
		return err
	}
	x := c.In(0)
	qk, v, d, dv, err := k.sizes(c.factOrNone(0), c.factOrNone(1))
	if err != nil {
		return err
	}
	b, t, width := x.Dim(0), x.Dim(1), 2*qk+v
	past, before := c.In(k.past), 0
	if past != nil {
		if err := checkDims(k.past, past.Shape(), 2, b, k.heads, Unknown, d); err != nil {
			return err
		}
		before = past.Dim(3)
	}
	if (past != nil || c.Wants(1)) && d != dv {
		return fmt.Errorf("input 1: heads of keys have width %d and of values %d, which a past or present can't hold", d, dv)
	}
	if bias := c.In(2); bias != nil {
		if err := checkDims(2, bias.Shape(), width); err != nil {
			return err
		}
	}
	y, err := outReal[float32](c, 0, dt, b, t, v)
	if err != nil {
		return err
	}
	all, err := k.project(c, b*t, width)
	if err != nil {
		return err
	}
	a := &kernel.AttentionOfArgs[float32]{B: b, Heads: k.heads, KVHeads: k.heads, Tq: t, Tk: before + t, D: d, DV: dv,
		Out: y.data, OutS: headStrides(true, k.heads, t, dv)}
	var parts [3]contribHeads
	for i, at := range [3]int{0, qk, 2 * qk} {
		step := d
		if i == 2 {
			step = dv
		}
		parts[i] = contribHeads{all[min(at, len(all)):], kernel.Strides{B: t * width, H: step, T: width}, t}
	}
	keys, values := parts[1], parts[2]
	if past != nil || c.Wants(1) {
		present, err := outReal[float32](c, 1, dt, 2, b, k.heads, before+t, d)
		if err != nil {
			return err
		}
		old, err := reals[float32](c, past)
		if err != nil {
			return err
		}
		half, oldHalf := len(present.data)/2, len(old)/2
		keys = joined(present.data[:half], old[:oldHalf], keys, b, k.heads, before, d)
		values = joined(present.data[half:], old[oldHalf:], values, b, k.heads, before, d)
		present.done()
	}
	a.Q, a.QS, a.K, a.KS, a.V, a.VS = parts[0].data, parts[0].s, keys.data, keys.s, values.data, values.s
	m := k.newMask(b, t, a.Tk, before)
	if err := setMask(k.mask, c.In(k.mask), m, b); err != nil {
		return err
	}
	if k.bias >= 0 {
		if err := setBias(c, k.bias, m, b, k.heads); err != nil {
			return err
		}
	}
	if err := k.attend(c, a, m); err != nil {
		return err
	}
	y.done()
	return nil
}

// project is x times the weights plus the bias: (rows, width).
func (k *projectedAttention) project(c *Ctx, rows, width int) ([]float32, error) {
	x, w, bias := c.In(0), c.In(1), c.In(2)
	var all []float32
	if k.quantised {
		in := []*tensor.Tensor{x, w, nil, nil, c.In(6), c.In(7), nil}
		for i, t := range []*tensor.Tensor{c.In(3), c.In(4)} {
			if t.DType() == tensor.Float32 {
				in[2+i] = t
				continue
			}
			wide, err := tensor.Zeros(tensor.Float32, t.Shape()...)
			if err != nil {
				return nil, err
			}
			widen(tensor.Of[float32](wide), t)
			in[2+i] = wide
		}
		y, err := runInner(c, realProduct{}, 1, in...)
		if err != nil {
			return nil, err
		}
		all = tensor.Of[float32](y[0])
	} else {
		n, err := tensor.CheckShape([]int{rows, width}, 4)
		if err != nil {
			return nil, err
		}
		if all, err = reserved[float32](c, n); err != nil {
			return nil, err
		}
		xs, err := reals[float32](c, x)
		if err != nil {
			return nil, err
		}
		ws, err := reals[float32](c, w)
		if err != nil {
			return nil, err
		}
		if inner := x.Dim(2); inner > 0 && n > 0 {
			if err := gemmRows(c, false, false, rows, width, inner, 1, xs, inner, ws, width, 0, all, width); err != nil {
				return nil, err
			}
		}
	}
	if bias != nil {
		add, err := reals[float32](c, bias)
		if err != nil {
			return nil, err
		}
		kernel.AddRows(all, all, add)
	}
	return all, nil
}
