package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribFusedOps are operators of ONNX Runtime's own domain that join an
// activation to what is before it, and its activations.
func contribFusedOps() []Op {
	const domain = "com.microsoft"
	f32 := types(tensor.Float32)
	op := func(name string, minIn, maxIn int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{
			{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, New: f}}}
	}
	return []Op{
		op("FusedGemm", 2, 3, newActivated(newGemm(f32), namedParams)),
		op("FusedConv", 2, 4, newFusedConv),
		op("Gelu", 1, 1, func(*Attrs) (Kernel, error) {
			return &unary{floatsBF, loops{f32: kernel.Gelu, f64: float64Loop(kernel.Gelu1)}}, nil
		}),
		op("QuickGelu", 1, 1, func(a *Attrs) (Kernel, error) {
			alpha := float64(a.Float("alpha", 1.702))
			return &unary{floatsBF, float(func(x float64) float64 { return x * kernel.Sigmoid1(alpha*x) })}, nil
		}),
	}
}

// activated is a float32 kernel with an activation applied to what comes out.
type activated struct {
	inner Kernel
	act   func(dst, src []float32) // nil for none
}

// newActivated reads attribute "activation" with the parameters that params
// finds, whose defaults it is given.
func newActivated(f func(*Attrs) (Kernel, error), params func(a *Attrs, def [2]float32) [2]float32) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		inner, err := f(a)
		if err != nil {
			return nil, err
		}
		act := readActivation(a, params)
		return &activated{inner: inner, act: act.f}, nil
	}
}

// activation is a function of one variable; Relu and Clip have limits as well.
type activation struct {
	f       func(dst, src []float32) // nil for none
	limited bool                     // between lo and hi
	lo, hi  float32
}

func readActivation(a *Attrs, params func(a *Attrs, def [2]float32) [2]float32) (act activation) {
	name := a.String("activation", "")
	def := map[string][2]float32{"LeakyRelu": {.01}, "HardSigmoid": {.2, .5}, "Elu": {1}, "ThresholdedRelu": {1},
		"Selu": {1.67326319217681884765625, 1.05070102214813232421875}, "Clip": {-math.MaxFloat32, math.MaxFloat32}}
	p := params(a, def[name])
	switch name {
	case "":
	case "Relu":
		act = activation{kernel.Relu, true, 0, float32(math.Inf(1))}
	case "Sigmoid":
		act.f = kernel.Sigmoid
	case "Tanh":
		act.f = kernel.Tanh
	case "LeakyRelu":
		act.f = func(dst, src []float32) { kernel.LeakyRelu(dst, src, p[0]) }
	case "HardSigmoid":
		act.f = func(dst, src []float32) { kernel.HardSigmoid(dst, src, p[0], p[1]) }
	case "HardSwish":
		act.f = kernel.HardSwish
	case "Clip":
		act = activation{func(dst, src []float32) { kernel.Clip(dst, src, p[0], p[1]) }, true, p[0], p[1]}
	case "ThresholdedRelu":
		act.f = func(dst, src []float32) { kernel.ThresholdedRelu(dst, src, p[0]) }
	case "Elu":
		act.f = func(dst, src []float32) { kernel.Elu(dst, src, p[0], 1, 1) }
	case "Selu":
		act.f = func(dst, src []float32) { kernel.Elu(dst, src, p[0], 1, p[1]) }
	case "Softplus":
		act.f = kernel.Softplus
	case "Softsign":
		act.f = kernel.Softsign
	case "Silu":
		act.f = kernel.Silu
	default:
		a.Unsupported("activation", "is %q", name)
	}
	return act
}

// WinogradAttribute is an attribute of FusedDomain's Conv that no file needs: whether
// constant weights of 3x3 taps may be transformed for fewer multiplications.
const WinogradAttribute = "winograd"

// newFusedConv is Conv, plus input 3 where it is given, then an activation.
func newFusedConv(a *Attrs) (Kernel, error) {
	inner, err := newConv(types(tensor.Float32))(a)
	if err != nil {
		return nil, err
	}
	k := inner.(*conv)
	k.fused = true
	k.act = readActivation(a, listedParams)
	k.fewer = a.Bool(WinogradAttribute, false)
	return k, nil
}

// namedParams are FusedGemm's parameters; the second is beta or gamma.
func namedParams(a *Attrs, def [2]float32) [2]float32 {
	second := "activation_beta"
	if a.Has("activation_gamma") {
		second = "activation_gamma"
	}
	a.Ignore("activation_alpha", "activation_beta", "activation_gamma")
	return [2]float32{a.Float("activation_alpha", def[0]), a.Float(second, def[1])}
}

// listedParams are FusedConv's parameters.
func listedParams(a *Attrs, def [2]float32) [2]float32 {
	copy(def[:], a.Floats("activation_params"))
	return def
}

func (k *activated) Infer(c *Infer) error { return k.inner.Infer(c) }

func (k *activated) Run(c *Ctx) error {
	if err := k.inner.Run(c); err != nil {
		return err
	}
	t, ok := c.Outputs[0].(*tensor.Tensor)
	if !ok {
		return nil
	}
	y := tensor.Of[float32](t)
	if k.act != nil {
		parallel(c.Pool(), k.act, y, y)
	}
	return nil
}
