package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// attentionRun is what an Attention node keeps from run to run.
type attentionRun[T floating] struct {
	c            *Ctx
	stop         func() error
	keys, values []T // past and present together, where no output holds them
	mask         []T
	fast         kernel.AttentionArgs
	slow         kernel.AttentionOfArgs[T]
}

func (k *attention) Run(c *Ctx) error {
	in := c.operands()
	s, err := k.sizes(&in)
	if err != nil {
		return err
	}
	if in[attQ].dtype == tensor.Float64 || in[attV].dtype == tensor.Float64 {
		return runAttention[float64](c, k, &s)
	}
	return runAttention[float32](c, k, &s)
}

func (r *attentionRun[T]) err() error { return r.c.Err() }

func runAttention[T floating](c *Ctx, k *attention, s *attentionSizes) (err error) {
	r := c.Local(func() any {
		r := &attentionRun[T]{}
		r.stop = r.err
		return r
	}).(*attentionRun[T])
	r.c = c
	a := &r.slow
	*a = kernel.AttentionOfArgs[T]{B: s.B, Heads: s.Hq, KVHeads: max(s.Hkv, 1), Tq: s.Tq, Tk: s.total, D: s.D, DV: s.DV,
		Scale: k.scale, Softcap: k.softcap, Stage: k.stage, Stop: r.stop}
	defer func() { r.c, r.fast, r.slow = nil, kernel.AttentionArgs{}, kernel.AttentionOfArgs[T]{} }()
	if !k.hasScale {
		a.Scale = 1 / math.Sqrt(float64(s.D))
	}
	q, v := c.In(attQ), c.In(attV)
	var y realOut[T]
	if s.flat {
		y, err = outReal[T](c, 0, q.DType(), s.B, s.Tq, s.Hq*s.DV)
	} else {
		y, err = outReal[T](c, 0, q.DType(), s.B, s.Hq, s.Tq, s.DV)
	}
	if err != nil {
		return err
	}
	a.Out, a.OutS = y.data, headStrides(s.flat, s.Hq, s.Tq, s.DV)
	if a.Q, err = reals[T](c, q); err != nil {
		return err
	}
	a.QS = headStrides(s.flat, s.Hq, s.Tq, s.D)
	if a.K, a.KS, err = withPast(c, s, attK, attPastK, 1, s.D, q.DType(), &r.keys); err != nil {
		return err
	}
	if a.V, a.VS, err = withPast(c, s, attV, attPastV, 2, s.DV, v.DType(), &r.values); err != nil {
		return err
	}
	var scores realOut[T]
	if c.Wants(3) {
		if scores, err = outReal[T](c, 3, q.DType(), s.B, s.Hq, s.Tq, s.total); err != nil {
			return err
		}
		a.Scores = scores.data
	}
	causal, err := r.makeMask(c, k, s)
	if err != nil {
		return err
	}
	switch {
	case s.total == 0 || len(y.data) == 0:
		clear(y.data)
	case r.prepareFast(causal):
		if err := r.runFast(c); err != nil {
			return err
		}
	default:
		if err := c.Memory.Reserve(4 * c.Pool().Threads() * s.total * tensor.DTypeOf[T]().Size()); err != nil {
			return err
		}
		kernel.AttentionOf(c.Pool(), a)
	}
	y.done()
	scores.done()
	return c.Err()
}

// headStrides is how (B, heads, T, d), or if flat (B, T, heads*d), is walked.
func headStrides(flat bool, heads, t, d int) kernel.Strides {
	if flat {
		return kernel.Strides{B: t * heads * d, H: d, T: heads * d}
	}
	return kernel.Strides{B: heads * t * d, H: t * d, T: d}
}

// withPast is keys or values with those of the past before them: output out
// where somebody reads it, the input itself where there is no past, else a
// temporary.
func withPast[T floating](c *Ctx, s *attentionSizes, input, past, out, width int, dt tensor.DType, tmp *[]T) ([]T, kernel.Strides, error) {
	now, err := reals[T](c, c.In(input))
	if err != nil {
		return nil, kernel.Strides{}, err
	}
	nowS, allS := headStrides(s.flat, s.Hkv, s.Tkv, width), headStrides(false, s.Hkv, s.total, width)
	if !c.Wants(out) && c.In(past) == nil {
		return now, nowS, nil
	}
	var present realOut[T]
	if c.Wants(out) {
		if present, err = outReal[T](c, out, dt, s.B, s.Hkv, s.total, width); err != nil {
			return nil, allS, err
		}
	} else {
		n, err := tensor.CheckShape([]int{s.B, s.Hkv, s.total, width}, 8)
		if err != nil {
			return nil, allS, err
		}
		if err := c.Memory.Reserve(n * tensor.DTypeOf[T]().Size()); err != nil {
			return nil, allS, err
		}
		*tmp = room(*tmp, n)
		present.data = *tmp
	}
	old, err := reals[T](c, c.In(past))
	if err != nil {
		return nil, allS, err
	}
	copyHeads(present.data, allS, old, headStrides(false, s.Hkv, s.past, width), s.B, s.Hkv, s.past, width)
	if s.past*width <= len(present.data) {
		copyHeads(present.data[s.past*width:], allS, now, nowS, s.B, s.Hkv, s.Tkv, width)
	}
	if present.t != nil {
		present.done()
	}
	return present.data, allS, nil
}

// copyHeads copies (b, heads, t, width) from one layout to another.
func copyHeads[T any](dst []T, to kernel.Strides, src []T, from kernel.Strides, b, heads, t, width int) {
	var s kernel.Strided
	s.Add(b, to.B, from.B)
	s.Add(heads, to.H, from.H)
	s.Add(t, to.T, from.T)
	s.Add(width, 1, 1)
	kernel.CopyStrided(dst, src, &s)
}

// makeMask makes what is added to the scores. It leaves a causal mask that the
// fast kernel has by itself, and says so.
func (r *attentionRun[T]) makeMask(c *Ctx, k *attention, s *attentionSizes) (causal bool, err error) {
	t, lens := c.In(attMask), c.In(attLens)
	if t == nil && lens == nil {
		if !k.causal {
			return false, nil
		}
		_, f32 := any(r.mask).([]float32)
		if f32 && s.past+s.Tq == s.total && k.softcap == 0 && !c.Wants(3) {
			return true, nil
		}
	}
	m := kernel.MaskArgs[T]{B: 1, H: 1, Tq: s.Tq, Tk: s.total, Causal: k.causal, Past: s.past, SrcK: s.total}
	if t != nil {
		if m.Src, err = maskValues[T](c, t); err != nil {
			return false, err
		}
		var d [4]int
		for i := range d {
			d[i] = 1
		}
		copy(d[4-t.Rank():], t.Shape())
		m.SrcK = d[3]
		step := d[3]
		for i, to := range []*int{&m.SrcS.T, &m.SrcS.H, &m.SrcS.B} {
			if d[2-i] != 1 {
				*to = step
			}
			step *= d[2-i]
		}
		m.B, m.H = d[0], d[1]
		if len(m.Src) == 0 {
			m.Src, m.SrcK = []T{}, 0
			m.SrcS = kernel.Strides{}
		}
	}
	if lens != nil {
		m.B, m.Lens = s.B, tensor.Of[int64](lens)
	}
	n, err := tensor.CheckShape([]int{m.B, m.H, m.Tq, m.Tk}, 8)
	if err != nil {
		return false, err
	}
	if err := c.Memory.Reserve(n * tensor.DTypeOf[T]().Size()); err != nil {
		return false, err
	}
	r.mask = room(r.mask, n)
	kernel.AttentionMask(r.mask, &m)
	r.slow.Mask = r.mask
	r.slow.MaskS.T = s.total
	if m.H != 1 {
		r.slow.MaskS.H = s.Tq * s.total
	}
	if m.B != 1 {
		r.slow.MaskS.B = m.H * s.Tq * s.total
	}
	return false, nil
}

// maskValues is a mask as what is added: booleans hide where false.
func maskValues[T floating](c *Ctx, t *tensor.Tensor) ([]T, error) {
	switch dt := t.DType(); {
	case floatsBF.has(dt):
		return reals[T](c, t)
	case dt == tensor.Bool:
		out, err := reserved[T](c, t.Len())
		if err == nil {
			kernel.Hide(out, tensor.Of[bool](t))
		}
		return out, err
	default:
		out, err := reserved[T](c, t.Len())
		if err == nil {
			convertNumbers(out, t)
		}
		return out, err
	}
}

// prepareFast fills in the arguments of the float32 kernel, where no option needs
// the scores.
func (r *attentionRun[T]) prepareFast(causal bool) bool {
	a, ok := any(&r.slow).(*kernel.AttentionOfArgs[float32])
	if !ok || a.Softcap != 0 || a.Scores != nil && a.Stage != kernel.ScoreSoftmax {
		return false
	}
	f := &r.fast
	*f = kernel.AttentionArgs{B: a.B, Heads: a.Heads, Tq: a.Tq, Tk: a.Tk, D: a.D, DV: a.DV, Q: a.Q, K: a.K, V: a.V, Out: a.Out,
		QS: a.QS, KS: a.KS, VS: a.VS, OutS: a.OutS, Mask: a.Mask, MaskS: a.MaskS, Causal: causal, Scale: float32(a.Scale), Weights: a.Scores, Stop: a.Stop}
	return true
}

// runFast uses the float32 kernel. Query heads that share a key head are its
// heads, and the key heads its batches.
func (r *attentionRun[T]) runFast(c *Ctx) error {
	a, f := any(&r.slow).(*kernel.AttentionOfArgs[float32]), &r.fast
	if err := c.Memory.Reserve(kernel.RoomToAttend(c.Pool(), f)); err != nil {
		return err
	}
	if a.Heads == a.KVHeads {
		kernel.Attention(c.Pool(), f)
		return nil
	}
	share := a.Heads / a.KVHeads
	f.B, f.Heads = a.KVHeads, share
	f.QS.B, f.OutS.B, f.MaskS.B = share*a.QS.H, share*a.OutS.H, share*a.MaskS.H
	f.KS.B, f.KS.H, f.VS.B, f.VS.H = a.KS.H, 0, a.VS.H, 0
	for b := range a.B {
		f.Q, f.K, f.V, f.Out = a.Q[b*a.QS.B:], a.K[b*a.KS.B:], a.V[b*a.VS.B:], a.Out[b*a.OutS.B:]
		if a.Mask != nil {
			f.Mask = a.Mask[b*a.MaskS.B:]
		}
		if a.Scores != nil {
			f.Weights = a.Scores[b*a.Heads*a.Tq*a.Tk:]
		}
		if err := c.Err(); err != nil {
			return err
		}
		kernel.Attention(c.Pool(), f)
	}
	return nil
}
