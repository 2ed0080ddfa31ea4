package ops

import (
	"math"
	"testing"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func TestLosses(t *testing.T) {
	logs := mat(2, float32(-1), -2, -3, -4, -5, -6) // (N, C)
	target := vec[int64](2, 0)
	reduction := func(s string) *onnx.Attribute { return onnx.AttrString("reduction", s) }
	ignore := onnx.AttrInt("ignore_index", 2)
	lse := math.Log(math.Exp(-1) + math.Exp(-2) + math.Exp(-3))
	lse2 := math.Log(math.Exp(-4) + math.Exp(-5) + math.Exp(-6))
	s := tensor.Scalar[float32]
	weight := vec[float32](1, 1, 3)
	runCases(t, "", []opCase{
		{op: "NegativeLogLikelihoodLoss", opset: 22, in: tensors{logs, target}, want: tensors{s(3.5)}},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "none", attrs: attrs(reduction("none")), in: tensors{logs, target}, want: tensors{vec[float32](3, 4)}},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "sum", attrs: attrs(reduction("sum")), in: tensors{logs, target, weight}, want: tensors{s(13)}},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "weighted mean", in: tensors{logs, target, weight}, want: tensors{s(13.0 / 4)}},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "ignored", attrs: attrs(ignore), in: tensors{logs, target, weight}, want: tensors{s(4)}},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "inner dimensions", attrs: attrs(reduction("none")),
			in: tensors{f32([]float32{1, 2, 3, 4}, 1, 2, 2), tensor.Must([]int32{1, 0}, 1, 2)}, want: tensors{mat(1, float32(-3), -2)}},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "bfloat16", in: tensors{tensor.Must(tensor.Of[tensor.BF16](bhalf(-1, -2)), 1, 2), vec[int64](1)}, want: tensors{tensor.Must([]tensor.BF16{tensor.ToBF16(2)})}},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "no class", in: tensors{logs, vec[int64](0, 3)}, err: `input 1: element 1 is class 3, expected 0 to 2`},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "shape", in: tensors{logs, vec[int64](0)}, err: `input 1: has shape (1), which does not fit scores of shape (2, 3)`},
		{op: "NegativeLogLikelihoodLoss", opset: 22, name: "weights", in: tensors{logs, target, vec[float32](1)}, err: `input 2: has shape (1), expected (3)`},
		{op: "SoftmaxCrossEntropyLoss", opset: 13, in: tensors{logs, target}, want: tensors{s(float32((3 + lse + 4 + lse2) / 2)),
			mat(2, float32(-1-lse), float32(-2-lse), float32(-3-lse), float32(-4-lse2), float32(-5-lse2), float32(-6-lse2))}},
		{op: "SoftmaxCrossEntropyLoss", opset: 13, name: "reduction", attrs: attrs(reduction("max")), in: tensors{logs, target}, err: `attribute "reduction": is "max", expected one of none, sum, mean`},
		{op: "Det", opset: 22, in: tensors{f32([]float32{1, 2, 3, 4, 0, 1, 1, 0}, 2, 2, 2)}, want: tensors{vec[float32](-2, -1)}},
		{op: "Det", opset: 22, name: "singular", in: tensors{mat(2, 1.0, 2, 2, 4)}, want: tensors{tensor.Scalar(0.0)}},
		{op: "Det", opset: 22, name: "of nothing", in: tensors{f32(nil, 0, 0)}, want: tensors{s(1)}},
		{op: "Det", opset: 22, name: "shape", in: tensors{mat(1, 1.0, 2)}, err: `input 0: has shape (1, 2), expected square matrices`},
	})
}

// One step of each optimiser, by its formula in float64.
func TestOptimisers(t *testing.T) {
	f := func(name string, v float32) *onnx.Attribute { return onnx.AttrFloat(name, v) }
	r, x, g, v, h := 0.5, 2.0, 0.25, 0.125, 0.75
	step := func(n int64) tensors {
		return tensors{tensor.Scalar(r), tensor.Scalar(n), vec(x), vec(g), vec(v)}
	}
	moment := attrs(f("alpha", 0.5), f("beta", 0.25), f("norm_coefficient", 0.125))
	grad := 0.125*x + g
	vel := 0.5*v + 0.25*grad
	adamV, adamH := 0.5*v+0.5*grad, 0.75*h+0.25*grad*grad
	rate := r * math.Sqrt(1-math.Pow(0.75, 3)) / (1 - math.Pow(0.5, 3))
	runCases(t, "ai.onnx.preview.training", []opCase{
		{op: "Momentum", opset: 1, attrs: append(moment, onnx.AttrString("mode", "standard")), in: step(1), want: tensors{vec(x - r*vel), vec(vel)}},
		{op: "Momentum", opset: 1, name: "first step", attrs: append(moment, onnx.AttrString("mode", "standard")), in: step(0), want: tensors{vec(x - r*(0.5*v+grad)), vec(0.5*v + grad)}},
		{op: "Momentum", opset: 1, name: "nesterov", attrs: append(moment, onnx.AttrString("mode", "nesterov")), in: step(1), want: tensors{vec(x - r*(grad+0.5*vel)), vec(vel)}},
		{op: "Momentum", opset: 1, name: "mode", attrs: moment, in: step(1), err: `attribute "mode": is missing`},
		{op: "Adagrad", opset: 1, attrs: attrs(f("decay_factor", 0.5), f("epsilon", 0.25), f("norm_coefficient", 0.125)), in: step(2),
			want: tensors{vec(x - r/2*grad/(math.Sqrt(v+grad*grad)+0.25)), vec(v + grad*grad)}},
		{op: "Adam", opset: 1, attrs: attrs(f("alpha", 0.5), f("beta", 0.75), f("epsilon", 0.25), f("norm_coefficient", 0.125), f("norm_coefficient_post", 0.5)),
			in: append(step(3), vec(h)), want: tensors{vec(0.5 * (x - rate*adamV/(math.Sqrt(adamH)+0.25))), vec(adamV), vec(adamH)}},
		{op: "Adam", opset: 1, name: "inputs", in: step(1), err: `has 5 inputs, expected 2 and 4 for each tensor`},
	})
}
