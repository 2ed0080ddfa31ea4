package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// activationOps are the activation functions that have parameters or a form of
// their own.
func activationOps() []Op {
	const seluAlpha, seluGamma = 1.67326319217681884765625, 1.05070102214813232421875
	return []Op{
		{Name: "Elu", Versions: []Version{oldUnary(newElu(floats)), one(6, newElu(floats)), one(22, newElu(floatsBF))}},
		{Name: "Selu", Versions: []Version{
			oldUnary(newSelu(floats, 1.6732, 1.0507)),
			one(6, newSelu(floats, seluAlpha, seluGamma)), one(22, newSelu(floatsBF, seluAlpha, seluGamma)),
		}},
		{Name: "Celu", Versions: []Version{one(12, newCelu)}},
		{Name: "LeakyRelu", Versions: []Version{oldUnary(newLeakyRelu(floats)), one(6, newLeakyRelu(floats)), one(16, newLeakyRelu(floatsBF))}},
		{Name: "ThresholdedRelu", Versions: []Version{one(10, newThresholdedRelu(floats)), one(22, newThresholdedRelu(floatsBF))}},
		{Name: "HardSigmoid", Versions: []Version{oldUnary(newHardSigmoid(floats)), one(6, newHardSigmoid(floats)), one(22, newHardSigmoid(floatsBF))}},
		{Name: "HardSwish", Versions: []Version{one(14, hardSwish.of(floats)), one(22, hardSwish.of(floatsBF))}},
		{Name: "Mish", Versions: []Version{one(18, mish.of(floats)), one(22, mish.of(floatsBF))}},
		{Name: "Gelu", Versions: []Version{one(20, newGelu)}},
		{Name: "Swish", Versions: []Version{one(24, newSwish)}},
		{Name: "Shrink", Versions: []Version{one(9, newShrink)}},
	}
}

var mish = loops{f32: kernel.Mish, f64: float64Loop(kernel.Mish1)}

var hardSwish = loops{f32: kernel.HardSwish, f64: kernel.HardSwishOf[float64]}

func newElu(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		alpha := float64(a.Float("alpha", 1))
		return &unary{allowed, elu(alpha, 1)}, nil
	}
}

func elu(alpha, gamma float64) loops {
	return loops{
		f32: func(dst, src []float32) { kernel.Elu(dst, src, float32(alpha), 1, float32(gamma)) },
		f64: float64Loop(func(x float64) float64 { return gamma * kernel.Elu1(x, alpha) }),
	}
}

func newSelu(allowed dtypes, defaultAlpha, defaultGamma float32) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		alpha, gamma := float64(a.Float("alpha", defaultAlpha)), float64(a.Float("gamma", defaultGamma))
		return &unary{allowed, elu(alpha, gamma)}, nil
	}
}

func newCelu(a *Attrs) (Kernel, error) {
	alpha := a.Float("alpha", 1)
	f := float(func(x float64) float64 { return kernel.Celu1(x, float64(alpha)) })
	if alpha > 0 && 1/alpha <= math.MaxFloat32 {
		f.f32 = func(dst, src []float32) { kernel.Elu(dst, src, alpha, alpha, 1) }
	}
	return &unary{types(tensor.Float32), f}, nil
}

func newLeakyRelu(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		alpha := a.Float("alpha", 0.01)
		return &unary{allowed, loops{
			f32: func(dst, src []float32) { kernel.LeakyRelu(dst, src, alpha) },
			f64: func(dst, src []float64) { kernel.LeakyReluOf(dst, src, float64(alpha)) },
		}}, nil
	}
}

func newThresholdedRelu(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		alpha := a.Float("alpha", 1)
		return &unary{allowed, loops{
			f32: func(dst, src []float32) { kernel.ThresholdedRelu(dst, src, alpha) },
			f64: func(dst, src []float64) { kernel.ThresholdedReluOf(dst, src, float64(alpha)) },
		}}, nil
	}
}

func newHardSigmoid(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		alpha, beta := a.Float("alpha", 0.2), a.Float("beta", 0.5)
		return &unary{allowed, loops{
			f32: func(dst, src []float32) { kernel.HardSigmoid(dst, src, alpha, beta) },
			f64: func(dst, src []float64) { kernel.HardSigmoidOf(dst, src, float64(alpha), float64(beta)) },
		}}, nil
	}
}

func newGelu(a *Attrs) (Kernel, error) {
	if a.Enum("approximate", "none", "none", "tanh") == "tanh" {
		return &unary{floatsBF, loops{f32: kernel.GeluTanh, f64: float64Loop(kernel.GeluTanh1)}}, nil
	}
	return &unary{floatsBF, loops{f32: kernel.Gelu, f64: float64Loop(kernel.Gelu1)}}, nil
}

// newSwish is x * sigmoid(alpha * x).
func newSwish(a *Attrs) (Kernel, error) {
	alpha := float64(a.Float("alpha", 1))
	f := float(func(x float64) float64 { return x * kernel.Sigmoid1(alpha*x) })
	if alpha == 1 {
		f.f32 = kernel.Silu
	}
	return &unary{floatsBF, f}, nil
}

func newShrink(a *Attrs) (Kernel, error) {
	bias, lambda := float64(a.Float("bias", 0)), float64(a.Float("lambd", 0.5))
	shrink := func(x float64) float64 { return kernel.Shrink1(x, bias, lambda) }
	f := float(shrink)
	f.ints = func(y, x *tensor.Tensor) { mapInts(y, x, shrink) }
	return &unary{numbers, f}, nil
}
