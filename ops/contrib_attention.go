package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribAttentionOps are the attention operators of ONNX Runtime's own domain
// and what its optimiser puts around them.
func contribAttentionOps() []Op {
	const domain = "com.microsoft"
	op := func(name string, minIn, maxIn, minOut, maxOut int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{
			{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: minOut, MaxOut: maxOut, Holes: true, New: f}}}
	}
	return []Op{
		op("Attention", 2, 7, 1, 2, newProjectedAttention),
		op("QAttention", 5, 9, 1, 2, newQAttention),
		op("MultiHeadAttention", 1, 10, 1, 4, newMultiHead),
		op("DecoderMaskedMultiHeadAttention", 1, 11, 1, 4, newDecoderMasked),
		op("GroupQueryAttention", 7, 17, 1, 4, newGroupQuery),
		op("RotaryEmbedding", 4, 4, 1, 1, newContribRotary),
		op("LinearAttention", 3, 6, 1, 2, newContribLinear),
		op("CausalConvWithState", 2, 4, 1, 3, newContribCausal),
		op("GatherBlockQuantized", 3, 4, 1, 1, newGatherQuantised),
		op("EmbedLayerNormalization", 7, 9, 1, 3, newEmbedNorm),
		op("QEmbedLayerNormalization", 18, 18, 1, 2, newQuantisedEmbedNorm),
	}
}

// contribAttention is what the attention operators share: their attributes and
// the computation once queries, keys and values are there.
type contribAttention struct {
	heads  int
	scale  float64 // 0: 1/sqrt(D)
	filter float32 // added to the scores of keys that a mask hides
	causal bool
}

func newContribAttention(a *Attrs) contribAttention {
	k := contribAttention{heads: positiveHeads(a, "num_heads"), scale: float64(a.Float("scale", 0)),
		filter: a.Float("mask_filter_value", -10000), causal: a.Bool("unidirectional", false)}
	return k
}

// positiveHeads is a number of heads that must be given.
func positiveHeads(a *Attrs, name string) int {
	a.Require(name)
	n := a.Int(name, 1)
	if n < 1 || n > math.MaxInt32 {
		a.Fail(name, "is %d, expected a positive number", n)
		return 1
	}
	return int(n)
}

func hasInput(a *Attrs, i int) bool { return i < len(a.Inputs) && a.Inputs[i] }

// needInputs refuses a node that leaves out one of the inputs.
func needInputs(a *Attrs, list ...int) error {
	for _, i := range list {
		if !hasInput(a, i) {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return nil
}

// togetherInputs refuses a node that has one of two inputs without the other.
func togetherInputs(a *Attrs, i, j int) error {
	if hasInput(a, i) != hasInput(a, j) {
		return fmt.Errorf("inputs %d and %d must be given together", i, j)
	}
	return nil
}

// headWidth is how wide each of n heads is in width elements of input i.
func headWidth(i, width, n int) (int, error) {
	if width < 0 {
		return Unknown, nil
	}
	if width == 0 || width%n != 0 {
		return 0, fmt.Errorf("input %d: has width %d, which %d heads do not divide", i, width, n)
	}
	return width / n, nil
}

// checkReals refuses inputs of the list that aren't of input 0's type, which must
// be one of set.
func checkReals(at func(i int) tensor.DType, set dtypes, list ...int) error {
	if err := set.check(0, at(0)); err != nil {
		return err
	}
	for _, i := range list {
		if err := sameType(i, at(i), at(0)); err != nil {
			return err
		}
	}
	return nil
}

// newMask starts the mask of a run.
func (k *contribAttention) newMask(b, tq, tk, past int) *kernel.KeyMaskArgs {
	m := &kernel.KeyMaskArgs{B: 1, H: 1, Tq: tq, Tk: tk, Causal: k.causal && tq > 1, Hidden: k.filter, HiddenLater: -math.MaxFloat32,
		Past: make([]int, b)}
	for i := range m.Past {
		m.Past[i] = past
	}
	return m
}

// setMask puts input i, which tells the keys that are hidden, into m: (B) where
// they end, (2B) where they end and begin, (3B+2) where they end and what another
// kernel wants, (B, Tk), or (B, Tq, Tk).
func setMask(i int, t *tensor.Tensor, m *kernel.KeyMaskArgs, b int) error {
	if t == nil {
		return nil
	}
	if err := types(tensor.Int32).check(i, t.DType()); err != nil {
		return err
	}
	m.B = b
	data := tensor.Of[int32](t)
	switch t.Rank() {
	case 1:
		if n := t.Len(); n != b && n != 2*b && n != 3*b+2 {
			return fmt.Errorf("input %d: has shape %v, expected (%d), (%d) or (%d)", i, t.Shape(), b, 2*b, 3*b+2)
		}
		m.End = data[:b]
		if t.Len() == 2*b {
			m.Begin = data[b:]
		}
		return nil
	case 2:
		m.Seen, m.SeenB = data, m.Tk
		return checkDims(i, t.Shape(), b, m.Tk)
	case 3:
		m.Seen, m.SeenB, m.SeenT = data, m.Tq*m.Tk, m.Tk
		return checkDims(i, t.Shape(), b, m.Tq, m.Tk)
	}
	return Unsupportedf("input %d, a mask of rank %d", i, t.Rank())
}

// setBias puts input i, (B or 1, heads or 1, Tq, Tk) numbers that are added to the
// scores, into m.
func setBias(c *Ctx, i int, m *kernel.KeyMaskArgs, b, heads int) (err error) {
	t := c.In(i)
	if t == nil {
		return nil
	}
	s := t.Shape()
	if len(s) != 4 || s[0] != b && s[0] != 1 || s[1] != heads && s[1] != 1 || s[2] != m.Tq || s[3] != m.Tk {
		return fmt.Errorf("input %d: shape %v does not broadcast to (%d, %d, %d, %d)", i, s, b, heads, m.Tq, m.Tk)
	}
	if m.Bias, err = reals[float32](c, t); err != nil {
		return err
	}
	m.BiasS.T = m.Tk
	if s[1] != 1 {
		m.H, m.BiasS.H = heads, m.Tq*m.Tk
	}
	if s[0] != 1 {
		m.B, m.BiasS.B = b, s[1]*m.Tq*m.Tk
	}
	return nil
}

// attend computes a.Out from all else of a, masked by m.
func (k *contribAttention) attend(c *Ctx, a *kernel.AttentionOfArgs[float32], m *kernel.KeyMaskArgs) error {
	if a.Scale = k.scale; k.scale == 0 {
		a.Scale = 1 / math.Sqrt(float64(a.D))
	}
	if len(a.Out) == 0 {
		return nil
	}
	if a.Tk == 0 {
		clear(a.Out)
		return nil
	}
	if m.Bias != nil || m.Seen != nil || m.End != nil || m.Causal {
		n, err := tensor.CheckShape([]int{m.B, m.H, m.Tq, m.Tk}, 4)
		if err != nil {
			return err
		}
		mask, err := reserved[float32](c, n)
		if err != nil {
			return err
		}
		kernel.KeyMask(mask, m)
		a.Mask, a.MaskS.T = mask, m.Tk
		if m.H > 1 {
			a.MaskS.H = m.Tq * m.Tk
		}
		if m.B > 1 {
			a.MaskS.B = m.H * m.Tq * m.Tk
		}
	}
	r := attentionRun[float32]{slow: *a}
	r.slow.Stop = c.Err
	if a.Sinks == nil && r.prepareFast(false) {
		if err := r.runFast(c); err != nil {
			return err
		}
		return c.Err()
	}
	if err := c.Memory.Reserve(4 * c.Pool().Threads() * (a.Tk + 1)); err != nil {
		return err
	}
	kernel.AttentionOf(c.Pool(), &r.slow)
	return c.Err()
}

// contribHeads are vectors of the heads of queries, keys or values.
type contribHeads struct {
	data []float32
	s    kernel.Strides
	t    int // how many
}

// joined is past (B, heads, T', width), if there is any, and now, one after the
// other in dst.
func joined(dst, past []float32, now contribHeads, b, heads, before, width int) contribHeads {
	all := contribHeads{dst, headStrides(false, heads, before+now.t, width), before + now.t}
	copyHeads(dst, all.s, past, headStrides(false, heads, before, width), b, heads, before, width)
	if before*width < len(dst) {
		copyHeads(dst[before*width:], all.s, now.data, now.s, b, heads, now.t, width)
	}
	return all
}
