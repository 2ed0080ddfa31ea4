package main

import (
	"context"
	"fmt"
	"os"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/imported"
	"github.com/onda-ml/onda/runtime"
)

// forecaster is a model that turns windows of raw values into forecasts: a
// model directory, or any ONNX file of the right inputs and outputs.
type forecaster interface {
	// window is the number of steps looked back on and of columns.
	window() (steps, features int)
	// names are those of the columns, none where the model doesn't know.
	names() columnNames
	// perSeries says whether its columns are scaled by series, outside the model.
	perSeries() bool
	// horizon is the model's own, 0 if it doesn't tell before it runs.
	horizon() int
	// forecast takes windows; o has no covariates, which are b's.
	forecast(ctx context.Context, b *lstmattn.Batch, o lstmattn.Options) (*lstmattn.Forecast, error)
}

func openForecaster(path string, threads int) (forecaster, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		m, err := export.Load(path)
		if err != nil {
			return nil, err
		}
		m.SetThreads(threads)
		return goForecaster{m}, nil
	}
	m, err := imported.Load(path, runtime.WithThreads(threads))
	if err != nil {
		return nil, err
	}
	return onnxForecaster{m}, nil
}

// goForecaster is a model directory.
type goForecaster struct{ m *lstmattn.Model }

func (g goForecaster) window() (int, int) {
	c := g.m.Config()
	return c.InputSize, c.NumFeatures
}

func (g goForecaster) names() columnNames {
	c := g.m.Config()
	return columnNames{columns: c.FeatureNames, past: c.PastNames, future: c.FutureNames, static: c.StaticNames, calendar: c.Calendar}
}

func (g goForecaster) perSeries() bool { return g.m.Config().Scaling == lstmattn.ScalingSeries }

func (g goForecaster) horizon() int { return g.m.Config().Horizon }

func (g goForecaster) forecast(ctx context.Context, b *lstmattn.Batch, o lstmattn.Options) (*lstmattn.Forecast, error) {
	o.Past, o.Future, o.Static = b.Past, b.Future, b.Static
	return g.m.Forecast(ctx, b.X, &o)
}

// onnxForecaster is an ONNX file.
type onnxForecaster struct{ m *imported.Model }

func (f onnxForecaster) window() (int, int) { return f.m.InputSize(), f.m.NumFeatures() }

func (f onnxForecaster) names() columnNames {
	n := f.m.Names()
	return columnNames{columns: n.Features, past: n.Past, future: n.Future, static: n.Static, calendar: n.Calendar}
}

func (f onnxForecaster) perSeries() bool { return f.m.Scaling() == lstmattn.ScalingSeries }

func (f onnxForecaster) horizon() int { return f.m.Horizon() }

func (f onnxForecaster) forecast(ctx context.Context, b *lstmattn.Batch, o lstmattn.Options) (*lstmattn.Forecast, error) {
	if o.Strategy != "" && o.Strategy != lstmattn.Greedy {
		return nil, fmt.Errorf("an ONNX file forecasts greedily; --strategy %s needs a model directory", o.Strategy)
	}
	return f.m.Forecast(ctx, b, &o)
}
