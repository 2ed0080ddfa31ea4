package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// unaryOps are the elementary functions of one tensor.
func unaryOps() []Op {
	simple := func(name string, f loops) Op { // 1 and 6 differ in a hint only
		return Op{Name: name, Versions: []Version{oldUnary(f.of(floats)), one(6, f.of(floats)), one(13, f.of(floatsBF))}}
	}
	since := func(name string, since int, f loops) Op {
		return Op{Name: name, Versions: []Version{one(since, f.of(floats)), one(22, f.of(floatsBF))}}
	}
	neg, neg6 := numeric(kernel.NegOf[float32], kernel.NegOf[float64], ofNegative), floats|signed
	neg.f32 = kernel.Neg
	abs := numeric(kernel.AbsOf[float32], kernel.AbsOf[float64], ofAbs)
	abs.f32 = kernel.Abs
	relu := numeric(kernel.ReluOf[float32], kernel.ReluOf[float64], ofRelu)
	relu.f32 = kernel.Relu
	sign := numeric(kernel.SignOf[float32], kernel.SignOf[float64], ofSign)
	sign.f32 = kernel.Sign
	erf := numeric(kernel.Erf, float64Loop(math.Erf), ofErf)
	return []Op{
		simple("Exp", loops{f32: kernel.Exp, f64: float64Loop(math.Exp)}),
		simple("Log", loops{f32: kernel.Log, f64: float64Loop(math.Log)}),
		simple("Sqrt", loops{f32: kernel.Sqrt, f64: float64Loop(math.Sqrt)}),
		simple("Ceil", loops{f32: kernel.Ceil, f64: float64Loop(math.Ceil)}),
		simple("Floor", loops{f32: kernel.Floor, f64: float64Loop(math.Floor)}),
		simple("Reciprocal", loops{f32: kernel.Reciprocal, f64: kernel.ReciprocalOf[float64]}),
		simple("Sigmoid", loops{f32: kernel.Sigmoid, f64: float64Loop(kernel.Sigmoid1)}),
		simple("Tanh", loops{f32: kernel.Tanh, f64: float64Loop(math.Tanh)}),
		since("Sin", 7, loops{f32: kernel.Sin, f64: float64Loop(math.Sin)}),
		since("Cos", 7, loops{f32: kernel.Cos, f64: float64Loop(math.Cos)}),
		since("Tan", 7, loops{f32: kernel.Tan, f64: float64Loop(math.Tan)}),
		since("Asin", 7, loops{f32: kernel.Asin, f64: float64Loop(math.Asin)}),
		since("Acos", 7, loops{f32: kernel.Acos, f64: float64Loop(math.Acos)}),
		since("Atan", 7, loops{f32: kernel.Atan, f64: float64Loop(math.Atan)}),
		since("Sinh", 9, loops{f32: kernel.Sinh, f64: float64Loop(math.Sinh)}),
		since("Cosh", 9, loops{f32: kernel.Cosh, f64: float64Loop(math.Cosh)}),
		since("Asinh", 9, loops{f32: kernel.Asinh, f64: float64Loop(math.Asinh)}),
		since("Acosh", 9, loops{f32: kernel.Acosh, f64: float64Loop(math.Acosh)}),
		since("Atanh", 9, loops{f32: kernel.Atanh, f64: float64Loop(math.Atanh)}),
		since("Round", 11, loops{f32: kernel.Round, f64: float64Loop(math.RoundToEven)}),
		since("Softplus", 1, loops{f32: kernel.Softplus, f64: float64Loop(kernel.Softplus1)}),
		since("Softsign", 1, loops{f32: kernel.Softsign, f64: float64Loop(kernel.Softsign1)}),
		{Name: "Abs", Versions: []Version{oldUnary(abs.of(floats)), one(6, abs.of(numbers)), one(13, abs.of(numbersBF))}},
		{Name: "Neg", Versions: []Version{oldUnary(neg.of(floats)), one(6, neg.of(neg6)), one(13, neg.of(neg6|floatsBF))}},
		{Name: "Sign", Versions: []Version{one(9, sign.of(numbers)), one(13, sign.of(numbersBF))}},
		{Name: "Relu", Versions: []Version{oldUnary(relu.of(floats)), one(6, relu.of(floats)), one(13, relu.of(floatsBF)), one(14, relu.of(floatsBF|signed))}},
		{Name: "Erf", Versions: []Version{one(9, erf.of(numbers)), one(13, erf.of(floatsBF))}},
		{Name: "Not", Versions: []Version{one(1, func(*Attrs) (Kernel, error) { return &not{boolType}, nil })}},
		{Name: "BitwiseNot", Versions: []Version{one(18, func(*Attrs) (Kernel, error) { return &not{integers}, nil })}},
		{Name: "IsNaN", Versions: []Version{one(9, newIsNaN(floats)), one(13, newIsNaN(floatsBF)), one(20, newIsNaN(floatsBF|float8s))}},
		{Name: "IsInf", Versions: []Version{one(10, newIsInf(floats64)), one(20, newIsInf(floatsBF|float8s))}},
	}
}

// one is a version with one input and one output.
func one(since int, build func(*Attrs) (Kernel, error)) Version {
	return Version{Since: since, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: build}
}

// oldUnary is version 1, whose consumed_inputs says nothing about the result.
func oldUnary(build func(*Attrs) (Kernel, error)) Version {
	return one(1, func(a *Attrs) (Kernel, error) {
		a.Ignore("consumed_inputs")
		return build(a)
	})
}

// loops are the loops of a function over each type: float32 (and the 16-bit
// floats by it), float64, and the rest.
type loops struct {
	f32  func(dst, src []float32)
	f64  func(dst, src []float64)
	ints func(y, x *tensor.Tensor)
}

// float are the loops of a function that is given for float64.
func float(f func(float64) float64) loops {
	return loops{f32: func(dst, src []float32) { kernel.Map(dst, src, f) }, f64: float64Loop(f)}
}

func float64Loop(f func(float64) float64) func(dst, src []float64) {
	return func(dst, src []float64) { kernel.Map(dst, src, f) }
}

func numeric(f32 func(dst, src []float32), f64 func(dst, src []float64), ints func(y, x *tensor.Tensor)) loops {
	return loops{f32, f64, ints}
}

// of is the constructor of an operator without attributes.
func (f loops) of(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &unary{allowed, f}, nil }
}

// unary is y = f(x), element by element.
type unary struct {
	allowed dtypes
	loops
}

func (k *unary) InPlace() []int { return []int{0} }

func (k *unary) Infer(c *Infer) error {
	c.SameAs(0, 0)
	return k.allowed.check(0, c.In(0).DType)
}

func (k *unary) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	switch dt := x.DType(); {
	case dt == tensor.Float32:
		parallel(c.Pool(), k.f32, tensor.Of[float32](y), tensor.Of[float32](x))
	case dt == tensor.Float64:
		parallel(c.Pool(), k.f64, tensor.Of[float64](y), tensor.Of[float64](x))
	case isHalf(dt):
		tmp, err := c.F32(x.Len())
		if err != nil {
			return err
		}
		widen(tmp, x)
		parallel(c.Pool(), k.f32, tmp, tmp)
		narrow(y, tmp)
	default:
		k.ints(y, x)
	}
	return nil
}

// parallel applies f to pieces of dst and src that are worth a thread.
func parallel[D, S any](p *kernel.Pool, f func(dst []D, src []S), dst []D, src []S) {
	const grain = 1 << 13
	if p.Threads() == 1 || len(dst) <= grain {
		f(dst, src)
		return
	}
	p.For(len(dst), grain, func(lo, hi int) { f(dst[lo:hi], src[lo:hi]) })
}

// apply is a function of the ten types' slices as one of tensors.
func apply[T number](f func(dst, src []T)) func(y, x *tensor.Tensor) {
	return func(y, x *tensor.Tensor) { f(tensor.Of[T](y), tensor.Of[T](x)) }
}

// Integers have no vector form: their loops are chosen by type for each run.
func ofAbs(y, x *tensor.Tensor) {
	pick(x.DType(), nil, nil, apply(kernel.AbsOf[int8]), apply(kernel.AbsOf[int16]), apply(kernel.AbsOf[int32]), apply(kernel.AbsOf[int64]),
		apply(kernel.AbsOf[uint8]), apply(kernel.AbsOf[uint16]), apply(kernel.AbsOf[uint32]), apply(kernel.AbsOf[uint64]))(y, x)
}

func ofSign(y, x *tensor.Tensor) {
	pick(x.DType(), nil, nil, apply(kernel.SignOf[int8]), apply(kernel.SignOf[int16]), apply(kernel.SignOf[int32]), apply(kernel.SignOf[int64]),
		apply(kernel.SignOf[uint8]), apply(kernel.SignOf[uint16]), apply(kernel.SignOf[uint32]), apply(kernel.SignOf[uint64]))(y, x)
}

func ofNegative(y, x *tensor.Tensor) {
	pick(x.DType(), nil, nil, apply(kernel.NegOf[int8]), apply(kernel.NegOf[int16]), apply(kernel.NegOf[int32]), apply(kernel.NegOf[int64]), nil, nil, nil, nil)(y, x)
}

func ofRelu(y, x *tensor.Tensor) {
	pick(x.DType(), nil, nil, apply(kernel.ReluOf[int8]), apply(kernel.ReluOf[int16]), apply(kernel.ReluOf[int32]), apply(kernel.ReluOf[int64]), nil, nil, nil, nil)(y, x)
}

func ofErf(y, x *tensor.Tensor) { mapInts(y, x, math.Erf) }

// mapInts applies f to integers by way of float64.
func mapInts(y, x *tensor.Tensor, f func(float64) float64) {
	pick(x.DType(), nil, nil, mapOf[int8], mapOf[int16], mapOf[int32], mapOf[int64],
		mapOf[uint8], mapOf[uint16], mapOf[uint32], mapOf[uint64])(y, x, f)
}

func mapOf[T number](y, x *tensor.Tensor, f func(float64) float64) {
	kernel.Map(tensor.Of[T](y), tensor.Of[T](x), f)
}
