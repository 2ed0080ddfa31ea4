package main

import (
	"os"
	"path/filepath"

	"github.com/onda-ml/onda/export"
)

type exportCmd struct {
	Dir       string `arg:"" help:"A model directory." type:"existingdir"`
	ONNX      string `name:"onnx" required:"" help:"The file to write; with --decoder split, encoder.onnx and decoder_step.onnx in its folder." placeholder:"FILE" type:"path"`
	Opset     int    `help:"ONNX opset; 0 means the default, 17." placeholder:"N"`
	Decoder   string `help:"The form of the decoder: loop (horizon chosen at run time), unrolled, split." enum:"loop,unrolled,split" default:"loop"`
	Horizon   int    `help:"Steps of an unrolled decoder, default of the loop's; 0 means the configuration's." placeholder:"N"`
	Attention bool   `help:"Add the attention weights as a second output."`
}

func (c *exportCmd) Run(a *app) error {
	m, err := export.Load(c.Dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.ONNX), 0o755); err != nil {
		return err
	}
	files, err := export.WriteONNX(c.ONNX, m, export.Options{Opset: c.Opset, Decoder: export.Decoder(c.Decoder), Horizon: c.Horizon, Attention: c.Attention})
	if err != nil {
		return err
	}
	for _, f := range files {
		a.printf("%s\n", f)
	}
	return nil
}
