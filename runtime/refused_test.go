package runtime_test

import (
	"context"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

// TestRefused loads and runs the models that can't be right: each is refused
// with the sentence beside it, the same at both levels.
func TestRefused(t *testing.T) {
	cases := testmodels.Refused()
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			want, err := fs.ReadFile(testmodels.FS(), c.Name+"/error.txt")
			require.NoError(t, err)
			for _, l := range levels {
				require.EqualError(t, loadAndRun(t, c, l.level), string(want), l.name)
			}
		})
	}
}

func loadAndRun(t *testing.T, c testmodels.Case, level runtime.Level) error {
	folder, err := fs.Sub(testmodels.FS(), c.Name)
	require.NoError(t, err)
	m, err := runtime.LoadFS(folder, "model.onnx", runtime.WithLevel(level))
	if err != nil || len(c.Sets) == 0 {
		return err
	}
	proto, err := onnx.LoadFS(folder, "model.onnx")
	require.NoError(t, err)
	inputs, _, err := onnxtest.ReadSet(testmodels.FS(), c.Sets[0], proto)
	require.NoError(t, err)
	_, err = m.RunValues(context.Background(), inputs)
	return err
}
