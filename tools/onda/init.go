package main

import (
	"fmt"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

type initCmd struct {
	Config string `required:"" help:"JSON with the model's configuration; what it leaves out has the default." placeholder:"config.json" type:"existingfile"`
	Seed   uint64 `help:"Seed of the initial weights." placeholder:"N"`
	Out    string `required:"" help:"The model directory to write: config.json and model.safetensors." placeholder:"DIR" type:"path"`
}

func (c *initCmd) Run(a *app) error {
	config, err := export.ReadConfig(c.Config)
	if err != nil {
		return err
	}
	m, err := lstmattn.New(config, c.Seed)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Config, err)
	}
	if err := export.Save(c.Out, m); err != nil {
		return err
	}
	a.printf("%s: %d parameters\n", c.Out, m.NumParameters())
	return nil
}
