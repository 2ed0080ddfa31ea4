package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

// directory is what inspect tells of a model directory.
type directory struct {
	Dir        string          `json:"dir"`
	Form       string          `json:"form"` // "classic", or "" with options that change it
	Config     lstmattn.Config `json:"config"`
	Parameters int             `json:"parameters"`
	Bytes      int             `json:"parameter_bytes"`
	Tensors    []shaped        `json:"tensors"`
}

type shaped struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

func (c *inspectCmd) directory(a *app) error {
	if c.Plan {
		return fmt.Errorf("--plan: %s is a model directory, which has no graph; onda export writes it as ONNX", c.Model)
	}
	m, err := export.Load(c.Model)
	if err != nil {
		return err
	}
	d := directory{Dir: c.Model, Config: m.Config(), Parameters: m.NumParameters(), Bytes: 4 * m.NumParameters()}
	if d.Config.Classic() {
		d.Form = "classic"
	}
	for _, p := range m.Params().Table() {
		d.Tensors = append(d.Tensors, shaped{p.Name, p.Shape})
	}
	if c.JSON {
		return a.json(d)
	}
	a.printf("%s\n  model       %s, %d parameters (%.1f MB)\n", d.Dir, strings.TrimSpace(d.Form+" "+lstmattn.ModelType), d.Parameters, float64(d.Bytes)/1e6)
	text, err := json.Marshal(d.Config)
	if err != nil {
		return err
	}
	err = lstmattn.EachField(text, func(name string, value json.RawMessage) {
		a.printf("  config      %s = %s\n", name, value)
	})
	for _, t := range d.Tensors {
		a.printf("  tensor      %s %s\n", t.Name, strings.ReplaceAll(fmt.Sprint(t.Shape), " ", ", "))
	}
	return err
}

// isDirectory says whether a model is a directory, as those that are trained are.
func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// refuseDirectory is the error of a command that takes ONNX alone.
func refuseDirectory(path string) error {
	if isDirectory(path) {
		return fmt.Errorf("%s is a directory, expected an ONNX file; onda export writes a model directory as ONNX", path)
	}
	return nil
}
