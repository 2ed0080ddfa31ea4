package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line, as kong reads it.
type commands struct {
	Inspect  inspectCmd  `cmd:"" help:"Show a model's inputs, outputs, opsets, parameters and operators, and which of them are unsupported."`
	Run      runCmd      `cmd:"" help:"Run a model once on .npy files or random inputs."`
	Verify   verifyCmd   `cmd:"" help:"Run ONNX test-data folders and compare with their expected outputs."`
	Bench    benchCmd    `cmd:"" help:"Measure a model's latency, allocations and memory."`
	Init     initCmd     `cmd:"" help:"Write a randomly initialised model directory."`
	Train    trainCmd    `cmd:"" help:"Train a forecaster on the series of a CSV or Parquet file."`
	Forecast forecastCmd `cmd:"" help:"Forecast with a model directory or an ONNX file."`
	Backtest backtestCmd `cmd:"" help:"Measure a model's forecasts of the past, beside naive ones."`
	Export   exportCmd   `cmd:"" help:"Write a model directory as ONNX."`
	Demo     demoCmd     `cmd:"" help:"Run a model of PyTorch's, train one in Go, export it and run it again, on bundled data."`
}

// app is what every command gets.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }

// json prints v indented.
func (a *app) json(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// exit is how kong ends early, after --help.
type exit int

// run is the whole program: 0 for success, 1 for an error, 2 for wrong usage.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (status int) {
	defer func() {
		if p := recover(); p != nil {
			code, ok := p.(exit)
			if !ok {
				panic(p)
			}
			status = int(code)
		}
	}()
	var c commands
	parser, err := kong.New(&c, kong.Name("onda"), kong.Description("Run ONNX models, and train, forecast with and export LSTM-attention models, in pure Go."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(exit(code)) }), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(stderr, "onda:", err)
		return 2
	}
	if len(args) == 0 || args[0] == "help" { // onda help train is onda train --help
		args = append(args[min(1, len(args)):], "--help")
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "onda: %v; see onda --help\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{ctx, stdin, stdout, stderr}
	if err := parsed.Run(a); err != nil {
		fmt.Fprintln(stderr, "onda:", err)
		return 1
	}
	return 0
}
