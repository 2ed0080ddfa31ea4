package lstmattn

import (
	"context"
	"fmt"
	"testing"

	"github.com/onda-ml/onda/ops/kernel"
)

// segRNN is the form of SegRNN (Lin et al. 2023) for seven columns.
func segRNN(input, horizon, hidden, segment int) Config {
	c := DefaultConfig(7)
	c.InputSize, c.Horizon, c.HiddenSize, c.Segment = input, horizon, hidden, segment
	c.NumEncoderLayers, c.NumDecoderLayers, c.Bidirectional, c.Attention, c.LayerNorm = 1, 1, false, false, false
	c.Channels, c.ChannelEmbedding, c.Decoding = ChannelsFolded, hidden/2, DecodingDirect
	c.Normalization, c.Dropout = NormalizationLast, .5
	return c
}

// The multiplications are of the forward pass: embedding, encoder, direct decoder.
func BenchmarkGradientOfSegments(b *testing.B) {
	for _, size := range []struct{ input, horizon, hidden, segment int }{{96, 96, 128, 24}, {96, 96, 256, 24}, {720, 96, 128, 48}, {720, 720, 256, 48}} {
		b.Run(fmt.Sprintf("%d to %d/hidden%d/segment%d", size.input, size.horizon, size.hidden, size.segment), func(b *testing.B) {
			c := segRNN(size.input, size.horizon, size.hidden, size.segment)
			m := randomModel(b, c, 1)
			const batch = 128
			x, target := windows(m, batch, c.InputSize, 1), windows(m, batch, c.Horizon, 2)
			grad := m.Params().NewGradient()
			o := &ForwardOptions{Options: Options{State: &State{}, Pool: kernel.NewPool(1)}, Dropout: true}
			H, S, M, P := c.HiddenSize, c.encoderSteps(), c.positions(c.Horizon), c.Segment
			perSequence := S*(P*H+8*H*H) + 4*H*H + M*H*P
			step := func() {
				if _, err := m.Gradient(context.Background(), grad, x, target, Loss{Kind: MSE}, o); err != nil {
					b.Fatal(err)
				}
			}
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			b.ReportMetric(6*float64(perSequence)*batch*7*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
