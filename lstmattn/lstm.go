package lstmattn

import (
	"cmp"
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
)

// LSTMParams are the parameters of one direction of one LSTM layer with I
// inputs and H units. The rows of each stand in four blocks, gates i, o, f, c.
type LSTMParams struct {
	WeightIH []float32 // (4H, I)
	WeightHH []float32 // (4H, H)
	BiasIH   []float32 // (4H)
	BiasHH   []float32 // (4H)
}

// pack checks the lengths and brings the parameters into the kernels' layout.
// where begins the error.
func (p *LSTMParams) pack(where string, input, hidden int) (*kernel.LSTMWeights, error) {
	for _, part := range []struct {
		name string
		data []float32
		want int
	}{
		{"weight_ih", p.WeightIH, 4 * hidden * input},
		{"weight_hh", p.WeightHH, 4 * hidden * hidden},
		{"bias_ih", p.BiasIH, 4 * hidden},
		{"bias_hh", p.BiasHH, 4 * hidden},
	} {
		if len(part.data) != part.want {
			return nil, fmt.Errorf("lstmattn: %s%s has %d elements, expected %d for %d inputs and %d units",
				where, part.name, len(part.data), part.want, input, hidden)
		}
	}
	bias := make([]float32, 0, 8*hidden)
	bias = append(append(bias, p.BiasIH...), p.BiasHH...)
	return kernel.PackLSTM(input, hidden, p.WeightIH, p.WeightHH, bias), nil
}

// An LSTMCell is one step of an LSTM layer, PyTorch's nn.LSTMCell. It is
// immutable and safe for concurrent use.
type LSTMCell struct{ weights *kernel.LSTMWeights }

// NewLSTMCell copies the parameters of a cell with the given numbers of inputs
// and units. A parameter of the wrong length is an error.
func NewLSTMCell(input, hidden int, params LSTMParams) (*LSTMCell, error) {
	if err := cmp.Or(size("input", input), size("hidden", hidden)); err != nil {
		return nil, err
	}
	w, err := params.pack("", input, hidden)
	if err != nil {
		return nil, err
	}
	return &LSTMCell{w}, nil
}

// Step advances B sequences by one step: from x (B, I) and the states h, c
// (B, H) to the new states in h and c,
//
//	i, o, f = sigmoid(W x + R h + b)     g = tanh(W x + R h + b)
//	c = f*c + i*g                        h = o*tanh(c)
func (l *LSTMCell) Step(p *kernel.Pool, x, h, c []float32, batch int) error {
	input, hidden := l.weights.Sizes()
	if err := cmp.Or(size("batch", batch), length("x", x, batch*input), length("h", h, batch*hidden), length("c", c, batch*hidden)); err != nil {
		return err
	}
	kernel.LSTMStep(p, l.weights, &kernel.LSTMStepArgs{B: batch, X: x, XB: input, H: h, C: c, HOut: h, COut: c})
	return nil
}

// A StackedLSTM is a stack of LSTM layers of one or two directions, PyTorch's
// nn.LSTM with batch_first. It is immutable and safe for concurrent use.
type StackedLSTM struct {
	input, hidden, directions int
	layers                    [][]*kernel.LSTMWeights // by layer, then direction: forward, reverse
}

// NewStackedLSTM copies the parameters of a stack: params[k] holds those of
// layer k, one or two directions. Layer 0 has the given number of inputs, the
// others hidden times directions.
func NewStackedLSTM(input, hidden int, params [][]LSTMParams) (*StackedLSTM, error) {
	if err := cmp.Or(size("input", input), size("hidden", hidden), size("number of layers", len(params))); err != nil {
		return nil, err
	}
	s := &StackedLSTM{input: input, hidden: hidden, directions: len(params[0])}
	if s.directions != 1 && s.directions != 2 {
		return nil, fmt.Errorf("lstmattn: layer 0 has %d directions, expected 1 or 2", s.directions)
	}
	for k, directions := range params {
		if len(directions) != s.directions {
			return nil, fmt.Errorf("lstmattn: layer %d has %d directions, layer 0 has %d", k, len(directions), s.directions)
		}
		var layer []*kernel.LSTMWeights
		for d := range directions {
			w, err := directions[d].pack(fmt.Sprintf("layer %d, direction %d: ", k, d), s.inputOf(k), hidden)
			if err != nil {
				return nil, err
			}
			layer = append(layer, w)
		}
		s.layers = append(s.layers, layer)
	}
	return s, nil
}

// repack takes other parameters of the same sizes.
func (s *StackedLSTM) repack(params [][]LSTMParams) {
	for k, layer := range s.layers {
		for d, w := range layer {
			p := &params[k][d]
			w.Repack(p.WeightIH, p.WeightHH, p.BiasIH, p.BiasHH)
		}
	}
}

// Sizes returns the widths of input and output (hidden times directions) and
// the number of final states (layers times directions).
func (s *StackedLSTM) Sizes() (input, output, states int) {
	return s.input, s.hidden * s.directions, len(s.layers) * s.directions
}

func (s *StackedLSTM) inputOf(layer int) int {
	if layer == 0 {
		return s.input
	}
	return s.hidden * s.directions
}

// StackedArgs are the data of a StackedLSTM over T steps of B sequences.
type StackedArgs struct {
	Batch, Steps int // B, T

	X []float32 // (B, T, input)
	// Y holds for each layer the room for its output (B, T, hidden*directions).
	// The last is the result; layers may share room with any but their neighbour.
	Y [][]float32
	// H0 and C0 (layers*directions, B, hidden) are the initial states; nil for zeros.
	H0, C0 []float32
	// HN and CN (layers*directions, B, hidden) receive the final states; nil if not wanted.
	HN, CN []float32
	// Stop is called now and then; an error ends the work and is returned. It may be nil.
	Stop func() error

	between func(layer int, y []float32) []float32 // dropout between layers: what the next layer reads
	tape    *tape                                  // receives what the backward pass needs
	runs    [2]kernel.LSTMArgs
}

// Forward runs all layers over whole sequences.
func (s *StackedLSTM) Forward(p *kernel.Pool, a *StackedArgs) error {
	_, out, states := s.Sizes()
	if err := cmp.Or(size("batch", a.Batch), size("number of steps", a.Steps)); err != nil {
		return err
	}
	if err := length("x", a.X, a.Batch*a.Steps*s.input); err != nil {
		return err
	}
	if len(a.Y) != len(s.layers) {
		return fmt.Errorf("lstmattn: room for %d layers' outputs, expected %d", len(a.Y), len(s.layers))
	}
	for k := range a.Y {
		if err := length("y", a.Y[k], a.Batch*a.Steps*out); err != nil {
			return err
		}
	}
	for _, state := range [][]float32{a.H0, a.C0, a.HN, a.CN} {
		if state != nil && len(state) != states*a.Batch*s.hidden {
			return fmt.Errorf("lstmattn: a state has %d elements, expected %d", len(state), states*a.Batch*s.hidden)
		}
	}
	x := a.X
	for k, layer := range s.layers {
		width := s.inputOf(k)
		for d := range layer {
			at := (k*s.directions + d) * a.Batch * s.hidden
			part := func(state []float32) []float32 {
				if state == nil {
					return nil
				}
				return state[at : at+a.Batch*s.hidden]
			}
			a.runs[d] = kernel.LSTMArgs{
				T: a.Steps, B: a.Batch,
				X: x, XT: width, XB: a.Steps * width,
				H0: part(a.H0), C0: part(a.C0), Reverse: d == 1,
				Y: a.Y[k][d*s.hidden:], YT: out, YB: a.Steps * out,
				YH: part(a.HN), YC: part(a.CN), Stop: a.Stop,
			}
			if a.tape != nil {
				a.runs[d].Gates, a.runs[d].Cells = a.tape.gates[k][d], a.tape.cells[k][d]
			}
		}
		var err error
		if len(layer) == 2 {
			err = kernel.BiLSTM(p, [2]*kernel.LSTMWeights{layer[0], layer[1]}, [2]*kernel.LSTMArgs{&a.runs[0], &a.runs[1]})
		} else {
			err = kernel.LSTM(p, layer[0], &a.runs[0])
		}
		if err != nil {
			return err
		}
		x = a.Y[k]
		if a.between != nil && k < len(s.layers)-1 {
			x = a.between(k, x)
		}
	}
	return nil
}
