package kernel

// A variant is one set of inner loops. Each starts as a copy of the portable
// one and replaces what it has a faster form of, so a new variant is one file
// that fills in fields.
type variant struct {
	name string

	exp, log, tanh, sigmoid, erf, gelu, geluTanh, silu, relu, sqrt func(dst, src []float32)

	add, sub, mul, div, max, min func(dst, a, b []float32)
	addScalar, mulScalar         func(dst, a []float32, s float32)

	axpy  func(y []float32, alpha float32, x []float32)
	dot   func(a, b []float32) float32
	sum   func(x []float32) float32
	maxOf func(x []float32) float32
}

var generic = variant{
	name: "generic",

	exp: expGeneric, log: logGeneric, tanh: tanhGeneric, sigmoid: sigmoidGeneric, erf: erfGeneric,
	gelu: geluGeneric, geluTanh: geluTanhGeneric, silu: siluGeneric, relu: reluGeneric, sqrt: sqrtGeneric,

	add: addGeneric, sub: subGeneric, mul: mulGeneric, div: divGeneric, max: maxGeneric, min: minGeneric,
	addScalar: addScalarGeneric, mulScalar: mulScalarGeneric,

	axpy: axpyGeneric, dot: dotGeneric, sum: sumGeneric, maxOf: maxOfGeneric,
}

// active is the variant in use.
var active = &generic

// Variant names the variant in use: generic, avx2, avx512 or neon.
func Variant() string { return active.name }
