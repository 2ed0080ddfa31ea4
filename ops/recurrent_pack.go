package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// recurrentWeights are the weights of a recurrent node, packed for each
// direction in the one form that its options and type call for.
type recurrentWeights struct {
	dtype         tensor.DType
	input, hidden int
	lstm          [2]*kernel.LSTMWeights
	gru           [2]*kernel.GRUWeights
	f32           [2]*kernel.Recurrence[float32]
	f64           [2]*kernel.Recurrence[float64]
}

func (k *recurrent) WithWeights(t kernel.WeightType) Prepacker {
	w := *k
	w.weights = t
	return &w
}

// Prepack packs W, R, B and P if all that the node has are constant.
func (k *recurrent) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	at := func(i int) *tensor.Tensor {
		if i < len(consts) {
			return consts[i]
		}
		return nil
	}
	w, r, b, p := at(inW), at(inR), at(inB), at(inP)
	if w == nil || r == nil || k.bias && b == nil || k.peepholes && p == nil {
		return nil, nil, nil
	}
	var in operands
	for _, i := range [...]int{inW, inR, inB, inP} {
		in.set(i, at(i))
	}
	s, err := k.sizes(&in)
	if err != nil {
		return nil, nil, err
	}
	packed := *k
	if packed.packed, err = k.pack(memory, s.I, s.H, w, r, b, p); err != nil {
		return nil, nil, err
	}
	drop := []int{inW, inR}
	if k.bias {
		drop = append(drop, inB)
	}
	if k.peepholes {
		drop = append(drop, inP)
	}
	return &packed, drop, nil
}

// pack packs weights whose shapes were checked: wt is W; b and p may be nil.
func (k *recurrent) pack(memory Allocator, input, hidden int, wt, r, b, p *tensor.Tensor) (*recurrentWeights, error) {
	room := k.room(input, hidden, wt.DType())
	if dt := wt.DType(); dt != tensor.Float32 && dt != tensor.Float64 { // copies, of which the peepholes' is kept
		for _, t := range []*tensor.Tensor{wt, r, b, p} {
			if t != nil {
				room.Passing += 4 * t.Len()
			}
		}
		if p != nil {
			room.Kept += 4 * p.Len()
		}
	}
	if err := reserveRoom(memory, room); err != nil {
		return nil, err
	}
	defer memory.Release(room.Passing)
	out := &recurrentWeights{dtype: wt.DType(), input: input, hidden: hidden}
	if wt.DType() == tensor.Float64 {
		err := packDirections(k, input, hidden, wt, r, b, p, func(d int, w, r, b, p []float64) {
			out.f64[d] = newRecurrence[float64](k, d)
			out.f64[d].Pack(input, hidden, w, r, b, p)
		})
		return out, err
	}
	err := packDirections(k, input, hidden, wt, r, b, p, func(d int, w, r, b, p []float32) {
		switch {
		case !k.plain() || k.quantised:
		case k.kind == kernel.CellLSTM:
			in := kernel.PackLSTMInputAs(k.weights, input, hidden, w, input)
			releaseDirection(wt, d)
			out.lstm[d] = kernel.PackLSTMRecurrence(k.weights, in, r, b)
			return
		case k.kind == kernel.CellGRU:
			out.gru[d] = kernel.PackGRUAs(k.weights, input, hidden, w, r, b)
			return
		}
		out.f32[d] = newRecurrence[float32](k, d)
		out.f32[d].Pack(input, hidden, w, r, b, p)
	})
	return out, err
}

// room is the memory that the packed weights of all directions take.
func (k *recurrent) room(input, hidden int, dt tensor.DType) (r kernel.Room) {
	switch {
	case dt == tensor.Float64 || !k.plain() || k.quantised:
		r = kernel.RoomForRecurrence(k.weights, k.kind, input, hidden, dt == tensor.Float64)
	case k.kind == kernel.CellLSTM:
		r = kernel.RoomForLSTM(k.weights, input, hidden)
	case k.kind == kernel.CellGRU:
		r = kernel.RoomForGRU(k.weights, input, hidden)
	default:
		r = kernel.RoomForRecurrence(k.weights, k.kind, input, hidden, false)
	}
	if r.Kept > math.MaxInt/k.directions {
		return kernel.Room{Kept: math.MaxInt}
	}
	r.Kept *= k.directions
	return r
}

// bytes is what the packed weights of LSTMs take.
func (w *recurrentWeights) bytes() (n int) {
	for _, l := range w.lstm {
		if l != nil {
			n += l.Bytes()
		}
	}
	return n
}

// releaseDirection gives back the memory of W's part that is packed, before R
// is: so no more than one of them is in memory twice.
func releaseDirection(w *tensor.Tensor, d int) {
	if part, err := w.Rows(d, d+1); err == nil {
		part.Release()
	}
}

func newRecurrence[T floating](k *recurrent, d int) *kernel.Recurrence[T] {
	return &kernel.Recurrence[T]{Kind: k.kind, Acts: k.acts[d], Clip: T(k.clip), InputForget: k.inputForget, ResetLast: k.resetLast, Quantised: k.quantised, CellUnclipped: k.quantised, Weights: k.weights}
}

// packDirections hands each direction's part of the weights to f.
func packDirections[T floating](k *recurrent, input, hidden int, w, r, b, p *tensor.Tensor, f func(d int, w, r, b, p []T)) error {
	var data [4][]T
	for i, t := range [4]*tensor.Tensor{w, r, b, p} {
		switch {
		case t == nil:
		case t.DType() == tensor.DTypeOf[T]():
			data[i] = tensor.Of[T](t)
		default:
			wide, err := realCopy[T](t)
			if err != nil {
				return err
			}
			data[i] = wide
		}
	}
	part := func(i, d, size int) []T {
		if data[i] == nil {
			return nil
		}
		return data[i][d*size : (d+1)*size]
	}
	rows := k.kind.Gates() * hidden
	for d := range k.directions {
		f(d, part(0, d, rows*input), part(1, d, rows*hidden), part(2, d, 2*rows), part(3, d, 3*hidden))
	}
	return nil
}
