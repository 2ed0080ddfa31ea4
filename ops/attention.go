package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// attentionOps are Attention and what belongs to it.
func attentionOps() []Op {
	return []Op{
		{Name: "Attention", Versions: []Version{
			{Since: 23, MinIn: 3, MaxIn: 6, MinOut: 1, MaxOut: 4, New: newAttention},
			{Since: 24, MinIn: 3, MaxIn: 7, MinOut: 1, MaxOut: 4, New: newAttention},
		}},
		{Name: "RotaryEmbedding", Versions: []Version{
			{Since: 23, MinIn: 3, MaxIn: 4, MinOut: 1, MaxOut: 1, New: newRotary},
		}},
	}
}

// attention is scaled dot-product attention over heads, with groups of query
// heads that share a key head, cached keys and values, and masks.
type attention struct {
	qHeads, kvHeads int // 0: inputs have rank 4
	scale           float64
	hasScale        bool
	causal          bool
	softcap         float64
	stage           kernel.ScoreStage
}

func newAttention(a *Attrs) (Kernel, error) {
	k := &attention{qHeads: int(a.Int("q_num_heads", 0)), kvHeads: int(a.Int("kv_num_heads", 0)),
		hasScale: a.Has("scale"), scale: float64(a.Float("scale", 0)), causal: a.Bool("is_causal", false),
		softcap: float64(a.Float("softcap", 0))}
	for name, n := range map[string]int{"q_num_heads": k.qHeads, "kv_num_heads": k.kvHeads} {
		if n < 0 || n > math.MaxInt32 || n == 0 && a.Has(name) {
			a.Fail(name, "is %d, expected a positive number", n)
		}
	}
	if dt := a.DType("softmax_precision", tensor.Float32); !floatsBF.has(dt) { // we take float32 at least
		a.Fail("softmax_precision", "is %v, expected %v", dt, floatsBF)
	}
	mode := a.Int("qk_matmul_output_mode", 0)
	if mode < 0 || mode > 3 {
		a.Fail("qk_matmul_output_mode", "is %d, expected 0 to 3", mode)
	}
	k.stage = kernel.ScoreStage(mode)
	given := func(i int) bool { return i < len(a.Inputs) && a.Inputs[i] }
	if given(attPastK) != given(attPastV) {
		return nil, fmt.Errorf("inputs %d and %d, the past's keys and values, must be given together", attPastK, attPastV)
	}
	return k, nil
}

// The inputs of Attention.
const (
	attQ = iota
	attK
	attV
	attMask
	attPastK
	attPastV
	attLens
)

// attentionSizes are the sizes of a run; Infer may leave some Unknown.
type attentionSizes struct {
	B, Hq, Hkv, Tq, Tkv, D, DV int
	past, total                int
	flat                       bool // rank 3: (B, T, heads*D)
}

var attMaskTypes = numbersBF | boolType

// sizes checks the inputs and works out the sizes.
func (k *attention) sizes(in *operands) (s attentionSizes, err error) {
	if err := k.checkTypes(in); err != nil {
		return s, err
	}
	var h [3][4]int // B, heads, T, width
	for i := range h {
		if h[i], err = k.extents(in, i); err != nil {
			return s, err
		}
	}
	s = attentionSizes{B: known(h[0][0], h[1][0], h[2][0]), Hq: h[0][1], Hkv: known(h[1][1], h[2][1]), Tq: h[0][2],
		Tkv: known(h[1][2], h[2][2]), D: known(h[0][3], h[1][3]), DV: h[2][3], flat: in[0].ranked && len(in[0].shape) == 3}
	for i, want := range [3][4]int{{s.B, s.Hq, s.Tq, s.D}, {s.B, s.Hkv, s.Tkv, s.D}, {s.B, s.Hkv, s.Tkv, s.DV}} {
		for d := range want {
			if h[i][d] >= 0 && h[i][d] != want[d] {
				what := [4]string{"batch", "heads", "length", "width of a head"}[d]
				return s, fmt.Errorf("input %d: has %s %d, expected %d", i, what, h[i][d], want[d])
			}
		}
	}
	if s.Hq >= 0 && s.Hkv >= 0 && (s.Hkv == 0 && s.Hq > 0 || s.Hkv > 0 && s.Hq%s.Hkv != 0) {
		return s, fmt.Errorf("has %d query heads, which %d key heads do not divide", s.Hq, s.Hkv)
	}
	if err := s.addPast(in); err != nil {
		return s, err
	}
	if lens := &in[attLens]; lens.ranked {
		if err := checkDims(attLens, lens.shape, s.B); err != nil {
			return s, err
		}
	}
	return s, k.checkMask(in[attMask].shape, &s)
}

func (k *attention) checkTypes(in *operands) (err error) {
	for i := range in {
		switch i {
		case attMask:
			err = attMaskTypes.check(i, in[i].dtype)
		case attLens:
			err = types(tensor.Int64).check(i, in[i].dtype)
		case attQ, attV:
			err = floatsBF.check(i, in[i].dtype)
		case attPastV:
			err = sameAs(i, in[i].dtype, attV, in[attV].dtype)
		default:
			err = sameType(i, in[i].dtype, in[attQ].dtype)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// extents are batch, heads, length and width of a head of input i: queries, keys
// or values.
func (k *attention) extents(in *operands, i int) (h [4]int, err error) {
	if !in[i].ranked {
		return [4]int{Unknown, Unknown, Unknown, Unknown}, nil
	}
	shape := in[i].shape
	if err := checkRank(i, len(shape), 3, 4); err != nil {
		return h, err
	}
	if in[0].ranked && len(shape) != len(in[0].shape) {
		return h, checkRank(i, len(shape), len(in[0].shape))
	}
	if len(shape) == 4 {
		return [4]int(shape), nil
	}
	heads, name := k.qHeads, "q_num_heads"
	if i > 0 {
		heads, name = k.kvHeads, "kv_num_heads"
	}
	if heads == 0 {
		return h, fmt.Errorf("attribute %q: is missing, which inputs of rank 3 need", name)
	}
	width := shape[2]
	if width >= 0 && width%heads != 0 {
		return h, fmt.Errorf("input %d: has width %d, which %d heads do not divide", i, width, heads)
	}
	return [4]int{shape[0], heads, shape[1], max(width, Unknown*heads) / heads}, nil
}

// addPast checks the keys and values of the past and fills in their length and
// the total.
func (s *attentionSizes) addPast(in *operands) error {
	s.total = s.Tkv
	for _, i := range [2]int{attPastK, attPastV} {
		past := &in[i]
		if !past.ranked {
			if past.dtype != tensor.Undefined {
				s.past, s.total = Unknown, Unknown
			}
			continue
		}
		width := s.D
		if i == attPastV {
			width = s.DV
		}
		if err := checkDims(i, past.shape, s.B, s.Hkv, Unknown, width); err != nil {
			return err
		}
		if i == attPastV && s.past >= 0 && past.shape[2] >= 0 && past.shape[2] != s.past {
			return fmt.Errorf("input %d: has length %d, expected %d like input %d", i, past.shape[2], s.past, attPastK)
		}
		s.past, s.total = past.shape[2], Unknown
		if s.past >= 0 && s.Tkv >= 0 {
			s.total = s.past + s.Tkv
		}
	}
	return nil
}

// checkMask refuses a mask that doesn't broadcast to (B, Hq, Tq, total); its last
// dimension may be shorter.
func (k *attention) checkMask(mask []int, s *attentionSizes) error {
	if mask == nil {
		return nil
	}
	want := [4]int{s.B, s.Hq, s.Tq, s.total}
	ok := len(mask) <= 4 && len(mask) >= 2
	for i, d := range mask {
		if !ok {
			break
		}
		w := want[4-len(mask)+i]
		ok = d == w || d == 1 || d < 0 || w < 0 || i == len(mask)-1 && d < w
	}
	if !ok {
		return fmt.Errorf("input %d: shape %v does not broadcast to %v", attMask, shapeOf(mask), shapeOf(want[:]))
	}
	return nil
}

func (k *attention) Infer(c *Infer) error {
	in := c.operands()
	s, err := k.sizes(&in)
	if err != nil {
		return err
	}
	q, v := in[attQ].dtype, in[attV].dtype
	switch {
	case !in[attQ].ranked:
		c.Set(0, Unranked(q))
	case s.flat:
		c.Set(0, Shaped(q, s.B, s.Tq, mulKnown(s.Hq, s.DV)))
	default:
		c.Set(0, Shaped(q, s.B, s.Hq, s.Tq, s.DV))
	}
	c.Set(1, Shaped(q, s.B, s.Hkv, s.total, s.D))
	c.Set(2, Shaped(v, s.B, s.Hkv, s.total, s.DV))
	c.Set(3, Shaped(q, s.B, s.Hq, s.Tq, s.total))
	return nil
}
