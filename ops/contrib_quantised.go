package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribQuantisedOps are operators of ONNX Runtime's own domain on 8-bit
// numbers with scales and zero points.
func contribQuantisedOps() []Op {
	const domain = "com.microsoft"
	f32 := types(tensor.Float32)
	op := func(name string, minIn, maxIn int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{
			{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, Holes: true, New: f}}}
	}
	// one is of one quantised input, with the output's scale after it.
	one := func(name string, f func(*Attrs) (Kernel, error)) Op { return op(name, 4, 5, inReal([]int{0}, 3, f)) }
	ints := types(tensor.Int8, tensor.Uint8, tensor.Int16, tensor.Uint16) | int4s
	reals := types(tensor.Float32, tensor.Float16)
	return []Op{
		op("QLinearAdd", 7, 8, newQLinearBinary(kernel.OpAdd)),
		op("QLinearMul", 7, 8, newQLinearBinary(kernel.OpMul)),
		one("QLinearSigmoid", func(*Attrs) (Kernel, error) {
			return &unary{f32, loops{f32: kernel.Sigmoid}}, nil
		}),
		one("QLinearLeakyRelu", newLeakyRelu(f32)),
		one("QLinearSoftmax", newContribSoftmax),
		op("QLinearWhere", 8, 9, newQLinearWhere),
		op("QLinearConcat", 5, Unlimited, newQLinearConcat),
		op("QGemm", 6, 9, newQGemm),
		{Name: "QuantizeLinear", Domain: domain, Versions: []Version{
			{Since: 1, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newContribQuantize(reals, ints)}}},
		{Name: "DequantizeLinear", Domain: domain, Versions: []Version{
			{Since: 1, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newDequantize(21, ints|types(tensor.Int32), reals)}}},
	}
}

// newContribQuantize is ONNX's with quotients in float32, of float16 too.
func newContribQuantize(from, to dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k, err := newQuantize(21, from, from, to)(a)
		if err != nil {
			return nil, err
		}
		q := k.(*quantize)
		q.precision = tensor.Float32
		return q, nil
	}
}

// newContribSoftmax is Softmax as attribute "opset" of ONNX's has it.
func newContribSoftmax(a *Attrs) (Kernel, error) {
	a.Require("opset")
	if a.Int("opset", 0) < 13 {
		return newSoftmax(softmaxOf, types(tensor.Float32), 1, true)(a)
	}
	return newSoftmax(softmaxOf, types(tensor.Float32), -1, false)(a)
}
