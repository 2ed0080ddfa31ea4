package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/tensor"
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
	m, err := runtime.Load(path, runtime.WithThreads(threads))
	if err != nil {
		return nil, err
	}
	return newONNXForecaster(path, m)
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

// onnxForecaster is an ONNX file with one float input (batch, steps, features),
// perhaps an int64 horizon with a default, and an output (batch, horizon,
// features), perhaps with the attention (batch, heads, horizon, steps) beside.
// Where there is one feature its dimension may be missing on both sides. One
// that package export wrote may have covariates, and what a head gives beside.
type onnxForecaster struct {
	m                      *runtime.Model
	x, steps, y, attention string // the names of its inputs and outputs; steps is the horizon
	look, features, ahead  int
	flat                   bool           // x is (batch, look)
	covariates             map[string]int // past, future and static: how many of each
	beside                 []string       // quantiles, scale and df, those that are there
	levels                 []float64      // of the quantiles
	columns                columnNames
	scaled                 bool // by series, outside the graph
}

func newONNXForecaster(path string, m *runtime.Model) (*onnxForecaster, error) {
	f := &onnxForecaster{m: m, covariates: map[string]int{}}
	ours := m.Metadata()["model_type"] == lstmattn.ModelType
	for _, p := range m.Inputs() {
		float := p.DType == tensor.Float32
		switch {
		case ours && float && len(p.Shape) > 1 && (p.Name == "past" || p.Name == "future" || p.Name == "static"):
			f.covariates[p.Name] = p.Shape[len(p.Shape)-1].Size
		case float && len(p.Shape) == 3 && f.x == "":
			f.x, f.look, f.features = p.Name, p.Shape[1].Size, p.Shape[2].Size
		case float && len(p.Shape) == 2 && f.x == "":
			f.x, f.look, f.features, f.flat = p.Name, p.Shape[1].Size, 1, true
		case p.DType == tensor.Int64 && p.Name == "horizon":
			f.steps = p.Name
		case !p.Optional:
			return nil, fmt.Errorf("%s: input %q %v is not what a forecaster takes: one float input (batch, steps, features) and an optional int64 horizon", path, p.Name, p)
		}
	}
	for _, p := range m.Outputs() {
		float := p.DType == tensor.Float32
		switch {
		case ours && float && (p.Name == "quantiles" || p.Name == "scale" || p.Name == "df"):
			f.beside = append(f.beside, p.Name)
		case float && len(p.Shape) == 4 && f.attention == "":
			f.attention = p.Name
		case float && (len(p.Shape) == 3 || len(p.Shape) == 2 || !p.Ranked) && f.y == "":
			f.y = p.Name
			if len(p.Shape) > 1 {
				f.ahead = max(p.Shape[1].Size, 0)
			}
		}
	}
	if f.x == "" || f.y == "" {
		return nil, fmt.Errorf("%s: not a forecaster: expected a float input (batch, steps, features) and an output (batch, horizon, features)", path)
	}
	meta := m.Metadata()
	if f.look < 0 {
		fmt.Sscan(meta["input_size"], &f.look)
	}
	if f.ahead == 0 {
		fmt.Sscan(meta["horizon"], &f.ahead)
	}
	if f.look < 0 {
		return nil, fmt.Errorf("%s: neither input %q nor the metadata's input_size tells how many steps to look back on", path, f.x)
	}
	if list := cmp.Or(meta["feature_names"], meta["columns"]); list != "" {
		if json.Unmarshal([]byte(list), &f.columns.columns) != nil {
			f.columns.columns = strings.Split(list, ",")
		}
	}
	if !ours {
		return f, nil
	}
	f.scaled = meta["scaling"] == string(lstmattn.ScalingSeries)
	for key, into := range map[string]any{
		"past_names": &f.columns.past, "future_names": &f.columns.future, "static_names": &f.columns.static,
		"calendar": &f.columns.calendar, "quantiles": &f.levels,
	} {
		if list := meta[key]; list != "" {
			if err := json.Unmarshal([]byte(list), into); err != nil {
				return nil, fmt.Errorf("%s: metadata's %s is %q, expected a JSON list", path, key, list)
			}
		}
	}
	return f, nil
}

func (f *onnxForecaster) window() (int, int) { return f.look, max(f.features, 0) }

func (f *onnxForecaster) names() columnNames { return f.columns }

func (f *onnxForecaster) perSeries() bool { return f.scaled }

func (f *onnxForecaster) horizon() int { return f.ahead }

func (f *onnxForecaster) forecast(ctx context.Context, b *lstmattn.Batch, o lstmattn.Options) (*lstmattn.Forecast, error) {
	if o.Strategy != "" && o.Strategy != lstmattn.Greedy {
		return nil, fmt.Errorf("an ONNX file forecasts greedily; --strategy %s needs a model directory", o.Strategy)
	}
	features := f.features
	if features < 0 {
		features = max(len(f.columns.columns), 1)
	}
	batch := b.Size
	t, err := tensor.New(b.X, batch, f.look, features)
	if err != nil {
		return nil, err
	}
	if f.flat {
		if t, err = t.Reshaped(batch, f.look); err != nil {
			return nil, err
		}
	}
	inputs := map[string]*tensor.Tensor{f.x: t}
	if err := f.addCovariates(inputs, b); err != nil {
		return nil, err
	}
	if _, told := inputs["future"]; o.Horizon > 0 && !told { // else the future's length tells
		if f.steps == "" {
			return nil, fmt.Errorf("the model's horizon is fixed: it has no input named horizon")
		}
		h := tensor.Scalar(int64(o.Horizon))
		if i := slices.IndexFunc(f.m.Inputs(), func(p runtime.Port) bool { return p.Name == f.steps }); len(f.m.Inputs()[i].Shape) == 1 {
			h = tensor.Must([]int64{int64(o.Horizon)}, 1)
		}
		inputs[f.steps] = h
	}
	wanted := append([]string{f.y}, f.beside...)
	if o.Attention && f.attention != "" {
		wanted = append(wanted, f.attention)
	}
	out, err := f.m.Run(ctx, inputs, wanted...)
	if err != nil {
		return nil, err
	}
	y := out[f.y]
	if y.Rank() == 2 {
		if y, err = y.Reshaped(y.Dim(0), y.Dim(1), 1); err != nil {
			return nil, err
		}
	}
	if y.Rank() != 3 || y.Dim(0) != batch {
		return nil, fmt.Errorf("output %q is %v, expected (%d, horizon, features)", f.y, y, batch)
	}
	r := &lstmattn.Forecast{Batch: batch, Horizon: y.Dim(1), Features: y.Dim(2), Values: tensor.Of[float32](y)}
	if a := out[f.attention]; a != nil && a.Rank() == 4 {
		r.Heads, r.InputSize, r.Attention = a.Dim(1), a.Dim(3), tensor.Of[float32](a)
	}
	return r, f.addBeside(r, out)
}

// addCovariates adds those that the model takes.
func (f *onnxForecaster) addCovariates(inputs map[string]*tensor.Tensor, b *lstmattn.Batch) error {
	for _, kind := range []struct {
		name string
		data []float32
		axes []int
	}{{"past", b.Past, []int{b.Size, f.look}}, {"future", b.Future, []int{b.Size, -1}}, {"static", b.Static, []int{b.Size}}} {
		n, there := f.covariates[kind.name]
		if !there {
			continue
		}
		if len(kind.data) == 0 {
			return fmt.Errorf("the model takes %d %s covariates, the data has none of those names", n, kind.name)
		}
		if i := slices.Index(kind.axes, -1); i >= 0 {
			kind.axes[i] = len(kind.data) / (b.Size * max(n, 1))
		}
		t, err := tensor.New(kind.data, append(kind.axes, n)...)
		if err != nil {
			return fmt.Errorf("%s covariates: %w", kind.name, err)
		}
		inputs[kind.name] = t
	}
	return nil
}

// addBeside sets what a head gives beside the forecast.
func (f *onnxForecaster) addBeside(r *lstmattn.Forecast, out map[string]*tensor.Tensor) error {
	for _, name := range f.beside {
		values, width := tensor.Of[float32](out[name]), 1
		switch name {
		case "quantiles":
			r.Levels, r.Quantiles, width = f.levels, values, len(f.levels)
		case "scale":
			r.Scale = values
		case "df":
			r.DF = values
		}
		if len(values) != len(r.Values)*width {
			return fmt.Errorf("output %q has %d values, expected %d", name, len(values), len(r.Values)*width)
		}
	}
	return nil
}
