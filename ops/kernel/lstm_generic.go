package kernel

import "unsafe"

// An lstmGatesKernel finishes a step for some blocks of U hidden units, U the
// variant's lanes: with i, o, f and g the activated gates,
//
//	c = f*c + i*g
//	h = o * tanh(c)
//
// gates (blocks, 4, U) holds W x + R h + b in the order i, o, f, c, and then the
// activated gates; c and h are (blocks, U). Where the gates aren't wanted lstmCell
// does the same with fewer divisions, within 4e-7 in tanh and 2e-7 in sigmoid.
type lstmGatesKernel func(blocks int, gates, c, h *float32)

func lstmGatesGeneric(blocks int, gates, c, h *float32) {
	const U = 4
	g := unsafe.Slice(gates, blocks*4*U)
	cs, hs := unsafe.Slice(c, blocks*U), unsafe.Slice(h, blocks*U)
	for u := range cs {
		q := g[u/U*4*U+u%U:]
		i, o, f := sigmoid64(float64(q[0])), sigmoid64(float64(q[U])), sigmoid64(float64(q[2*U]))
		n := tanh64(float64(q[3*U]))
		q[0], q[U], q[2*U], q[3*U] = float32(i), float32(o), float32(f), float32(n)
		cs[u] = float32(f*float64(cs[u]) + i*n)
		hs[u] = float32(o * tanh64(float64(cs[u])))
	}
}
