package runtime_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/testmodels"
)

// What SaveOptimized writes is a valid model with fewer nodes that gives the
// same outputs, at both levels; every model of testmodels goes through it.
func TestSaveOptimized(t *testing.T) {
	for _, c := range testmodels.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			proto, err := onnx.LoadFS(testmodels.FS(), c.Model())
			require.NoError(t, err)
			m := compile(t, proto)
			path := filepath.Join(t.TempDir(), "optimised.onnx")
			require.NoError(t, m.SaveOptimized(path))
			saved, err := onnx.Load(path)
			require.NoError(t, err)
			require.LessOrEqual(t, len(saved.Graph.Nodes), len(proto.Graph.Nodes)+len(proto.Graph.Outputs))
			for _, l := range levels {
				again, err := runtime.Load(path, runtime.WithLevel(l.level))
				require.NoError(t, err)
				require.Equal(t, m.Inputs(), again.Inputs())
				require.Equal(t, m.Outputs(), again.Outputs())
				for _, set := range c.Sets {
					_, err := runSet(testmodels.FS(), set, saved, again, exporters(c.Name))
					require.NoError(t, err, "%s: %s", l.name, set)
				}
			}
		})
	}
}

func TestSaveOptimizedOfAPlainModel(t *testing.T) {
	m := compile(t, modelOf(13, chain(1, "Exp")), runtime.WithLevel(runtime.Plain))
	require.EqualError(t, m.SaveOptimized(filepath.Join(t.TempDir(), "x.onnx")), "runtime: the model was loaded at level Plain, which rewrites nothing")
	_, err := m.Run(context.Background(), map[string]*tensor.Tensor{"v0": tensor.Must([]float32{1}, 1)})
	require.NoError(t, err)
}
