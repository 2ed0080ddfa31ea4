package kernel

import "math"

// Twister is the generator MT19937 (Matsumoto and Nishimura, 1998), with the
// derived distributions of numpy's RandomState, so that seeds mean the same.
// Make one with [NewTwister]; it serves one goroutine.
type Twister struct {
	state [624]uint32
	next  int
	spare float64 // the second number of a pair of normals
	has   bool
}

// NewTwister returns the generator seeded with seed.
func NewTwister(seed uint32) *Twister {
	t := &Twister{next: 624}
	t.state[0] = seed
	for i := 1; i < 624; i++ {
		before := t.state[i-1]
		t.state[i] = 1812433253*(before^before>>30) + uint32(i)
	}
	return t
}

func (t *Twister) refill() {
	s := &t.state
	for i := range s {
		y := s[i]&0x80000000 | s[(i+1)%624]&0x7fffffff
		v := s[(i+397)%624] ^ y>>1
		if y&1 != 0 {
			v ^= 0x9908b0df
		}
		s[i] = v
	}
	t.next = 0
}

// Uint32 is uniform over all 32-bit numbers.
func (t *Twister) Uint32() uint32 {
	if t.next >= 624 {
		t.refill()
	}
	y := t.state[t.next]
	t.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// Float64 is uniform over [0, 1), with 53 random bits.
func (t *Twister) Float64() float64 {
	a, b := t.Uint32()>>5, t.Uint32()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

// Normal is from the standard normal distribution, by Marsaglia's polar method.
func (t *Twister) Normal() float64 {
	if t.has {
		t.has = false
		return t.spare
	}
	for {
		x, y := 2*t.Float64()-1, 2*t.Float64()-1
		r := x*x + y*y
		if r >= 1 || r == 0 {
			continue
		}
		f := math.Sqrt(-2 * math.Log(r) / r)
		t.spare, t.has = f*x, true
		return f * y
	}
}

// Uniforms is dst[i] = low + (high-low) * u, with u uniform over [0, 1).
func (t *Twister) Uniforms(dst []float64, low, high float64) {
	for i := range dst {
		dst[i] = low + (high-low)*t.Float64()
	}
}

// Normals is dst[i] = mean + scale * z, with z standard normal.
func (t *Twister) Normals(dst []float64, mean, scale float64) {
	for i := range dst {
		dst[i] = mean + scale*t.Normal()
	}
}

// Bernoullis is dst[i] = 1 with probability p[i], else 0. dst may be p.
func (t *Twister) Bernoullis(dst, p []float64) {
	for i, v := range p {
		dst[i] = 0
		if t.Float64() < v {
			dst[i] = 1
		}
	}
}

// Keep is, for each element, true with probability 1-ratio.
func (t *Twister) Keep(dst []bool, ratio float64) {
	for i := range dst {
		dst[i] = t.Float64() >= ratio
	}
}

// Categories is dst[i] = a class drawn with probability in proportion to
// exp(logits[class]).
func (t *Twister) Categories(dst []int64, logits []float64) {
	m := math.Inf(-1)
	for _, v := range logits {
		m = max(m, v)
	}
	total := 0.0
	for _, v := range logits {
		total += math.Exp(v - m)
	}
	for i := range dst {
		u := t.Float64() * total
		class := 0
		for sum := 0.0; class < len(logits)-1; class++ {
			if sum += math.Exp(logits[class] - m); u < sum {
				break
			}
		}
		dst[i] = int64(class)
	}
}

// Mask is x[i] * scale where keep[i], else 0.
func Mask[T float32 | float64](dst, x []T, keep []bool, scale T) {
	for i, v := range x[:len(dst)] {
		dst[i] = 0
		if keep[i] {
			dst[i] = v * scale
		}
	}
}
