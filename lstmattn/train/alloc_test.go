//go:build !race

package train

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/kernel/alloctest"
)

// Once warm, a step allocates nothing beside what the gradient and the packing
// of the parameters do.
func TestStepsAllocateNothing(t *testing.T) {
	ctx := context.Background()
	k := newTask(t, func(_ *lstmattn.Config, c *Config) {
		c.Threads, c.BatchSize, c.Epochs, c.DropLast, c.EMADecay = 1, 16, 10000, true, .99
	})
	r, err := newRun(ctx, k.model, k.training, k.validation, k.config, &Options{Observer: &watcher{}})
	require.NoError(t, err)
	defer r.team.stop()
	got := alloctest.PerRun(50, func() { require.NoError(t, r.take(ctx)) })

	w := r.team.members[0]
	want := alloctest.PerRun(50, func() {
		_, err := k.model.GradientBatch(ctx, w.grad, &w.batch, r.step.loss, &w.options)
		require.NoError(t, err)
		require.NoError(t, k.model.Pack())
	})
	require.LessOrEqual(t, got, want+1, "but for the order of an epoch")
}
