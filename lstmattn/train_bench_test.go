package lstmattn

import (
	"context"
	"fmt"
	"testing"

	"github.com/onda-ml/onda/ops/kernel"
)

// BenchmarkTrainingStep is gradient, clipping, optimiser and packing, on one
// thread as a shard of a training has it.
func BenchmarkTrainingStep(b *testing.B) {
	for _, size := range []struct{ features, hidden, layers, heads, input int }{
		{1, 64, 1, 4, 168}, {7, 128, 2, 8, 96}, {1, 256, 2, 8, 168},
	} {
		for _, batch := range []int{16, 32} {
			b.Run(fmt.Sprintf("hidden%d/batch%d", size.hidden, batch), func(b *testing.B) {
				c := DefaultConfig(size.features)
				c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = size.input, 24, size.hidden, size.heads
				c.NumEncoderLayers, c.NumDecoderLayers = size.layers, size.layers
				m := randomModel(b, c, 1)
				x, target := windows(m, batch, c.InputSize, 1), windows(m, batch, c.Horizon, 2)
				grad, optimizer := m.Params().NewGradient(), NewAdamW()
				o := &ForwardOptions{Options: Options{State: &State{}, Pool: kernel.NewPool(1)}, TeacherForcing: .5}
				b.ReportAllocs()
				for b.Loop() {
					clear(grad.Data)
					if _, err := m.Gradient(context.Background(), grad, x, target, Loss{Kind: MSE}, o); err != nil {
						b.Fatal(err)
					}
					ClipGradient(grad.Data, 1)
					if err := optimizer.Step(m.Params().Data, grad.Data); err != nil {
						b.Fatal(err)
					}
					if err := m.Pack(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(productsOfStep(&c)*float64(batch)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// productsOfStep is the floating-point operations in the matrix products of a
// window's gradient, of the classic form of two directions: the forward pass's,
// and twice as many for the gradients of inputs and of weights.
func productsOfStep(c *Config) float64 {
	H, S, E, in := c.HiddenSize, c.InputSize, c.MemorySize(), c.NumFeatures
	n := 2 * S * E * H // keys and values
	for range c.NumEncoderLayers {
		n += S * 2 * 4 * H * (in + H)
		in = E
	}
	step := 2*H*H + 2*S*H + H*c.NumFeatures // the attention's projections and core, the output
	for k := range c.NumDecoderLayers {
		step += 4 * H * (c.layerInput(k) + H)
	}
	n += c.Horizon*step + 2*c.NumDecoderLayers*2*H*H // and the bridges
	return 3 * 2 * float64(n)
}
