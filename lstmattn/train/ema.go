package train

import "github.com/onda-ml/onda/ops/kernel"

// average takes a step's parameters into their exponential moving average
// (Polyak and Juditsky 1992), as PyTorch's AveragedModel does with
// get_ema_multi_avg_fn: the first are the average, and after them
//
//	ema[i] = decay*ema[i] + (1-decay)*params[i]
func average(ema, params []float32, decay float64, first bool) {
	if first {
		copy(ema, params)
		return
	}
	kernel.Lerp(ema, ema, params, 1-decay)
}

// exchange swaps the model's parameters and their average.
func (r *run) exchange() error {
	for i, v := range r.model.Params().Data {
		r.model.Params().Data[i], r.ema[i] = r.ema[i], v
	}
	return r.model.Pack()
}
