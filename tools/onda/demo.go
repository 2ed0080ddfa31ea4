package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/imported"
	"github.com/onda-ml/onda/lstmattn/plot"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

type demoCmd struct {
	Out string `help:"Folder for what the demo writes." default:"demo-out" type:"path"`
}

func (c *demoCmd) Run(a *app) error {
	start := time.Now()
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	for _, part := range []func(*app) error{c.imported, c.built} {
		if err := part(a); err != nil {
			return err
		}
	}
	a.printf("\nDone in %.1f s; the files are in %s.\n", time.Since(start).Seconds(), c.Out)
	return nil
}

// agreement is the largest difference that the demo accepts between two ways of
// computing one forecast, relative to the size of the values.
const agreement = 1e-5

// imported runs the bundled forecaster that PyTorch trained and exported.
func (c *demoCmd) imported(a *app) error {
	fsys := testmodels.FS()
	a.printf("1. A forecaster trained and exported by PyTorch, run in Go\n\n")
	file := path.Join(testmodels.AirPassengers, "model.onnx")
	proto, err := onnx.LoadFS(fsys, file)
	if err != nil {
		return err
	}
	m, err := runtime.Compile(proto)
	if err != nil {
		return err
	}
	inputs, want, err := onnxtest.ReadSet(fsys, path.Join(testmodels.AirPassengers, "test_data_set_0"), proto)
	if err != nil {
		return err
	}
	got, err := m.RunValues(a.ctx, inputs)
	if err != nil {
		return err
	}
	for _, p := range m.Outputs() {
		w, g := want[p.Name].(*tensor.Tensor), got[p.Name].(*tensor.Tensor)
		if err := a.compare(fmt.Sprintf("output %-9s %v", p.Name, g), "PyTorch", tensor.Float64s(g), tensor.Float64s(w)); err != nil {
			return err
		}
	}
	data, err := fs.ReadFile(fsys, path.Join(testmodels.AirPassengers, "series.csv"))
	if err != nil {
		return err
	}
	frame, err := series.ReadCSV(bytes.NewReader(data), series.Options{})
	if err != nil {
		return err
	}
	f, err := imported.New(m)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return c.show(a, onnxForecaster{f}, frame, 12, "airpassengers.png")
}

// show forecasts the last held steps of the series from what was before, and
// draws them beside what came.
func (c *demoCmd) show(a *app, f forecaster, frame *series.Frame, held int, file string) error {
	steps, _ := f.window()
	s := frame.Series[0]
	x := s.Values[(s.Len()-held-steps)*len(frame.Columns) : (s.Len()-held)*len(frame.Columns)]
	y, err := f.forecast(a.ctx, &lstmattn.Batch{Size: 1, X: x}, lstmattn.Options{Attention: true})
	if err != nil {
		return err
	}
	chart, err := plot.New(frame, 0, 0, y, 0)
	if err != nil {
		return err
	}
	known := len(chart.History) - held
	chart.Actual, chart.History = chart.History[known:], chart.History[:known]
	a.printf("\n")
	if err := chart.WriteText(a.stdout, isTerminal(a.stdout)); err != nil {
		return err
	}
	png := filepath.Join(c.Out, file)
	a.printf("\n   the same with attention: %s\n", png)
	return writePNG(png, chart)
}

// built trains a model in Go, writes every form of it, and runs each again.
func (c *demoCmd) built(a *app) error {
	a.printf("\n2. A forecaster trained in Go, exported and run again\n\n")
	config := lstmattn.DefaultConfig(2)
	config.HiddenSize, config.NumAttentionHeads, config.Normalization = 32, 4, lstmattn.NormalizationMeanStd
	config.NumEncoderLayers, config.NumDecoderLayers = 1, 1
	config.FeatureNames = []string{"y", "temperature"}
	m, err := lstmattn.New(config, 1)
	if err != nil {
		return err
	}
	data, err := fs.ReadFile(testmodels.FS(), testmodels.Hourly)
	if err != nil {
		return err
	}
	frame, err := series.ReadCSV(bytes.NewReader(data), series.Options{Columns: config.FeatureNames})
	if err != nil {
		return err
	}
	a.printf("   %d parameters, %d hours back, %d ahead\n\n", m.NumParameters(), config.InputSize, config.Horizon)
	if err := learn(a, m, frame); err != nil {
		return err
	}
	x, err := frame.Series[0].Last(config.InputSize)
	if err != nil {
		return err
	}
	want, err := m.Forecast(a.ctx, x, nil)
	if err != nil {
		return err
	}
	dir := filepath.Join(c.Out, "model")
	if err := export.Save(dir, m); err != nil {
		return err
	}
	again, err := export.Load(dir)
	if err != nil {
		return err
	}
	y, err := again.Forecast(a.ctx, x, nil)
	if err != nil {
		return err
	}
	if err := a.compare(fmt.Sprintf("%s (safetensors)", dir), "the model", widen(y.Values), widen(want.Values)); err != nil {
		return err
	}
	for _, decoder := range []export.Decoder{export.Loop, export.Unrolled, export.Split} {
		folder := filepath.Join(c.Out, string(decoder))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		files, err := export.WriteONNX(filepath.Join(folder, "model.onnx"), m, export.Options{Decoder: decoder})
		if err != nil {
			return err
		}
		var got []float32
		if decoder == export.Split {
			got, err = runSplit(a, files, x, config)
		} else {
			var f forecaster
			if f, err = openForecaster(files[0], 0); err == nil {
				var y *lstmattn.Forecast
				if y, err = f.forecast(a.ctx, &lstmattn.Batch{Size: 1, X: x}, lstmattn.Options{}); err == nil {
					got = y.Values
				}
			}
		}
		if err != nil {
			return err
		}
		if err := a.compare(folder+" (ONNX)", "the model", widen(got), widen(want.Values)); err != nil {
			return err
		}
	}
	return c.show(a, goForecaster{m}, frame, config.Horizon, "hourly.png")
}

// learn trains the model for a few seconds on all of the frame but its last
// week, on which it validates; the last day is for the forecast.
func learn(a *app, m *lstmattn.Model, frame *series.Frame) error {
	training := train.DefaultConfig()
	training.LearningRate, training.BatchSize, training.Epochs, training.Seed = 3e-3, 32, 8, 1
	c := m.Config()
	windows := func(from, to series.Cut, stride int) (*series.Windows, error) {
		return series.NewWindows(frame, series.WindowOptions{InputSize: c.InputSize, Horizon: c.Horizon, From: from, To: to, Stride: stride})
	}
	past, err := windows("", "-168", 3)
	if err != nil {
		return err
	}
	week, err := windows("-168", "-24", 1)
	if err != nil {
		return err
	}
	if err := train.SetScalers(m, past); err != nil {
		return err
	}
	_, err = train.Run(a.ctx, m, past, week, training, &train.Options{Observer: demoEpochs{a}})
	a.printf("\n")
	return err
}

// demoEpochs prints a line an epoch.
type demoEpochs struct{ a *app }

func (demoEpochs) Step(train.StepReport) {}

func (d demoEpochs) Evaluation(r train.EvaluationReport) {
	d.a.printf("   epoch %d: loss %.3f, of free-running forecasts of the last week %.3f\n", r.Epoch, r.TrainLoss, r.Validation.Loss)
}

// runSplit drives the two files of a split export: the encoder once, the step
// once for each hour.
func runSplit(a *app, files []string, x []float32, c lstmattn.Config) ([]float32, error) {
	encoder, err := runtime.Load(files[0])
	if err != nil {
		return nil, err
	}
	step, err := runtime.Load(files[1])
	if err != nil {
		return nil, err
	}
	t, err := tensor.New(x, 1, c.InputSize, c.NumFeatures)
	if err != nil {
		return nil, err
	}
	state, err := encoder.Run(a.ctx, map[string]*tensor.Tensor{"x": t})
	if err != nil {
		return nil, err
	}
	var y []float32
	for range c.Horizon {
		out, err := step.Run(a.ctx, state)
		if err != nil {
			return nil, err
		}
		y = append(y, tensor.Of[float32](out["forecast"])...)
		for _, name := range []string{"prev", "context", "h", "c"} {
			state[name] = out["next_"+name]
		}
	}
	return y, nil
}

// compare prints how far two results are apart, and is an error where that is
// more than agreement.
func (a *app) compare(what, with string, got, want []float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d values, %s has %d", what, len(got), with, len(want))
	}
	worst, size := 0.0, 0.0
	for i := range want {
		worst = max(worst, math.Abs(got[i]-want[i]))
		size = max(size, math.Abs(want[i]))
	}
	a.printf("   %-44s largest difference from %s: %.1e of %.4g\n", what, with, worst, size)
	if !(worst <= agreement*max(size, 1)) {
		return fmt.Errorf("%s: differs from %s by %v", what, with, worst)
	}
	return nil
}

func widen(s []float32) []float64 {
	out := make([]float64, len(s))
	for i, v := range s {
		out[i] = float64(v)
	}
	return out
}
