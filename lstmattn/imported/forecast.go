package imported

import (
	"context"
	"fmt"
	"slices"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// Forecast forecasts the windows of b, whose Target and Weight it doesn't read. Of
// the options (nil for none) it takes Horizon, where the graph has such an input,
// and Attention, where it has that output. Values are raw, unless Scaling says
// otherwise.
func (f *Model) Forecast(ctx context.Context, b *lstmattn.Batch, options *lstmattn.Options) (*lstmattn.Forecast, error) {
	var o lstmattn.Options
	if options != nil {
		o = *options
	}
	if o.Strategy != "" && o.Strategy != lstmattn.Greedy {
		return nil, fmt.Errorf("strategy %q: an ONNX graph forecasts greedily; the others need the model itself", o.Strategy)
	}
	if b.Size < 1 {
		return nil, fmt.Errorf("a batch of %d windows, expected at least one", b.Size)
	}
	features := f.features
	if features < 0 {
		features = max(len(f.names.Features), 1)
	}
	batch := b.Size
	t, err := tensor.New(b.X, batch, f.look, features)
	if err != nil {
		return nil, fmt.Errorf("windows: %w", err)
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
func (f *Model) addCovariates(inputs map[string]*tensor.Tensor, b *lstmattn.Batch) error {
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
func (f *Model) addBeside(r *lstmattn.Forecast, out map[string]*tensor.Tensor) error {
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
