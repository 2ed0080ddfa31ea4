package export_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

// A model leaves as a directory that PyTorch reads and as ONNX, and comes back.
func Example() {
	dir, err := os.MkdirTemp("", "onda")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	cfg := lstmattn.DefaultConfig(2)
	cfg.HiddenSize, cfg.FeatureNames, cfg.FeatureUnits = 16, []string{"load", "temperature"}, []string{"MW", "K"}
	model, err := lstmattn.New(cfg, 42)
	if err != nil {
		panic(err)
	}
	if err := export.Save(dir, model); err != nil {
		panic(err)
	}
	model, err = export.Load(dir)
	if err != nil {
		panic(err)
	}
	files, err := export.WriteONNX(filepath.Join(dir, "model.onnx"), model, export.Options{Attention: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(model.NumParameters(), "parameters in", filepath.Base(files[0]))
	// Output: 17218 parameters in model.onnx
}
