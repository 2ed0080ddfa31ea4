package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/tensor"
)

// sequenceOps build, index and join sequences. A sequence is immutable, so
// inserting copies the list of its items, never the items.
func sequenceOps() []Op {
	v := func(minIn, maxIn int, f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, New: f}
	}
	mapped := Version{MinIn: 1, MaxIn: Unlimited, MinOut: 1, MaxOut: Unlimited, New: newSequenceMap}
	return []Op{
		{Name: "SequenceEmpty", Versions: repeat(v(0, 0, newSequenceEmpty), 11)},
		{Name: "SequenceConstruct", Versions: repeat(v(1, Unlimited, sequenceOp(sequenceConstruct)), 11)},
		{Name: "SequenceInsert", Versions: repeat(v(2, 3, sequenceOp(sequenceInsert)), 11)},
		{Name: "SequenceErase", Versions: repeat(v(1, 2, sequenceOp(sequenceErase)), 11)},
		{Name: "SequenceAt", Versions: repeat(v(2, 2, sequenceOp(sequenceAt)), 11)},
		{Name: "SequenceLength", Versions: repeat(v(1, 1, sequenceOp(sequenceLength)), 11)},
		{Name: "SequenceMap", Versions: repeat(mapped, 17)},
		{Name: "SplitToSequence", Versions: repeat(v(1, 2, newSplitToSequence), 11, 24)},
		{Name: "ConcatFromSequence", Versions: repeat(v(1, 1, newConcatFromSequence), 11)},
	}
}

// valueKernel is an operator without attributes that works on values of any
// kind and of which nothing is known beforehand.
type valueKernel struct{ run func(c *Ctx) error }

func sequenceOp(run func(c *Ctx) error) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return valueKernel{run}, nil }
}

func (valueKernel) Infer(*Infer) error { return nil }
func (k valueKernel) Run(c *Ctx) error { return k.run(c) }
func (valueKernel) AnyValue()          {}

// itemSize is what a sequence accounts for per item besides the item itself,
// and partSize what it does for a tensor of its own, besides its elements.
const (
	itemSize = 16
	partSize = 160
)

// seqIn is input i, which must be a sequence.
func seqIn(c *Ctx, i int) (*tensor.Sequence, error) {
	s, ok := c.Value(i).(*tensor.Sequence)
	if !ok {
		return nil, fmt.Errorf("input %d: is %s, expected a sequence", i, kindOf(c.Value(i)))
	}
	return s, nil
}

// position is the index in input i, which counts from the end where it is
// negative; end is one past the largest.
func position(c *Ctx, i, n, end int) (int, error) {
	t, err := given(c, i)
	if err != nil {
		return 0, err
	}
	if t.Len() != 1 {
		return 0, fmt.Errorf("input %d: has shape %v, expected a scalar", i, t.Shape())
	}
	var buf [1]int
	at, err := c.IntsInto(buf[:0], i)
	if err != nil {
		return 0, err
	}
	p := at[0]
	if p < 0 {
		p += n
	}
	if p < 0 || p >= end {
		return 0, fmt.Errorf("input %d: position %d is out of range for a sequence of %d", i, at[0], n)
	}
	return p, nil
}

type sequenceEmpty struct{ dtype tensor.DType }

func newSequenceEmpty(a *Attrs) (Kernel, error) {
	return sequenceEmpty{a.DType("dtype", tensor.Float32)}, nil
}

func (sequenceEmpty) Infer(*Infer) error { return nil }
func (sequenceEmpty) AnyValue()          {}
func (k sequenceEmpty) Run(c *Ctx) error { return c.SetOut(0, &tensor.Sequence{Elem: k.dtype}) }

func sequenceConstruct(c *Ctx) error {
	if err := c.Memory.Reserve(itemSize * c.NumIn()); err != nil {
		return err
	}
	s := &tensor.Sequence{Items: make([]tensor.Value, c.NumIn())}
	for i := range s.Items {
		t, err := given(c, i)
		if err != nil {
			return err
		}
		if i > 0 {
			if err := sameType(i, t.DType(), s.Elem); err != nil {
				return err
			}
		}
		s.Elem, s.Items[i] = t.DType(), t
	}
	return c.SetOut(0, s)
}

func sequenceInsert(c *Ctx) error {
	s, err := seqIn(c, 0)
	if err != nil {
		return err
	}
	t, err := given(c, 1)
	if err != nil {
		return err
	}
	if s.Elem != tensor.Undefined && t.DType() != s.Elem {
		return fmt.Errorf("input 1: has type %v, the sequence's is %v", t.DType(), s.Elem)
	}
	n := len(s.Items)
	at := n
	if c.Has(2) {
		if at, err = position(c, 2, n, n+1); err != nil {
			return err
		}
	}
	if err := c.Memory.Reserve(itemSize * (n + 1)); err != nil {
		return err
	}
	items := make([]tensor.Value, 0, n+1)
	items = append(append(append(items, s.Items[:at]...), t), s.Items[at:]...)
	return c.SetOut(0, &tensor.Sequence{Elem: t.DType(), Items: items})
}

func sequenceErase(c *Ctx) error {
	s, err := seqIn(c, 0)
	if err != nil {
		return err
	}
	n := len(s.Items)
	at := n - 1
	if c.Has(1) {
		if at, err = position(c, 1, n, n); err != nil {
			return err
		}
	}
	if n == 0 {
		return fmt.Errorf("input 0: the sequence is empty")
	}
	if err := c.Memory.Reserve(itemSize * (n - 1)); err != nil {
		return err
	}
	return c.SetOut(0, &tensor.Sequence{Elem: s.Elem, Items: slices.Concat(s.Items[:at], s.Items[at+1:])})
}

func sequenceAt(c *Ctx) error {
	s, err := seqIn(c, 0)
	if err != nil {
		return err
	}
	at, err := position(c, 1, len(s.Items), len(s.Items))
	if err != nil {
		return err
	}
	return c.SetOut(0, s.Items[at])
}

func sequenceLength(c *Ctx) error {
	s, err := seqIn(c, 0)
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Int64)
	if err != nil {
		return err
	}
	tensor.Of[int64](y)[0] = int64(len(s.Items))
	return nil
}

// sequenceMap runs its body for each item of sequence 0, and of the other
// sequences among the inputs beside it, and collects each output in a sequence.
type sequenceMap struct {
	body  Body
	facts []Fact
}

func newSequenceMap(a *Attrs) (Kernel, error) {
	k := sequenceMap{a.Body("body"), a.BodyOutputs("body")}
	checkBody(a, "body", k.body, len(a.Inputs), len(a.Outputs))
	return k, nil
}

func (sequenceMap) Infer(*Infer) error { return nil }
func (sequenceMap) AnyValue()          {}

func (k sequenceMap) Run(c *Ctx) error {
	s, err := seqIn(c, 0)
	if err != nil {
		return err
	}
	n := len(s.Items)
	if err := c.Memory.Reserve(itemSize * n * c.NumOut()); err != nil {
		return err
	}
	out := make([]*tensor.Sequence, c.NumOut())
	for i := range out {
		out[i] = &tensor.Sequence{Elem: k.facts[i].DType, Items: make([]tensor.Value, n)}
	}
	in := make([]tensor.Value, c.NumIn())
	for at := range n {
		if err := c.Err(); err != nil {
			return err
		}
		for i := range in {
			in[i] = c.Value(i)
			if more, ok := in[i].(*tensor.Sequence); ok {
				if len(more.Items) != n {
					return fmt.Errorf("input %d: is a sequence of %d, expected %d like input 0", i, len(more.Items), n)
				}
				in[i] = more.Items[at]
			}
		}
		got, err := k.body.Run(c, in)
		if err != nil {
			return err
		}
		for i, v := range got {
			t, ok := v.(*tensor.Tensor)
			if !ok {
				return fmt.Errorf("the body's output %d: is %s, expected a tensor", i, kindOf(v))
			}
			out[i].Elem, out[i].Items[at] = t.DType(), t
		}
	}
	for i, v := range out {
		if err := c.SetOut(i, v); err != nil {
			return err
		}
	}
	return nil
}
