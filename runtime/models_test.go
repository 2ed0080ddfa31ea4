package runtime_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

// exporters is how near a model's outputs must be to its exporter's: of one in
// float16, which runs in float32 but for its borders, a few of its units.
func exporters(model string) onnxtest.Tolerance {
	if strings.HasSuffix(model, "_half") {
		return onnxtest.Tolerance{Rtol: 4e-3, Atol: 1e-3}
	}
	return onnxtest.Tolerance{Rtol: 1e-3, Atol: 1e-5}
}

// TestModels runs every model of testmodels, as a user's exporter wrote it,
// through the plain interpreter and the compiled plan: both must give the
// exporter's outputs, and nearly the same bits.
func TestModels(t *testing.T) {
	cases := testmodels.Cases()
	require.NotEmpty(t, cases)
	exporter := exporters("")
	each := onnxtest.Tolerance{Rtol: 1e-4, Atol: 2e-6}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			proto, err := onnx.LoadFS(testmodels.FS(), c.Model())
			require.NoError(t, err)
			plain, err := runtime.Compile(proto, runtime.WithLevel(runtime.Plain))
			require.NoError(t, err)
			optimised, err := runtime.Compile(proto, runtime.WithoutRewrite("half-precision"))
			require.NoError(t, err)
			wide, err := runtime.Compile(proto)
			require.NoError(t, err)
			for _, set := range c.Sets {
				want, err := runSet(testmodels.FS(), set, proto, plain, exporter)
				require.NoError(t, err, "plain: %s", set)
				got, err := runSet(testmodels.FS(), set, proto, optimised, exporter)
				require.NoError(t, err, "optimised: %s", set)
				for name := range want {
					require.NoError(t, each.Compare(got[name], want[name]), "%s: output %q differs between the levels", set, name)
				}
				_, err = runSet(testmodels.FS(), set, proto, wide, exporters(c.Name))
				require.NoError(t, err, "in float32: %s", set)
			}
		})
	}
}
