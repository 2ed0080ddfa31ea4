package runtime

import (
	"math"

	"github.com/onda-ml/onda/onnx"
)

// rewriteGelu finds GELU in its primitives, the factors in any order:
//
//	x * (1 + erf(x / sqrt(2))) * 0.5                      -> Gelu(x)
//	x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) * 0.5 -> Gelu(x, approximate=tanh)
func rewriteGelu(w *work, n *node) *node {
	factors, scale := w.product(n, nil, 1, 4)
	if math.Abs(scale-0.5) > 1e-6 || len(factors) != 2 {
		return nil
	}
	for i := range factors {
		x := factors[1-i]
		plus := w.inner(factors[i], "Add")
		one, inner, ok := w.with(plus)
		if !ok || one != 1 || !w.float(x) || !same(w, x, n.out[0]) {
			continue
		}
		if erf := w.inner(inner, "Erf"); erf != nil {
			of, k := w.scaled(erf.in[0])
			if of == x && math.Abs(k-math.Sqrt2/2) < 1e-5 {
				return w.own(n, "Gelu", []int{x})
			}
		}
		if tanh := w.inner(inner, "Tanh"); tanh != nil && w.geluTanh(tanh.in[0], x) {
			return w.own(n, "Gelu", []int{x}, onnx.AttrString("approximate", "tanh"))
		}
	}
	return nil
}

// same reports whether two slots have the same known rank and, where known,
// extents: a factor may not have been broadcast.
func same(w *work, a, b int) bool {
	x, y := w.facts[a], w.facts[b]
	return x.Ranked && y.Ranked && len(x.Shape) == len(y.Shape)
}

// product takes a product of at most depth nodes apart into its factors and a
// number. Only n's own value may be read elsewhere.
func (w *work) product(n *node, factors []int, scale float64, depth int) ([]int, float64) {
	if n == nil || !n.is("Mul") && !n.is("Div") || len(n.in) != 2 {
		return nil, 0
	}
	for i, s := range n.in {
		if v, ok := w.number(s); ok {
			if n.is("Div") {
				if i == 0 {
					return nil, 0
				}
				v = 1 / v
			}
			scale *= v
			continue
		}
		if n.is("Div") && i == 1 {
			return nil, 0
		}
		if m := w.inner(s, "Mul", "Div"); m != nil && depth > 0 && (n.is("Mul") || i == 0) {
			if f, k := w.product(m, factors, scale, depth-1); f != nil {
				factors, scale = f, k
				continue
			}
		}
		factors = append(factors, s)
	}
	return factors, scale
}

// scaled takes a multiplication or division by a number off slot s.
func (w *work) scaled(s int) (of int, scale float64) {
	n := w.inner(s, "Mul", "Div")
	if n == nil {
		return s, 1
	}
	f, k := w.product(n, nil, 1, 0)
	if len(f) != 1 {
		return s, 1
	}
	return f[0], k
}

// geluTanh reports whether slot s is sqrt(2/pi) * (x + 0.044715 x^3).
func (w *work) geluTanh(s, x int) bool {
	sum, k := w.scaled(s)
	add := w.inner(sum, "Add")
	if add == nil || math.Abs(k-math.Sqrt(2/math.Pi)) > 1e-5 {
		return false
	}
	for i := range 2 {
		if add.in[i] != x {
			continue
		}
		cube, k := w.scaled(add.in[1-i])
		if math.Abs(k-0.044715) > 1e-6 {
			continue
		}
		if pow := w.inner(cube, "Pow"); pow != nil && pow.in[0] == x && w.isNumber(pow.in[1], 3) {
			return true
		}
		if f, k := w.product(w.inner(cube, "Mul"), nil, 1, 2); k == 1 && len(f) == 3 && f[0] == x && f[1] == x && f[2] == x {
			return true
		}
	}
	return false
}
