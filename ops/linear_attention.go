package ops

import (
	"fmt"
	"math"
	"strings"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// linearAttentionOps are attention as a recurrence and the convolution that
// goes with it.
func linearAttentionOps() []Op {
	return []Op{
		{Name: "LinearAttention", Versions: []Version{
			{Since: 27, MinIn: 3, MaxIn: 6, MinOut: 1, MaxOut: 2, New: newLinearAttention},
		}},
		{Name: "CausalConvWithState", Versions: []Version{
			{Since: 27, MinIn: 2, MaxIn: 4, MinOut: 1, MaxOut: 2, New: newCausalConv},
		}},
	}
}

var shortFloats = types(tensor.Float32, tensor.Float16, tensor.BFloat16)

// linearAttention is LinearAttention: query, key and value (B, T, heads*width),
// state (B, kv heads, key width, value width), decay and beta.
type linearAttention struct {
	heads, kvHeads int
	scale          float64
}

func newLinearAttention(a *Attrs) (Kernel, error) {
	a.Require("q_num_heads", "kv_num_heads")
	a.Ignore("chunk_size") // a hint how to compute
	q, kv := a.Int("q_num_heads", 1), a.Int("kv_num_heads", 1)
	if kv < 1 || q < 1 || q > math.MaxInt32 || q%kv != 0 {
		a.Fail("q_num_heads", "is %d, expected a positive multiple of kv_num_heads, %d", q, kv)
		return &linearAttention{}, nil
	}
	rule := a.Enum("update_rule", "gated_delta", "linear", "gated", "delta", "gated_delta")
	for _, extra := range []struct {
		input int
		name  string
		takes bool
	}{{4, "decay", strings.HasPrefix(rule, "gated")}, {5, "beta", strings.HasSuffix(rule, "delta")}} {
		given := extra.input < len(a.Inputs) && a.Inputs[extra.input]
		if extra.takes && !given {
			a.Fail("update_rule", "is %q, which needs input %d (%s)", rule, extra.input, extra.name)
		}
		if given && !extra.takes {
			a.Fail("update_rule", "is %q, which has no input %d (%s)", rule, extra.input, extra.name)
		}
	}
	return &linearAttention{heads: int(q), kvHeads: int(kv), scale: float64(a.Float("scale", 0))}, nil
}

// sizes are batch, steps and the widths of keys and values.
func (k *linearAttention) sizes(in *operands) (b, t, dk, dv int, err error) {
	b, t, dk, dv = Unknown, Unknown, Unknown, Unknown
	for i := range 6 {
		if err := shortFloats.check(i, in[i].dtype); err != nil {
			return 0, 0, 0, 0, err
		}
		if i == 3 {
			continue
		}
		if err := sameType(i, in[i].dtype, in[0].dtype); err != nil {
			return 0, 0, 0, 0, err
		}
		if !in[i].ranked {
			continue
		}
		if err := checkRank(i, len(in[i].shape), 3); err != nil {
			return 0, 0, 0, 0, err
		}
		if err := checkDims(i, in[i].shape, b, t, Unknown); err != nil {
			return 0, 0, 0, 0, err
		}
		b, t = known(b, in[i].shape[0]), known(t, in[i].shape[1])
		width := in[i].shape[2]
		if width < 0 {
			continue
		}
		heads, of := k.kvHeads, &dk
		switch i {
		case 0:
			heads = k.heads
		case 2:
			of = &dv
		case 4:
			if width != heads && (dk < 0 || width != heads*dk) {
				return 0, 0, 0, 0, fmt.Errorf("input 4: has width %d, expected %d or %d", width, heads, heads*dk)
			}
			continue
		case 5:
			if width != heads && width != 1 {
				return 0, 0, 0, 0, fmt.Errorf("input 5: has width %d, expected %d or 1", width, heads)
			}
			continue
		}
		if width%heads != 0 {
			return 0, 0, 0, 0, fmt.Errorf("input %d: has width %d, which %d heads do not divide", i, width, heads)
		}
		if *of >= 0 && width != heads**of {
			return 0, 0, 0, 0, fmt.Errorf("input %d: has width %d, expected %d", i, width, heads**of)
		}
		*of = width / heads
	}
	if in[3].ranked {
		err = checkDims(3, in[3].shape, b, k.kvHeads, dk, dv)
	}
	return b, t, dk, dv, err
}

func (k *linearAttention) Infer(c *Infer) error {
	in := c.operands()
	b, t, dk, dv, err := k.sizes(&in)
	if err != nil {
		return err
	}
	state := in[3].dtype
	if state == tensor.Undefined && !c.Has(3) {
		state = in[0].dtype
	}
	c.Set(0, Shaped(in[0].dtype, b, t, mulKnown(dv, k.heads)))
	c.Set(1, Shaped(state, b, k.kvHeads, dk, dv))
	return nil
}

func (k *linearAttention) Run(c *Ctx) error {
	in := c.operands()
	b, t, dk, dv, err := k.sizes(&in)
	if err != nil {
		return err
	}
	stateType := in[0].dtype
	if c.Has(3) {
		stateType = in[3].dtype
	}
	y, err := outReal[float32](c, 0, in[0].dtype, b, t, k.heads*dv)
	if err != nil {
		return err
	}
	a := &kernel.LinearAttentionArgs{B: b, T: t, Heads: k.heads, KVHeads: k.kvHeads, DK: dk, DV: dv, Out: y.data, Scale: float32(k.scale)}
	if k.scale == 0 {
		a.Scale = float32(1 / math.Sqrt(float64(dk)))
	}
	n, err := tensor.CheckShape([]int{b, k.kvHeads, dk, dv}, 4)
	if err != nil {
		return err
	}
	var state realOut[float32]
	if c.Wants(1) {
		if state, err = outReal[float32](c, 1, stateType, b, k.kvHeads, dk, dv); err != nil {
			return err
		}
		a.State = state.data
	} else if a.State, err = reserved[float32](c, n); err != nil {
		return err
	}
	var past []float32
	for i, to := range []*[]float32{&a.Q, &a.K, &a.V, &past, &a.Decay, &a.Beta} {
		if *to, err = reals[float32](c, c.In(i)); err != nil {
			return err
		}
	}
	copyOrClear(a.State, past)
	if a.Decay != nil {
		a.DecayN = in[4].shape[2]
	}
	if a.Beta != nil {
		a.BetaN = in[5].shape[2]
	}
	kernel.LinearAttention(c.Pool(), a)
	y.done()
	state.done()
	return c.Err()
}

// causalConv is CausalConvWithState: input (B, C, L), weight (C, 1, k), bias (C),
// past state (B, C, k-1).
type causalConv struct{ silu bool }

func newCausalConv(a *Attrs) (Kernel, error) {
	return &causalConv{silu: a.Enum("activation", "none", "none", "silu", "swish") != "none"}, nil
}

func (k *causalConv) check(in *operands) (taps int, err error) {
	taps = Unknown
	for i := range 4 {
		if err := shortFloats.check(i, in[i].dtype); err != nil {
			return 0, err
		}
		if err := sameType(i, in[i].dtype, in[0].dtype); err != nil {
			return 0, err
		}
	}
	b, c := Unknown, Unknown
	if in[0].ranked {
		if err := checkRank(0, len(in[0].shape), 3); err != nil {
			return 0, err
		}
		b, c = in[0].shape[0], in[0].shape[1]
	}
	if in[1].ranked {
		if err := checkDims(1, in[1].shape, c, 1, Unknown); err != nil {
			return 0, err
		}
		if taps = in[1].shape[2]; taps == 0 {
			return 0, fmt.Errorf("input 1: has no taps, expected at least 1")
		}
		c = known(c, in[1].shape[0])
	}
	if in[2].ranked {
		if err := checkDims(2, in[2].shape, c); err != nil {
			return 0, err
		}
	}
	if in[3].ranked {
		return taps, checkDims(3, in[3].shape, b, c, max(taps-1, Unknown))
	}
	return taps, nil
}

func (k *causalConv) Infer(c *Infer) error {
	in := c.operands()
	taps, err := k.check(&in)
	if err != nil {
		return err
	}
	c.SameAs(0, 0)
	b, ch := Unknown, Unknown
	if in[0].ranked {
		b, ch = in[0].shape[0], in[0].shape[1]
	}
	if taps > 0 {
		taps--
	}
	c.Set(1, Shaped(in[0].dtype, b, ch, taps))
	return nil
}

func (k *causalConv) Run(c *Ctx) error {
	in := c.operands()
	taps, err := k.check(&in)
	if err != nil {
		return err
	}
	s := in[0].shape
	y, err := outReal[float32](c, 0, in[0].dtype, s...)
	if err != nil {
		return err
	}
	var present realOut[float32]
	if c.Wants(1) {
		if present, err = outReal[float32](c, 1, in[0].dtype, s[0], s[1], taps-1); err != nil {
			return err
		}
	}
	var data [4][]float32
	for i := range data {
		if data[i], err = reals[float32](c, c.In(i)); err != nil {
			return err
		}
	}
	if err := c.Memory.Reserve(16 * c.Pool().Threads() * (s[2] + taps)); err != nil {
		return err
	}
	kernel.CausalConv(c.Pool(), y.data, present.data, data[0], data[3], data[1], data[2], s[0], s[1], s[2], taps)
	if k.silu {
		kernel.Silu(y.data, y.data)
	}
	y.done()
	present.done()
	return c.Err()
}
