package lstmattn

import (
	"context"
	"fmt"
	"testing"
)

func BenchmarkForecast(b *testing.B) {
	for _, size := range []struct{ hidden, layers, heads, features, batch int }{
		{64, 1, 4, 1, 1}, {256, 2, 8, 1, 32}, {512, 2, 8, 1, 1}, {512, 2, 8, 1, 32},
	} {
		b.Run(fmt.Sprintf("hidden%d/batch%d", size.hidden, size.batch), func(b *testing.B) {
			c := DefaultConfig(size.features)
			c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = size.hidden, size.layers, size.layers, size.heads
			m := randomModel(b, c, 1)
			x := windows(m, size.batch, c.InputSize, 1)
			state, f := &State{}, &Forecast{}
			b.ReportAllocs()
			for b.Loop() {
				if err := m.ForecastInto(context.Background(), f, x, &Options{State: state}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
