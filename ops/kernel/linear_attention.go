package kernel

import "math"

// LinearAttentionArgs are the data of linear attention over T steps: q (B, T,
// Heads*DK), k (B, T, KVHeads*DK), v (B, T, KVHeads*DV), out (B, T, Heads*DV),
// state (B, KVHeads, DK, DV), updated in place.
type LinearAttentionArgs struct {
	B, T, Heads, KVHeads, DK, DV int
	Q, K, V, Out, State          []float32
	Decay                        []float32 // (B, T, DecayN), DecayN KVHeads or KVHeads*DK; nil for none
	DecayN                       int
	Beta                         []float32 // (B, T, BetaN), BetaN KVHeads or 1; nil for no delta rule
	BetaN                        int
	Scale                        float32
}

// LinearAttention is, for each step and head (its key head's state being S),
//
//	S[i] *= exp(decay[i])
//	u = v, or with the delta rule u = beta * (v - sum_i(k[i] * S[i]))
//	S[i] += k[i] * u
//	out = Scale * sum_i(q[i] * S[i])
func LinearAttention(p *Pool, a *LinearAttentionArgs) {
	p.For(a.B*a.KVHeads, max(1, 1<<14/(a.T*a.DK*a.DV+1)), func(lo, hi int) {
		u := make([]float32, a.DV)
		for i := lo; i < hi; i++ {
			for t := range a.T {
				a.step(i/a.KVHeads, i%a.KVHeads, t, u)
			}
		}
	})
}

func (a *LinearAttentionArgs) step(b, g, t int, u []float32) {
	at := b*a.T + t
	state := a.State[(b*a.KVHeads+g)*a.DK*a.DV:]
	row := func(i int) []float32 { return state[i*a.DV : (i+1)*a.DV] }
	k, v := a.K[(at*a.KVHeads+g)*a.DK:][:a.DK], a.V[(at*a.KVHeads+g)*a.DV:][:a.DV]
	if a.Decay != nil {
		decay := a.Decay[at*a.DecayN:]
		for i := range a.DK {
			d := decay[g]
			if a.DecayN != a.KVHeads {
				d = decay[g*a.DK+i]
			}
			MulScalar(row(i), row(i), float32(math.Exp(float64(d))))
		}
	}
	copy(u, v)
	if a.Beta != nil {
		for i, f := range k {
			Axpy(u, -f, row(i))
		}
		MulScalar(u, u, a.Beta[at*a.BetaN+min(g, a.BetaN-1)])
	}
	for i, f := range k {
		Axpy(row(i), f, u)
	}
	share := a.Heads / a.KVHeads
	for h := g * share; h < (g+1)*share; h++ {
		out := a.Out[(at*a.Heads+h)*a.DV:][:a.DV]
		clear(out)
		for i, f := range a.Q[(at*a.Heads+h)*a.DK:][:a.DK] {
			Axpy(out, a.Scale*f, row(i))
		}
	}
}

// CausalConv is a depthwise convolution over x (batch, channels, n) preceded by
// past (batch, channels, taps-1), nil for zeros:
//
//	y(b,c,i) = bias[c] + sum_k(w(c,k) * padded(b,c,i+k))
//
// present, if not nil, receives the last taps-1 elements of the padded input.
func CausalConv(p *Pool, y, present, x, past, w, bias []float32, batch, channels, n, taps int) {
	p.For(batch*channels, rowGrain(n*taps), func(lo, hi int) {
		padded := make([]float32, n+taps-1)
		for i := lo; i < hi; i++ {
			c := i % channels
			clear(padded)
			if past != nil {
				copy(padded, past[i*(taps-1):(i+1)*(taps-1)])
			}
			copy(padded[taps-1:], x[i*n:(i+1)*n])
			row := y[i*n : (i+1)*n]
			if bias != nil {
				Fill(row, bias[c])
			} else {
				clear(row)
			}
			for k := range taps {
				Axpy(row, w[c*taps+k], padded[k:])
			}
			if present != nil {
				copy(present[i*(taps-1):(i+1)*(taps-1)], padded[n:])
			}
		}
	})
}
