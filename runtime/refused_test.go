package runtime_test

import (
	"context"
	"io/fs"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
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
				err := loadAndRun(t, c, l.level)
				if strconv.IntSize == 32 && strings.Contains(string(want), "memory can address") {
					require.ErrorContains(t, err, "memory can address") // other numbers than where int has 64 bits
					continue
				}
				require.EqualError(t, err, string(want), l.name)
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

// What a newer ONNX may mean is not guessed: the newest known opset and IR run,
// those after them are refused, once for all nodes.
func TestNewerThanKnown(t *testing.T) {
	model := func(ir, opset int64) *onnx.Model {
		relu := func(x, y string) *onnx.Node {
			return &onnx.Node{OpType: "Relu", Inputs: []string{x}, Outputs: []string{y}}
		}
		return &onnx.Model{IRVersion: ir, OpsetImports: []onnx.OpsetImport{{Version: opset}}, Graph: &onnx.Graph{Name: "g",
			Inputs:  []*onnx.ValueInfo{onnx.TensorValue("x", onnx.Float, onnx.DimValue(1))},
			Outputs: []*onnx.ValueInfo{onnx.TensorValue("z", onnx.Float, onnx.DimValue(1))},
			Nodes:   []*onnx.Node{relu("x", "y"), relu("y", "z")}}}
	}
	newest, _ := ops.NewestOpset("")
	_, err := runtime.Compile(model(onnx.IRVersion, newest))
	require.NoError(t, err)
	_, err = runtime.Compile(model(8, newest+1))
	require.EqualError(t, err, "runtime: node 0 (Relu, opset 28): opset newer than 27: unsupported")
	require.ErrorIs(t, err, runtime.ErrUnsupported)
	_, err = runtime.Compile(model(onnx.IRVersion+1, 17))
	require.EqualError(t, err, "runtime: IR version 14, newer than 13: unsupported")
	for _, op := range ops.Standard().Ops() {
		if newest, known := ops.NewestOpset(op.Domain); known {
			require.LessOrEqual(t, int64(op.Versions[len(op.Versions)-1].Since), newest, op.Name)
		}
	}
}
