package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// recurrentSizes are the sizes of a run: T steps of B sequences of width I, H
// hidden units. Infer may leave some Unknown.
type recurrentSizes struct{ T, B, I, H int }

// known is the first extent that isn't Unknown.
func known(extents ...int) int {
	for _, e := range extents {
		if e >= 0 {
			return e
		}
	}
	return Unknown
}

// sizes checks every input but the batch of the initial states.
func (k *recurrent) sizes(in *operands) (s recurrentSizes, err error) {
	if err := k.checkTypes(in); err != nil {
		return s, err
	}
	s = recurrentSizes{T: Unknown, B: Unknown, I: Unknown, H: Unknown}
	if k.hidden > 0 {
		s.H = k.hidden
	}
	if x := &in[inX]; x.ranked {
		if err := checkRank(inX, len(x.shape), 3); err != nil {
			return s, err
		}
		s.T, s.B, s.I = x.shape[0], x.shape[1], x.shape[2]
		if k.xBatch {
			s.T, s.B = s.B, s.T
		}
	}
	if k.packed != nil {
		s.H = k.packed.hidden
		s.I = known(s.I, k.packed.input)
		if s.I != k.packed.input {
			return s, checkDims(inX, in[inX].shape, Unknown, Unknown, k.packed.input)
		}
	} else if err := k.checkWeights(in, &s); err != nil {
		return s, err
	}
	if lens := &in[inLens]; lens.ranked {
		if err := checkDims(inLens, lens.shape, s.B); err != nil {
			return s, err
		}
		s.B = known(s.B, lens.shape[0])
	}
	for _, i := range [...]int{inH0, inC0} {
		if h := &in[i]; h.ranked {
			if err := k.checkState(i, h.shape, s.H); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func (k *recurrent) checkTypes(in *operands) error {
	dt := in[inX].dtype
	if err := k.types.check(inX, dt); err != nil {
		return err
	}
	if k.packed != nil && dt != tensor.Undefined && dt != k.packed.dtype {
		return sameType(inW, k.packed.dtype, dt)
	}
	for i := inW; i < len(in); i++ {
		if i == inLens {
			if err := types(tensor.Int32, tensor.Int64).check(i, in[i].dtype); err != nil {
				return err
			}
		} else if err := sameType(i, in[i].dtype, dt); err != nil {
			return err
		}
	}
	return nil
}

// checkWeights checks W, R, B and P, and learns I and H from them. They may lack
// the dimension of the directions, whose rows then follow each other: so old
// PyTorch wrote them.
func (k *recurrent) checkWeights(in *operands, s *recurrentSizes) error {
	gates := k.kind.Gates()
	if r := &in[inR]; r.ranked && s.H < 0 && len(r.shape) > 1 {
		s.H = r.shape[len(r.shape)-1]
	}
	if w := &in[inW]; w.ranked && s.H < 0 && len(w.shape) > 1 && w.shape[len(w.shape)-2] >= 0 {
		s.H = w.shape[len(w.shape)-2] / gates
		if len(w.shape) == 2 {
			s.H /= k.directions
		}
	}
	times := func(n int) int {
		if s.H < 0 {
			return Unknown
		}
		return n * s.H
	}
	if err := k.checkWeight(in, inW, times(gates), s.I); err != nil {
		return err
	}
	if w := &in[inW]; w.ranked {
		s.I = known(s.I, w.shape[len(w.shape)-1])
	}
	if err := k.checkWeight(in, inR, times(gates), s.H); err != nil {
		return err
	}
	if err := k.checkWeight(in, inB, times(2*gates)); err != nil {
		return err
	}
	return k.checkWeight(in, inP, times(3))
}

func (k *recurrent) checkWeight(in *operands, i int, want ...int) error {
	shape := in[i].shape
	if !in[i].ranked {
		return nil
	}
	if len(shape) == len(want) {
		if want[0] >= 0 {
			want[0] *= k.directions
		}
		return checkDims(i, shape, want...)
	}
	var full [3]int
	return checkDims(i, shape, append(append(full[:0], k.directions), want...)...)
}

// checkState checks an initial state (directions, batch, H), with layout=1
// (batch, directions, H), leaving the batch open: Run knows what to do with
// another one.
func (k *recurrent) checkState(i int, shape []int, hidden int) error {
	switch {
	case len(shape) == 2 && k.directions == 1:
		return checkDims(i, shape, Unknown, hidden)
	case k.stateBatch:
		return checkDims(i, shape, Unknown, k.directions, hidden)
	}
	return checkDims(i, shape, k.directions, Unknown, hidden)
}

// batchOf is the batch of an initial state that checkState accepted.
func (k *recurrent) batchOf(shape []int) int {
	if len(shape) == 2 || k.stateBatch {
		return shape[0]
	}
	return shape[1]
}

// yShape is the shape of Y.
func (k *recurrent) yShape(s recurrentSizes) (shape [4]int) {
	for i, axis := range k.yAxes {
		shape[i] = [4]int{s.T, k.directions, s.B, s.H}[axis]
	}
	return shape
}

func (k *recurrent) Infer(c *Infer) error {
	in := c.operands()
	s, err := k.sizes(&in)
	if err != nil {
		return err
	}
	dt := in[inX].dtype
	y, state := k.yShape(s), []int{k.directions, s.B, s.H}
	if k.stateBatch {
		state = []int{s.B, k.directions, s.H}
	}
	c.Set(0, Shaped(dt, y[:]...))
	c.Set(1, Shaped(dt, state...))
	if k.kind == kernel.CellLSTM {
		c.Set(2, Shaped(dt, state...))
	}
	return nil
}

// Chains is the number of directions.
func (k *recurrent) Chains(facts []Fact) (chains, work int) {
	s, ok := k.factSizes(facts)
	if !ok {
		return 0, 0
	}
	n, err := tensor.CheckShape([]int{k.directions, s.T, s.B, s.I + s.H, k.kind.Gates(), s.H}, 1)
	if err != nil {
		return 0, 0
	}
	return k.directions, n
}

// Relays implements [Relayed].
func (k *recurrent) Relays(facts []Fact) bool {
	s, ok := k.factSizes(facts)
	return ok && k.forwards(facts[inX].DType) && kernel.RelayWorth(s.T, s.B)
}

// forwards reports whether steps are taken in the order of X and written to Y as
// they are made.
func (k *recurrent) forwards(dt tensor.DType) bool {
	return k.directions == 1 && !k.reverse && dt == tensor.Float32
}

// factSizes are the sizes for inputs of which facts is known, if that is enough.
func (k *recurrent) factSizes(facts []Fact) (s recurrentSizes, ok bool) {
	var in operands
	for i, f := range facts[:min(len(facts), len(in))] {
		in.know(i, f)
	}
	s, err := k.sizes(&in)
	return s, err == nil && min(s.T, s.B, s.I, s.H) >= 0
}
