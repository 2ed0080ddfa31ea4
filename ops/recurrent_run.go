package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// recurrentRun is what a recurrent node keeps from run to run.
type recurrentRun[T floating] struct {
	k *recurrent
	c *Ctx
	s recurrentSizes
	w *recurrentWeights

	room   int // RoomToRecur of roomOf
	roomOf recurrentSizes

	x      []T
	y      realOut[T]
	states [2]realOut[T] // Y_h, Y_c
	lens   []int32
	first  [2][2][]T // initial h and c of each direction, where they had to be copied
	final  [2][2][]T // last h and c of each direction, where they have to be

	lstm    [2]kernel.LSTMArgs
	gru     [2]kernel.GRUArgs
	args    [2]kernel.RecurrenceArgs[T]
	scratch [2]kernel.RecurrenceScratch[T]
	errs    [2]error
	stop    func() error
	each    func(lo, hi int)
}

func (k *recurrent) Run(c *Ctx) error {
	in := c.operands()
	s, err := k.sizes(&in)
	if err != nil {
		return err
	}
	if in[inX].dtype == tensor.Float64 {
		return runRecurrent[float64](k, c, s)
	}
	return runRecurrent[float32](k, c, s)
}

func runRecurrent[T floating](k *recurrent, c *Ctx, s recurrentSizes) (err error) {
	r := c.Local(func() any {
		r := &recurrentRun[T]{}
		r.stop, r.each = r.err, r.direction
		return r
	}).(*recurrentRun[T])
	r.k, r.c, r.s, r.w = k, c, s, k.packed
	defer r.release()
	if err := r.reserve(); err != nil {
		return err
	}
	if r.w == nil {
		w, rec := c.In(inW), c.In(inR)
		if r.w, err = k.pack(c.Memory, s.I, s.H, w, rec, c.In(inB), c.In(inP)); err != nil {
			return err
		}
	}
	if !k.forwards(c.In(inX).DType()) || r.w.lstm[0] == nil && r.w.gru[0] == nil {
		if err := c.From.WaitAll(); err != nil {
			return err
		}
	}
	if r.x, err = reals[T](c, c.In(inX)); err != nil {
		return err
	}
	if err := r.readLens(); err != nil {
		return err
	}
	if err := r.outputs(); err != nil {
		return err
	}
	for d := range k.directions {
		if err := r.prepare(d); err != nil {
			return err
		}
	}
	if err := r.compute(); err != nil {
		return err
	}
	r.finish()
	return nil
}

// reserve accounts for the working memory of a step of every direction.
func (r *recurrentRun[T]) reserve() error {
	if r.s != r.roomOf {
		r.room, r.roomOf = kernel.RoomToRecur(r.c.Pool(), r.k.kind, r.s.T, r.s.B, r.s.I, r.s.H), r.s
	}
	n := r.room
	size := r.k.directions * tensor.DTypeOf[T]().Size() / 4
	if n > math.MaxInt/size {
		n = math.MaxInt / size
	}
	if err := r.c.Memory.Reserve(n * size); err != nil || tensor.DTypeOf[T]() != tensor.Float64 {
		return err
	}
	return r.c.Memory.Reserve(kernel.RoomToMultiply(8, false, true, r.s.B, r.k.kind.Gates()*r.s.H, max(r.s.I, r.s.H), false))
}

func (r *recurrentRun[T]) err() error { return r.c.Err() }

func (r *recurrentRun[T]) release() {
	r.c, r.w, r.x, r.y, r.states = nil, nil, nil, realOut[T]{}, [2]realOut[T]{}
	for d := range r.k.directions {
		r.lstm[d], r.gru[d], r.args[d] = kernel.LSTMArgs{}, kernel.GRUArgs{}, kernel.RecurrenceArgs[T]{}
	}
}

// readLens reads sequence_lens into r.lens, empty if there are none.
func (r *recurrentRun[T]) readLens() error {
	r.lens = r.lens[:0]
	t := r.c.In(inLens)
	if t == nil {
		return nil
	}
	for b := range t.Len() {
		n := int64(0)
		if t.DType() == tensor.Int32 {
			n = int64(tensor.Of[int32](t)[b])
		} else {
			n = tensor.Of[int64](t)[b]
		}
		if n < 0 || n > int64(r.s.T) {
			return fmt.Errorf("input %d: sequence %d has length %d, expected 0 to %d", inLens, b, n, r.s.T)
		}
		r.lens = append(r.lens, int32(n))
	}
	return nil
}

func (r *recurrentRun[T]) outputs() (err error) {
	k, c, s := r.k, r.c, r.s
	dt := c.In(inX).DType()
	if c.Wants(0) {
		y := k.yShape(s)
		if r.y, err = outReal[T](c, 0, dt, y[:]...); err != nil {
			return err
		}
	}
	for i := range r.states {
		if !c.Wants(1 + i) {
			continue
		}
		if k.stateBatch {
			r.states[i], err = outReal[T](c, 1+i, dt, s.B, k.directions, s.H)
		} else {
			r.states[i], err = outReal[T](c, 1+i, dt, k.directions, s.B, s.H)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prepare fills in the arguments of direction d.
func (r *recurrentRun[T]) prepare(d int) error {
	k, s := r.k, r.s
	a := &r.args[d]
	*a = kernel.RecurrenceArgs[T]{T: s.T, B: s.B, X: r.x, XT: s.B * s.I, XB: s.I, Reverse: k.reverse || d == 1, Stop: r.stop}
	if k.xBatch {
		a.XT, a.XB = s.I, s.T*s.I
	}
	if len(r.lens) > 0 {
		a.SeqLens = r.lens
	}
	if y := r.y.data; len(y) > 0 {
		var of [4]int // strides by axis of (time, directions, batch, hidden)
		shape, step := k.yShape(s), 1
		for i := len(shape) - 1; i >= 0; i-- {
			of[k.yAxes[i]] = step
			step *= shape[i]
		}
		a.Y, a.YT, a.YB = y[d*of[1]:], of[0], of[2]
	}
	var err error
	if a.H0, err = r.initial(0, d); err != nil {
		return err
	}
	if k.kind == kernel.CellLSTM {
		if a.C0, err = r.initial(1, d); err != nil {
			return err
		}
	}
	a.YH, a.YC = r.last(0, d), r.last(1, d)
	return nil
}

// compute runs the directions, at the same time if there are two.
func (r *recurrentRun[T]) compute() error {
	k := r.k
	if r.s.T == 0 || r.s.B == 0 || r.s.H == 0 {
		for d := range k.directions {
			a := &r.args[d]
			copyOrClear(a.YH, a.H0)
			copyOrClear(a.YC, a.C0)
		}
		return nil
	}
	if r.w.lstm[0] != nil {
		return r.computeLSTM()
	}
	if k.directions == 1 {
		r.direction(0, 1)
		return r.errs[0]
	}
	r.c.Pool().For(2, 1, r.each)
	if r.errs[0] != nil {
		return r.errs[0]
	}
	return r.errs[1]
}

func (r *recurrentRun[T]) direction(lo, hi int) {
	for d := lo; d < hi; d++ {
		switch a := any(&r.args[d]).(type) {
		case *kernel.RecurrenceArgs[float32]:
			if w := r.w.gru[d]; w != nil {
				r.gru[d] = kernel.GRUArgs{T: a.T, B: a.B, X: a.X, XT: a.XT, XB: a.XB, H0: a.H0, SeqLens: a.SeqLens,
					Reverse: a.Reverse, Y: a.Y, YT: a.YT, YB: a.YB, YH: a.YH, Stop: a.Stop, From: r.c.From, To: r.c.To}
				r.errs[d] = kernel.GRU(r.c.Pool(), w, &r.gru[d])
				continue
			}
			r.errs[d] = r.w.f32[d].Run(r.c.Pool(), a, any(&r.scratch[d]).(*kernel.RecurrenceScratch[float32]))
		case *kernel.RecurrenceArgs[float64]:
			r.errs[d] = r.w.f64[d].Run(r.c.Pool(), a, any(&r.scratch[d]).(*kernel.RecurrenceScratch[float64]))
		}
	}
}

func (r *recurrentRun[T]) computeLSTM() error {
	for d := range r.k.directions {
		a := any(&r.args[d]).(*kernel.RecurrenceArgs[float32])
		r.lstm[d] = kernel.LSTMArgs{T: a.T, B: a.B, X: a.X, XT: a.XT, XB: a.XB, H0: a.H0, C0: a.C0, SeqLens: a.SeqLens,
			Reverse: a.Reverse, Y: a.Y, YT: a.YT, YB: a.YB, YH: a.YH, YC: a.YC, Stop: a.Stop, From: r.c.From, To: r.c.To}
	}
	if r.k.directions == 1 {
		return kernel.LSTM(r.c.Pool(), r.w.lstm[0], &r.lstm[0])
	}
	return kernel.BiLSTM(r.c.Pool(), r.w.lstm, [2]*kernel.LSTMArgs{&r.lstm[0], &r.lstm[1]})
}
