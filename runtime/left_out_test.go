package runtime_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

// A node that leaves out one of its inputs, or all from one on, runs or is refused
// with a reason, whichever operator it has.
func TestInputsLeftOut(t *testing.T) {
	seen := 0
	for _, c := range testmodels.Cases() {
		model, err := onnx.LoadFS(testmodels.FS(), c.Model())
		require.NoError(t, err, c.Name)
		if len(model.Graph.Nodes) != 1 || len(c.Sets) == 0 {
			continue
		}
		inputs, _, err := onnxtest.ReadSet(testmodels.FS(), c.Sets[0], model)
		require.NoError(t, err, c.Name)
		node := model.Graph.Nodes[0]
		whole := node.Inputs
		for i := range whole {
			short := slices.Clone(whole)
			short[i] = ""
			for _, names := range [][]string{short, whole[:i]} {
				node.Inputs = names
				seen++
				for _, l := range levels {
					m, err := runtime.Compile(model, runtime.WithLevel(l.level))
					if err == nil {
						ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond) // a Loop may have no end now
						_, err = m.RunValues(ctx, inputs)
						cancel()
					}
					assert.NotErrorIs(t, err, runtime.ErrInternal, "%s: %s with inputs %q", c.Name, node.OpType, names)
				}
			}
		}
		node.Inputs = whole
	}
	require.Greater(t, seen, 100)
}
