package lstmattn

import "context"

// A Batch is B windows and what is known beside them. What the configuration
// has none of is nil.
type Batch struct {
	Size int // B

	X      []float32 // (B, L, F) the history, raw
	Target []float32 // (B, T, F) what came after, raw; T is the horizon
	Weight []float32 // (B, T, F) each target's weight in the loss, 0 where it is missing; nil for 1 everywhere

	Past   []float32 // (B, L, num_past) covariates known for the history only, raw
	Future []float32 // (B, L+T, num_future) covariates known for the horizon too, raw
	Static []float32 // (B, num_static) covariates of the series, raw
}

// A Dataset is a list of windows, each with the same sizes.
type Dataset interface {
	// Len is the number of windows.
	Len() int

	// Read sets b to the windows of the given indices, in their order. It uses
	// b's slices again where they are large enough. It is safe for concurrent
	// use with different batches.
	Read(ctx context.Context, index []int, b *Batch) error
}

// TotalWeight is the sum of the targets' weights.
func (b *Batch) TotalWeight() float64 {
	if b.Weight == nil {
		return float64(len(b.Target))
	}
	var sum float64
	for _, w := range b.Weight {
		sum += float64(w)
	}
	return sum
}

// part is the windows lo to hi of a batch whose targets have a number of steps.
func (b *Batch) part(c *Config, steps, lo, hi int) *Batch {
	cut := b.cut(c, steps, lo, hi)
	return &cut
}

// cut is part by value.
func (b *Batch) cut(c *Config, steps, lo, hi int) Batch {
	of := func(all []float32, width int) []float32 {
		if all == nil {
			return nil
		}
		return all[lo*width : hi*width]
	}
	return Batch{
		Size: hi - lo,
		X:    of(b.X, c.InputSize*c.NumFeatures), Target: of(b.Target, steps*c.NumFeatures), Weight: of(b.Weight, steps*c.NumFeatures),
		Past: of(b.Past, c.InputSize*c.NumPast), Future: of(b.Future, (c.InputSize+steps)*c.NumFuture), Static: of(b.Static, c.NumStatic),
	}
}
