package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// scan runs its body once for each index of an axis of the scan inputs. The
// inputs are states, which each iteration hands to the next, and then the scan
// inputs, of which the body gets one slice each. It gives the states and then
// the scan outputs, whose values are joined along a new axis.
type scan struct {
	body            Body
	states, inputs  int
	outputs         int
	inAxes, outAxes []int
	inBack, outBack []bool // from the last index to the first
	facts           []Fact // declared of the body's outputs
}

func newScan(a *Attrs) (Kernel, error) {
	a.Require("num_scan_inputs")
	k := &scan{body: a.Body("body"), facts: a.BodyOutputs("body")}
	m := a.Int("num_scan_inputs", 1)
	if m < 1 || m > int64(len(a.Inputs)) {
		a.Fail("num_scan_inputs", "is %d, expected 1 to %d", m, len(a.Inputs))
		return k, nil
	}
	k.inputs = int(m)
	k.states = len(a.Inputs) - k.inputs
	if k.body == nil {
		return k, nil
	}
	checkBody(a, "body", k.body, len(a.Inputs), k.body.NumOutputs())
	k.outputs = k.body.NumOutputs() - k.states
	if k.outputs < 0 || len(a.Outputs) > k.body.NumOutputs() {
		a.Fail("body", "has %d outputs, expected at least %d", k.body.NumOutputs(), max(k.states, len(a.Outputs)))
		return k, nil
	}
	k.inAxes = scanAxes(a, "scan_input_axes", k.inputs)
	k.outAxes = scanAxes(a, "scan_output_axes", k.outputs)
	k.inBack = directions(a, "scan_input_directions", k.inputs)
	k.outBack = directions(a, "scan_output_directions", k.outputs)
	return k, nil
}

func scanAxes(a *Attrs, name string, n int) []int {
	axes := attrInts(a, name)
	if axes == nil {
		return make([]int, n)
	}
	if len(axes) != n {
		a.Fail(name, "has %d axes, expected %d", len(axes), n)
	}
	return axes
}

// directions is an INTS attribute of flags, 1 for backwards.
func directions(a *Attrs, name string, n int) []bool {
	flags := attrInts(a, name)
	back := make([]bool, n)
	if flags == nil {
		return back
	}
	if len(flags) != n {
		a.Fail(name, "has %d directions, expected %d", len(flags), n)
		return back
	}
	for i, f := range flags {
		if f != 0 && f != 1 {
			a.Fail(name, "is %d at %d, expected 0 or 1", f, i)
		}
		back[i] = f == 1
	}
	return back
}

func (*scan) Infer(*Infer) error { return nil }

func (k *scan) Run(c *Ctx) error {
	in := make([]*tensor.Tensor, k.states+k.inputs)
	for i := range in {
		var err error
		if in[i], err = given(c, i); err != nil {
			return err
		}
	}
	axes := make([]int, k.inputs)
	length := 0
	for j := range axes {
		x := in[k.states+j]
		var err error
		if axes[j], err = tensor.Axis(int64(k.inAxes[j]), x.Rank()); err != nil {
			return fmt.Errorf("input %d: %w", k.states+j, err)
		}
		if n := x.Dim(axes[j]); j == 0 {
			length = n
		} else if n != length {
			return fmt.Errorf("input %d: has extent %d along its scan axis, expected %d", k.states+j, n, length)
		}
	}
	joined := make([]joiner, k.outputs)
	for j := range joined {
		joined[j] = joiner{output: k.states + j, axis: k.outAxes[j], back: k.outBack[j], length: length, batch: -1}
	}
	state, err := k.iterate(c, in, axes, length, length, joined)
	if err != nil {
		return err
	}
	for i, v := range state {
		if err := c.SetOut(i, v); err != nil {
			return err
		}
	}
	for j := range joined {
		if err := joined[j].ensure(c, k.facts[k.states+j]); err != nil {
			return err
		}
	}
	return nil
}

// iterate runs the body steps times, reading the scan inputs over length
// indices, and returns the last states.
func (k *scan) iterate(c *Ctx, in []*tensor.Tensor, axes []int, steps, length int, joined []joiner) ([]tensor.Value, error) {
	args := make([]tensor.Value, len(in))
	for i := range k.states {
		args[i] = in[i]
	}
	for t := range steps {
		if err := c.Err(); err != nil {
			return nil, err
		}
		for j, axis := range axes {
			at := t
			if k.inBack[j] {
				at = length - 1 - t
			}
			v, err := index(c, in[k.states+j], axis, at)
			if err != nil {
				return nil, err
			}
			args[k.states+j] = v
		}
		out, err := k.body.Run(c, args)
		if err != nil {
			return nil, err
		}
		for i, v := range out {
			if _, ok := v.(*tensor.Tensor); !ok {
				return nil, fmt.Errorf("the body's output %d: is %s, expected a tensor", i, kindOf(v))
			}
		}
		copy(args[:k.states], out)
		for j := range joined {
			if err := joined[j].put(c, t, out[k.states+j].(*tensor.Tensor)); err != nil {
				return nil, fmt.Errorf("the body's output %d: %w", k.states+j, err)
			}
		}
	}
	return args[:k.states], nil
}

// index is x at index at of axis, without that axis: a view along the first,
// a copy along others.
func index(c *Ctx, x *tensor.Tensor, axis, at int) (*tensor.Tensor, error) {
	if axis == 0 {
		return x.Row(at)
	}
	y, err := c.Memory.New(x.DType(), slices.Delete(slices.Clone(x.Shape()), axis, axis+1))
	if err != nil {
		return nil, err
	}
	inner := x.Shape()[axis+1:].Len()
	s := kernel.Strided{SrcOff: at * inner}
	s.Add(x.Shape()[:axis].Len(), inner, x.Dim(axis)*inner)
	s.Add(inner, 1, 1)
	return y, move(c, y, x, &s)
}

// joiner writes the values of one scan output to their places along axis.
type joiner struct {
	output int
	axis   int
	back   bool
	length int
	batch  int            // extent of the batch axis before all others in opset 8, else -1
	at     int            // the batch index written now
	y      *tensor.Tensor // nil until the first value is seen
	elem   []int          // the shape of one value
	outer  int            // elements of elem before axis and from it on
	inner  int
}

// open takes room for the output, now that one value's shape is known.
func (j *joiner) open(c *Ctx, dt tensor.DType, elem []int) error {
	axis, err := tensor.Axis(int64(j.axis), len(elem)+1)
	if err != nil {
		return fmt.Errorf("output %d: %w", j.output, err)
	}
	shape := slices.Insert(slices.Clone(elem), axis, j.length)
	if j.batch >= 0 {
		shape = append([]int{j.batch}, shape...)
	}
	if j.y, err = c.Out(j.output, dt, shape...); err != nil {
		return err
	}
	if j.batch >= 0 { // what lies beyond a sequence's end is zero
		if dt == tensor.String {
			clear(tensor.Of[string](j.y))
		}
		clear(j.y.Bytes())
	}
	j.elem = slices.Clone(elem)
	j.outer, j.inner = tensor.Shape(elem[:axis]).Len(), tensor.Shape(elem[axis:]).Len()
	return nil
}

func (j *joiner) put(c *Ctx, t int, v *tensor.Tensor) error {
	if !c.Wants(j.output) {
		return nil
	}
	if j.y == nil {
		if err := j.open(c, v.DType(), v.Shape()); err != nil {
			return err
		}
	}
	if v.DType() != j.y.DType() || !v.Shape().Equal(j.elem) {
		return fmt.Errorf("is %v, in the iterations before it was %v%v", v, j.y.DType(), tensor.Shape(j.elem))
	}
	if j.back {
		t = j.length - 1 - t
	}
	s := kernel.Strided{DstOff: j.at*j.length*j.outer*j.inner + t*j.inner}
	s.Add(j.outer, j.length*j.inner, j.inner)
	s.Add(j.inner, 1, 1)
	return move(c, j.y, v, &s)
}

// ensure makes the output where no iteration did, from what the body declares.
func (j *joiner) ensure(c *Ctx, f Fact) error {
	if j.y != nil || !c.Wants(j.output) {
		return nil
	}
	if f.DType == tensor.Undefined || !f.Ranked {
		return fmt.Errorf("output %d: no iteration ran and the body declares no type and shape", j.output)
	}
	return j.open(c, f.DType, closed(f.Shape))
}
