package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// fusedAttention is scaled dot-product attention of float tensors,
//
//	softmax(scale * q k' + mask) v
//
// with q, k and v (batch, heads, time, width), or (batch, time, width), as they
// are after a transpose that is part of the operator: axis i of q is axis
// q_perm[i] of input 0, and so on; the last axis stays last. Axis i of output 0
// is axis out_perm[i] of the result. The mask broadcasts to (batch, heads,
// queries, keys). Output 1 is the softmax.
type fusedAttention struct {
	q, k, v, out []int
	scale        float32
}

func newFusedAttention(a *Attrs) (Kernel, error) {
	f := &fusedAttention{scale: a.Float("scale", 1)}
	rank := 0
	for _, p := range []struct {
		name string
		to   *[]int
	}{{"q_perm", &f.q}, {"k_perm", &f.k}, {"v_perm", &f.v}, {"out_perm", &f.out}} {
		a.Require(p.name)
		perm := a.Ints(p.name)
		if rank == 0 {
			rank = len(perm)
		}
		seen := 0
		for _, x := range perm {
			if x >= 0 && x < 4 {
				seen |= 1 << x
			}
			*p.to = append(*p.to, int(x))
		}
		n := len(perm)
		ok := n == rank && n >= 3 && n <= 4 && seen == 1<<n-1
		if !ok || perm[n-1] != int64(n-1) && (p.name != "k_perm" || perm[n-2] != int64(n-1)) {
			a.Fail(p.name, "is %v, expected a permutation of 3 or 4 axes that leaves the last in its place", perm)
		}
	}
	return f, nil
}

// permuted appends shape in the order of perm to dst.
func permuted(dst, shape, perm []int) []int {
	for _, p := range perm {
		dst = append(dst, shape[p])
	}
	return dst
}

// sizes are the extents of q, k and v in their own order, checked against each
// other: (batch, [heads,] queries, width), keys, width of the values. A mask
// may repeat the scores along the axes before the keys.
func (f *fusedAttention) sizes(dst []int, q, k, v, mask []int) (shape []int, keys, dv int, err error) {
	rank := len(f.q)
	for i, s := range [3][]int{q, k, v} {
		if err := checkRank(i, len(s), rank); err != nil {
			return nil, 0, 0, err
		}
	}
	var kb, vb [4]int
	shape, k, v = permuted(dst, q, f.q), permuted(kb[:0], k, f.k), permuted(vb[:0], v, f.v)
	for i := range rank - 2 {
		for _, other := range [2]int{k[i], v[i]} {
			switch d := shape[i]; {
			case d == 1 || d < 0 && other > 1:
				shape[i] = other
			case other != d && other != 1 && other >= 0 && d >= 0:
				return nil, 0, 0, fmt.Errorf("queries have shape %v, keys %v, values %v", permuted(nil, q, f.q), shapeOf(k), shapeOf(v))
			}
		}
	}
	if shape[rank-1] != k[rank-1] && shape[rank-1] >= 0 && k[rank-1] >= 0 || k[rank-2] != v[rank-2] && k[rank-2] >= 0 && v[rank-2] >= 0 {
		return nil, 0, 0, fmt.Errorf("queries have shape %v, keys %v, values %v", shapeOf(shape), shapeOf(k), shapeOf(v))
	}
	if len(mask) > rank {
		return nil, 0, 0, fmt.Errorf("input 3: has rank %d, expected at most %d", len(mask), rank)
	}
	for i, d := range mask[:max(len(mask)-1, 0)] {
		if at := i + rank - len(mask); shape[at] == 1 || shape[at] < 0 && d > 1 {
			shape[at] = d
		}
	}
	return shape, k[rank-2], v[rank-1], nil
}

func (f *fusedAttention) Infer(c *Infer) error {
	q, k, v := c.In(0), c.In(1), c.In(2)
	c.Set(0, Unranked(tensor.Float32))
	c.Set(1, Unranked(tensor.Float32))
	mask := c.In(3)
	if !q.Ranked || !k.Ranked || !v.Ranked || c.Has(3) && !mask.Ranked {
		return nil
	}
	shape, keys, dv, err := f.sizes(nil, q.Shape, k.Shape, v.Shape, mask.Shape)
	if err != nil {
		return err
	}
	rank := len(shape)
	weights := shapeOf(shape)
	weights[rank-1] = keys
	c.Set(1, Shaped(tensor.Float32, weights...))
	shape[rank-1] = dv
	c.Set(0, Shaped(tensor.Float32, permuted(nil, shape, f.out)...))
	return nil
}

// permStrides are those of a tensor of the given shape whose axis perm[i] is
// axis i of (batch, [heads,] time, width). An extent of 1 repeats.
func permStrides(shape, perm []int) kernel.Strides {
	var own [4]int
	tensor.Strides(own[:], shape)
	for i, d := range shape {
		if d == 1 {
			own[i] = 0
		}
	}
	if len(perm) == 3 {
		return kernel.Strides{B: own[perm[0]], T: own[perm[1]]}
	}
	return kernel.Strides{B: own[perm[0]], H: own[perm[1]], T: own[perm[2]]}
}

// fusedAttentionRun is what a node keeps from run to run.
type fusedAttentionRun struct {
	c    *Ctx
	args kernel.AttentionArgs
	stop func() error
}

func (r *fusedAttentionRun) err() error { return r.c.Err() }

func (f *fusedAttention) Run(c *Ctx) error {
	q, k, v := c.In(0), c.In(1), c.In(2)
	for i := range 3 {
		if dt := c.In(i).DType(); dt != tensor.Float32 {
			return fmt.Errorf("input %d: has type %v, expected float", i, dt)
		}
	}
	var dims, outDims [4]int
	var mask []int
	if c.Has(3) {
		mask = c.In(3).Shape()
	}
	shape, keys, dv, err := f.sizes(dims[:0], q.Shape(), k.Shape(), v.Shape(), mask)
	if err != nil {
		return err
	}
	rank := len(shape)
	r := c.Local(func() any {
		r := new(fusedAttentionRun)
		r.stop = r.err
		return r
	}).(*fusedAttentionRun)
	r.c = c
	args := &r.args
	defer func() { r.c, *args = nil, kernel.AttentionArgs{} }() // it keeps no run's memory alive
	*args = kernel.AttentionArgs{B: shape[0], Heads: 1, Tq: shape[rank-2], Tk: keys, D: shape[rank-1], DV: dv, Scale: f.scale, Stop: r.stop,
		Q: tensor.Of[float32](q), K: tensor.Of[float32](k), V: tensor.Of[float32](v),
		QS: permStrides(q.Shape(), f.q), KS: permStrides(k.Shape(), f.k), VS: permStrides(v.Shape(), f.v)}
	if rank == 4 {
		args.Heads = shape[1]
	}
	if by := f.k[rank-1]; by < rank-1 {
		args.KD = tensor.Shape(k.Shape()[by+1:]).Len()
	}
	if c.Wants(1) {
		shape[rank-1] = keys
		w, err := c.Out(1, tensor.Float32, shape...)
		if err != nil {
			return err
		}
		args.Weights = tensor.Of[float32](w)
	}
	shape[rank-1] = dv
	y, err := c.Out(0, tensor.Float32, permuted(outDims[:0], shape, f.out)...)
	if err != nil || y.Len() == 0 {
		return err
	}
	args.Out = tensor.Of[float32](y)
	if keys == 0 {
		clear(args.Out)
		return nil
	}
	var inverse [4]int
	for i, p := range f.out {
		inverse[p] = i
	}
	args.OutS = permStrides(y.Shape(), inverse[:rank])
	if c.Has(3) {
		if err := f.mask(c, args); err != nil {
			return err
		}
	}
	if err := c.Memory.Reserve(kernel.RoomToAttend(c.Pool(), args)); err != nil {
		return err
	}
	kernel.Attention(c.Pool(), args)
	return c.Err()
}

// mask puts input 3, which broadcasts to (batch, heads, queries, keys), into
// args.
func (f *fusedAttention) mask(c *Ctx, args *kernel.AttentionArgs) error {
	m := c.In(3)
	if m.DType() != tensor.Float32 {
		return fmt.Errorf("input 3: has type %v, expected float", m.DType())
	}
	want := [4]int{args.B, args.Heads, args.Tq, args.Tk}
	var ext, own [4]int
	shape := m.Shape()
	if len(f.q) == 3 { // no axis of heads
		want[0], want[1] = 1, args.B
	}
	if len(shape) > 4 {
		return fmt.Errorf("input 3: has rank %d, expected at most 4", len(shape))
	}
	for i := range ext {
		ext[i] = 1
		if j := i - (4 - len(shape)); j >= 0 {
			ext[i] = shape[j]
		}
		if ext[i] != 1 && ext[i] != want[i] {
			return fmt.Errorf("input 3: shape %v does not broadcast to %v", shape, tensor.Shape(shapeOf(want[:])))
		}
	}
	data := tensor.Of[float32](m)
	if ext[3] != want[3] { // one value for all keys
		room, err := c.F32(m.Len() * want[3])
		if err != nil {
			return err
		}
		kernel.Spread(room, data, m.Len(), want[3], 1, 0)
		data, ext[3] = room, want[3]
	}
	tensor.Strides(own[:], ext[:])
	for i := range own {
		if ext[i] == 1 {
			own[i] = 0
		}
	}
	args.Mask, args.MaskS = data, kernel.Strides{B: own[0], H: own[1], T: own[2]}
	if len(f.q) == 3 {
		args.MaskS = kernel.Strides{B: own[1], T: own[2]}
	}
	return nil
}
