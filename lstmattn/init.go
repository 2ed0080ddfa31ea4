package lstmattn

import "math/rand/v2"

// InitKind is a distribution of initial values.
type InitKind uint8

// The initial distributions.
const (
	Zeros InitKind = iota
	Ones
	Uniform // between -Bound and Bound
	Normal  // with mean 0 and standard deviation Bound
)

// Init says how a parameter is filled at first. The table has PyTorch's
// choices: LSTM 1/sqrt(hidden), Linear 1/sqrt(fan in), attention's input
// projections Xavier (Glorot and Bengio 2010), its biases 0, layer norm 1 and 0,
// embeddings normal.
type Init struct {
	Kind  InitKind
	Bound float64 // of Uniform the largest magnitude, of Normal the standard deviation
}

// initialize fills every parameter. Each has a random stream of its own, from
// the seed and its name, so a change to the table leaves the others' values.
func (p *Params) initialize(seed uint64) {
	for i := range p.table {
		row := &p.table[i]
		view := p.View(row.Name)
		switch row.Init.Kind {
		case Ones:
			for j := range view {
				view[j] = 1
			}
		case Uniform:
			rng := stream(seed, row.Name)
			for j := range view {
				view[j] = float32((2*rng.Float64() - 1) * row.Init.Bound)
			}
		case Normal:
			rng := stream(seed, row.Name)
			for j := range view {
				view[j] = float32(rng.NormFloat64() * row.Init.Bound)
			}
		}
	}
}

// stream is the generator of the random numbers of one purpose.
func stream(seed uint64, purpose string) *rand.Rand {
	return new(source).start(seed, purpose)
}

// A source is memory for a stream, one after the other.
type source struct {
	pcg  rand.PCG
	rand *rand.Rand
}

// start begins a stream; the one before it ends.
func (s *source) start(seed uint64, purpose string) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(purpose) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	if s.pcg.Seed(seed, h); s.rand == nil {
		s.rand = rand.New(&s.pcg)
	}
	return s.rand
}
