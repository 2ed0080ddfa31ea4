package lstmattn

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

// A batch that is decoded in parts gives the bits of one that isn't, whatever the
// number of threads, and each window what it gives alone.
func TestDecodingInParts(t *testing.T) {
	const batch = 43
	for name, c := range heads(covered()) {
		if c.direct() {
			continue
		}
		c.InputSize, c.Horizon, c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers = 168, 4, 48, 1, 1
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c, 2)
			require.Greater(t, c.decodeParts(batch), 1)
			b := covariates(m, &Batch{Size: batch}, c.Horizon)
			x := windows(m, batch, c.InputSize, 1)
			options := func(b *Batch, threads int) *Options {
				return &Options{Attention: c.Attention, Pool: kernel.NewPool(threads), Past: b.Past, Future: b.Future, Static: b.Static}
			}
			all := mustForecast(t, m, x, options(b, 1))
			require.True(t, equalForecasts(all, mustForecast(t, m, x, options(b, 3))), "threads")
			target := make([]float32, batch*c.Horizon*c.NumFeatures)
			whole, err := m.Forward(context.Background(), x, target, &ForwardOptions{Options: *options(b, 2)})
			require.NoError(t, err)
			require.Equal(t, whole.Values, all.Values, "a pass that isn't cut")
			require.Equal(t, whole.Attention, all.Attention)
			for _, i := range []int{0, 9, batch - 1} {
				one := mustForecast(t, m, cutRows(x, batch, i, i+1), options(b.part(&c, c.Horizon, i, i+1), 1))
				require.InDeltaSlice(t, one.Values, cutRows(all.Values, batch, i, i+1), 1e-4, "window %d", i)
			}
		})
	}
}
