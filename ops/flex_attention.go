package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// flexAttentionOps is attention whose scores and weights subgraphs may change.
func flexAttentionOps() []Op {
	return []Op{{Name: "FlexAttention", Domain: "ai.onnx.preview", Versions: []Version{
		{Since: 1, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newFlexAttention},
	}}}
}

// flexAttention is q, k, v (B, heads, T, width) with score_mod between scores
// and softmax, and prob_mod after it.
type flexAttention struct {
	scale    float64
	hasScale bool
	score    Body
	prob     Body
	stash    tensor.DType // Undefined: the input's, float32 at least
}

func newFlexAttention(a *Attrs) (Kernel, error) {
	k := &flexAttention{scale: float64(a.Float("scale", 0)), hasScale: a.Has("scale")}
	if a.Has("softmax_precision") {
		if k.stash = a.DType("softmax_precision", tensor.Float32); !floatsBF.has(k.stash) {
			a.Fail("softmax_precision", "is %v, expected %v", k.stash, floatsBF)
		}
	}
	if a.Has("score_mod") {
		k.score = a.Body("score_mod")
		checkBody(a, "score_mod", k.score, 1, 1)
	}
	if a.Has("prob_mod") {
		k.prob = a.Body("prob_mod")
		checkBody(a, "prob_mod", k.prob, 1, 1)
	}
	return k, nil
}

func (k *flexAttention) sizes(in *operands) (attentionSizes, error) {
	for i := range 3 {
		if in[i].ranked {
			if err := checkRank(i, len(in[i].shape), 4); err != nil {
				return attentionSizes{}, err
			}
		}
		if err := sameType(i, in[i].dtype, in[0].dtype); err != nil {
			return attentionSizes{}, err
		}
	}
	return (&attention{}).sizes(in)
}

func (k *flexAttention) Infer(c *Infer) error {
	in := c.operands()
	s, err := k.sizes(&in)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(in[0].dtype, s.B, s.Hq, s.Tq, s.DV))
	return nil
}

func (k *flexAttention) Run(c *Ctx) error {
	in := c.operands()
	s, err := k.sizes(&in)
	if err != nil {
		return err
	}
	if in[0].dtype == tensor.Float64 {
		return runFlexAttention[float64](c, k, &s)
	}
	return runFlexAttention[float32](c, k, &s)
}

func runFlexAttention[T floating](c *Ctx, k *flexAttention, s *attentionSizes) error {
	dt := c.In(0).DType()
	y, err := outReal[T](c, 0, dt, s.B, s.Hq, s.Tq, s.DV)
	if err != nil {
		return err
	}
	var data [3][]T
	for i := range data {
		if data[i], err = reals[T](c, c.In(i)); err != nil {
			return err
		}
	}
	scores, err := c.Memory.New(tensor.DTypeOf[T](), []int{s.B, s.Hq, s.Tq, s.total})
	if err != nil {
		return err
	}
	scale := k.scale
	if !k.hasScale {
		scale = 1 / math.Sqrt(float64(s.D))
	}
	a := &kernel.AttentionOfArgs[T]{B: s.B, Heads: s.Hq, KVHeads: max(s.Hkv, 1), Tq: s.Tq, Tk: s.total, D: s.D, DV: s.DV, Scale: scale,
		Q: data[0], K: data[1], V: data[2], Out: y.data, QS: headStrides(false, s.Hq, s.Tq, s.D), KS: headStrides(false, s.Hkv, s.total, s.D),
		VS: headStrides(false, s.Hkv, s.total, s.DV), OutS: headStrides(false, s.Hq, s.Tq, s.DV), Scores: tensor.Of[T](scores), Stop: c.Err}
	kernel.AttentionScores(c.Pool(), a)
	if err := c.Err(); err != nil {
		return err
	}
	if scores, err = k.change(c, "score_mod", k.score, scores, dt); err != nil {
		return err
	}
	if a.Scores, err = reals[T](c, scores); err != nil {
		return err
	}
	if scores, err = tensor.New(a.Scores, s.B, s.Hq, s.Tq, s.total); err != nil {
		return err
	}
	kernel.SoftmaxEach(c.Pool(), a.Scores, s.total)
	if scores, err = k.change(c, "prob_mod", k.prob, scores, dt); err != nil {
		return err
	}
	if a.Scores, err = reals[T](c, scores); err != nil {
		return err
	}
	kernel.AttentionValues(c.Pool(), a)
	y.done()
	return c.Err()
}

// change runs a subgraph on x. Subgraphs see the type that the softmax is
// computed in.
func (k *flexAttention) change(c *Ctx, name string, body Body, x *tensor.Tensor, input tensor.DType) (*tensor.Tensor, error) {
	if body == nil {
		return x, nil
	}
	dt := k.stash
	if dt == tensor.Undefined {
		if dt = input; isHalf(dt) {
			dt = tensor.Float32
		}
	}
	if dt != x.DType() {
		in, err := c.Memory.New(dt, x.Shape())
		if err != nil {
			return nil, err
		}
		wide, err := realCopy[float64](x)
		if err != nil {
			return nil, err
		}
		round(in, wide)
		x = in
	}
	out, err := body.Run(c, []tensor.Value{x})
	if err != nil {
		return nil, err
	}
	y, ok := out[0].(*tensor.Tensor)
	if !ok || !y.Shape().Equal(x.Shape()) || !floatsBF.has(y.DType()) {
		return nil, fmt.Errorf("attribute %q: gives %v, expected %v", name, out[0], x)
	}
	if err := c.Memory.Reserve(len(y.Bytes())); err != nil {
		return nil, err
	}
	return y.Clone(), nil // it may be a constant of the graph
}
