package kernel

import "unsafe"

// A gruGatesKernel finishes a step for some blocks of U hidden units, U the
// variant's lanes:
//
//	z, r = sigmoid(x + y)    n = tanh(x + r*y)
//	out = n + z*(h-n)
//
// x and y (blocks, 3, U) hold W x + b and R h + b in the order z, r, n; h and
// out are (blocks, U).
type gruGatesKernel func(blocks int, x, y, h, out *float32)

func gruGatesGeneric(blocks int, x, y, h, out *float32) { gruGatesOf(4, blocks, x, y, h, out) }

func gruGatesOf(U, blocks int, x, y, h, out *float32) {
	xs, ys := unsafe.Slice(x, blocks*3*U), unsafe.Slice(y, blocks*3*U)
	hs, outs := unsafe.Slice(h, blocks*U), unsafe.Slice(out, blocks*U)
	for u := range outs {
		at := u/U*3*U + u%U
		z := sigmoid64(float64(xs[at] + ys[at]))
		r := sigmoid64(float64(xs[at+U] + ys[at+U]))
		n := tanh64(float64(xs[at+2*U]) + r*float64(ys[at+2*U]))
		outs[u] = float32(n + z*(float64(hs[u])-n))
	}
}
