package kernel

const maxRank = 16

// Broadcast is a loop over the elements of an output whose inputs, up to
// three, are broadcast to its shape: rows of N consecutive output elements, in
// which input k moves by Step[k] (0 or 1) for each. Make one with
// [NewBroadcast]; it is immutable then.
type Broadcast struct {
	Rows, N int
	Step    [3]int
	rank    int // of the rows
	dims    [maxRank]int
	strides [3][maxRank]int
}

// NewBroadcast prepares the loop for an output of the given shape (rank at most
// 16). Each input shape has extents equal to the output's or 1, aligned at
// the right. Neighbouring dimensions that all inputs walk alike become one.
func NewBroadcast(shape []int, inputs ...[]int) (b Broadcast) {
	var dims [maxRank]int
	var steps [3][maxRank]int // of each dimension, innermost first
	n := 0
	var size [3]int
	for k := range inputs {
		size[k] = 1
	}
	for i := len(shape) - 1; i >= 0; i-- {
		var step [3]int
		for k, in := range inputs {
			j := i - (len(shape) - len(in))
			if j >= 0 && in[j] != 1 {
				step[k] = size[k]
				size[k] *= in[j]
			}
		}
		if shape[i] == 1 {
			continue
		}
		if n > 0 && continues(&step, &steps, n-1, dims[n-1], len(inputs)) {
			dims[n-1] *= shape[i]
			continue
		}
		dims[n] = shape[i]
		for k := range inputs {
			steps[k][n] = step[k]
		}
		n++
	}
	b.Rows, b.N = 1, 1
	if n > 0 {
		b.N = dims[0]
		for k := range inputs {
			b.Step[k] = steps[k][0]
		}
	}
	for i := 1; i < n; i++ { // the rest, outermost first again
		at := n - 1 - i
		b.dims[at] = dims[i]
		b.Rows *= dims[i]
		for k := range inputs {
			b.strides[k][at] = steps[k][i]
		}
	}
	b.rank = max(n-1, 0)
	return b
}

// continues reports whether a dimension with the given steps is, for every
// input, the continuation of dimension d of the given extent.
func continues(step *[3]int, steps *[3][maxRank]int, d, extent, inputs int) bool {
	for k := range inputs {
		if step[k] != steps[k][d]*extent {
			return false
		}
	}
	return true
}

// Cursor stands at the beginning of a row: Off has each input's offset.
type Cursor struct {
	Off   [3]int
	index [maxRank]int
}

// At is the cursor of a row.
func (b *Broadcast) At(row int) (c Cursor) {
	if b.Rows == 0 {
		return c
	}
	for d := b.rank - 1; d >= 0; d-- {
		i := row % b.dims[d]
		row /= b.dims[d]
		c.index[d] = i
		for k := range c.Off {
			c.Off[k] += i * b.strides[k][d]
		}
	}
	return c
}

// Next moves the cursor to the next row.
func (b *Broadcast) Next(c *Cursor) {
	for d := b.rank - 1; d >= 0; d-- {
		c.index[d]++
		for k := range c.Off {
			c.Off[k] += b.strides[k][d]
		}
		if c.index[d] < b.dims[d] {
			return
		}
		for k := range c.Off {
			c.Off[k] -= b.dims[d] * b.strides[k][d]
		}
		c.index[d] = 0
	}
}

// elementGrain is how many elements of a cheap loop are worth a chunk of For.
const elementGrain = 1 << 15

// Units is how a loop over b divides for [Pool.For]: into n units of which grain
// are worth a chunk. A unit is a row, or an element where there is one row.
func (b *Broadcast) Units() (n, grain int) {
	if b.Rows == 1 {
		return b.N, elementGrain
	}
	return b.Rows, max(1, elementGrain/max(b.N, 1))
}
