package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/tensor"
)

// controlOps run subgraphs.
func controlOps() []Op {
	loop := func(least int) Version {
		return Version{MinIn: least, MaxIn: Unlimited, MinOut: 1, MaxOut: Unlimited, Holes: true, New: newLoop}
	}
	branch := Version{MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: Unlimited, New: newIf}
	scan := Version{MinIn: 1, MaxIn: Unlimited, MinOut: 1, MaxOut: Unlimited, New: newScan}
	scan8 := Version{MinIn: 2, MaxIn: Unlimited, MinOut: 1, MaxOut: Unlimited, Holes: true, New: newScan8}
	return []Op{
		{Name: "If", Versions: repeat(branch, 1, 11, 13, 16, 19, 21, 23, 24, 25)},
		{Name: "Loop", Versions: versions(
			repeat(loop(3), 1),
			repeat(loop(2), 11, 13, 16, 19, 21, 23, 24, 25))},
		{Name: "Scan", Versions: versions(
			repeat(scan8, 8),
			repeat(scan, 9, 11, 16, 19, 21, 23, 24, 25))},
	}
}

// branch is If: the outputs of one subgraph or of the other.
type branch struct{ then, otherwise Body }

func newIf(a *Attrs) (Kernel, error) {
	k := branch{a.Body("then_branch"), a.Body("else_branch")}
	checkBody(a, "then_branch", k.then, 0, len(a.Outputs))
	checkBody(a, "else_branch", k.otherwise, 0, len(a.Outputs))
	return k, nil
}

// checkBody refuses a subgraph that takes or gives other counts than the
// operator works with.
func checkBody(a *Attrs, name string, b Body, inputs, outputs int) {
	if b == nil {
		return
	}
	if b.NumInputs() != inputs {
		a.Fail(name, "takes %d inputs, expected %d", b.NumInputs(), inputs)
	} else if b.NumOutputs() != outputs {
		a.Fail(name, "has %d outputs, expected %d", b.NumOutputs(), outputs)
	}
}

func (branch) Infer(*Infer) error { return nil }

func (k branch) Run(c *Ctx) error {
	cond, err := truth(c.Value(0))
	if err != nil {
		return fmt.Errorf("input 0: %w", err)
	}
	b := k.otherwise
	if cond {
		b = k.then
	}
	out, err := b.Run(c, nil)
	if err != nil {
		return err
	}
	for i, v := range out {
		if err := c.SetOut(i, v); err != nil {
			return err
		}
	}
	return nil
}

func (branch) AnyValue() {}

// truth is the one element of a bool tensor.
func truth(v tensor.Value) (bool, error) {
	t, ok := v.(*tensor.Tensor)
	if !ok || t.DType() != tensor.Bool || t.Len() != 1 {
		return false, fmt.Errorf("is %s, expected one bool", formOf(v))
	}
	return scalar[bool](t), nil
}

// loop runs its body, which takes (iteration, condition, carried values...)
// and gives (condition, carried values..., scan outputs...), as long as the
// trip count in input 0 and the condition allow. A scan output is all its
// values stacked along a new first dimension.
type loop struct {
	body    Body
	carried int
	facts   []Fact // declared of the body's outputs
	hasCond bool
}

func newLoop(a *Attrs) (Kernel, error) {
	k := loop{body: a.Body("body"), carried: max(len(a.Inputs)-2, 0), facts: a.BodyOutputs("body")}
	k.hasCond = len(a.Inputs) > 1 && a.Inputs[1]
	if k.body == nil {
		return k, nil
	}
	checkBody(a, "body", k.body, 2+k.carried, k.body.NumOutputs())
	if n := k.body.NumOutputs(); n < 1+k.carried || len(a.Outputs) > n-1 {
		a.Fail("body", "has %d outputs, expected at least %d", n, 1+max(k.carried, len(a.Outputs)))
	}
	return k, nil
}

func (loop) Infer(*Infer) error { return nil }
func (loop) AnyValue()          {}

func (k loop) Run(c *Ctx) error {
	trips, going := int64(math.MaxInt64), true
	if c.Has(0) {
		m := c.In(0)
		if m == nil || m.DType() != tensor.Int64 || m.Len() != 1 {
			return fmt.Errorf("input 0: is %s, expected one int64", formOf(c.Value(0)))
		}
		trips = scalar[int64](m)
	}
	if c.Has(1) {
		var err error
		if going, err = truth(c.Value(1)); err != nil {
			return fmt.Errorf("input 1: %w", err)
		}
	}
	in := make([]tensor.Value, 2+k.carried)
	for i := range k.carried {
		if !c.Has(2 + i) {
			return fmt.Errorf("input %d is missing", 2+i)
		}
		in[2+i] = c.Value(2 + i)
	}
	stacks := make([]stack, k.body.NumOutputs()-1-k.carried)
	for it := int64(0); it < trips && going; it++ {
		if err := c.Err(); err != nil {
			return err
		}
		in[0], in[1] = tensor.Scalar(it), tensor.Scalar(going)
		out, err := k.body.Run(c, in)
		if err != nil {
			return err
		}
		if now, err := truth(out[0]); err != nil {
			return fmt.Errorf("the body's output 0: %w", err)
		} else if k.hasCond {
			going = now
		}
		copy(in[2:], out[1:1+k.carried])
		for i := range stacks {
			if !c.Wants(k.carried + i) {
				continue
			}
			if err := stacks[i].push(c, out[1+k.carried+i], trips-it); err != nil {
				return fmt.Errorf("the body's output %d: %w", 1+k.carried+i, err)
			}
		}
	}
	for i := range k.carried {
		if err := c.SetOut(i, in[2+i]); err != nil {
			return err
		}
	}
	for i := range stacks {
		if !c.Wants(k.carried + i) {
			continue
		}
		if err := stacks[i].finish(c, k.carried+i, k.facts[1+k.carried+i]); err != nil {
			return err
		}
	}
	return nil
}

// stack collects tensors of one type and shape. Its memory doubles as they
// come, so that a trip count alone claims nothing.
type stack struct {
	dtype tensor.DType
	shape []int
	n     int
	room  int // rows that raw or strs have room for
	raw   []byte
	strs  []string
}

// push adds v; at most left more values come, v included.
func (s *stack) push(c *Ctx, v tensor.Value, left int64) error {
	t, ok := v.(*tensor.Tensor)
	if !ok {
		return fmt.Errorf("is %s, expected a tensor", kindOf(v))
	}
	if s.n == 0 {
		s.dtype, s.shape = t.DType(), shapeOf(t.Shape())
	} else if t.DType() != s.dtype || !t.Shape().Equal(s.shape) {
		return fmt.Errorf("is %v, in the iterations before it was %v%v", t, s.dtype, tensor.Shape(s.shape))
	}
	if s.n == s.room {
		if err := s.grow(c, t.Len(), left); err != nil {
			return err
		}
	}
	if s.dtype == tensor.String {
		s.strs = append(s.strs, tensor.Of[string](t)...)
	} else {
		copy(s.raw[s.n*len(t.Bytes()):], t.Bytes())
	}
	s.n++
	return nil
}

// grow makes room for more rows of the given number of elements.
func (s *stack) grow(c *Ctx, row int, left int64) error {
	room := max(8, 2*s.room)
	if left < int64(room-s.n) {
		room = s.n + int(left)
	}
	size := max(s.dtype.Size(), 1)
	if s.dtype == tensor.String {
		size = 16
	}
	n, err := tensor.CheckShape([]int{room, row}, size)
	if err != nil {
		return err
	}
	if err := c.Memory.Reserve(n * size); err != nil {
		return err
	}
	s.room = room
	if s.dtype == tensor.String {
		s.strs = append(make([]string, 0, n), s.strs...)
		return nil
	}
	bigger := tensor.AlignedBytes(n * size)
	copy(bigger, s.raw)
	s.raw = bigger
	return nil
}

// finish makes the stack output i. Without a single value the shape is what
// the body declares, zero where it leaves an extent open.
func (s *stack) finish(c *Ctx, i int, f Fact) error {
	if s.n == 0 {
		if f.DType == tensor.Undefined {
			return fmt.Errorf("output %d: no iteration ran and the body declares no type", i)
		}
		_, err := c.Out(i, f.DType, append([]int{0}, closed(f.Shape)...)...)
		return err
	}
	shape := append([]int{s.n}, s.shape...)
	row := tensor.Shape(s.shape).Len()
	var t *tensor.Tensor
	var err error
	if s.dtype == tensor.String {
		t, err = tensor.New(s.strs, shape...)
	} else {
		t, err = tensor.FromBytes(s.dtype, s.raw[:s.n*row*s.dtype.Size()], shape...)
	}
	if err != nil {
		return err
	}
	return c.SetOut(i, t)
}

// closed is a shape with zero for unknown extents.
func closed(shape []int) []int {
	out := make([]int, len(shape))
	for i, d := range shape {
		out[i] = max(d, 0)
	}
	return out
}
