package imported

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// A Model is a forecaster that came as ONNX. It serves any number of goroutines.
type Model struct {
	m                      *runtime.Model
	x, steps, y, attention string // the names of its inputs and outputs; steps is the horizon
	look, features, ahead  int
	flat                   bool           // x is (batch, look)
	covariates             map[string]int // past, future and static: how many of each
	beside                 []string       // quantiles, scale and df, those that are there
	levels                 []float64      // of the quantiles
	names                  Names
	scaling                lstmattn.Scaling
}

// Names are those of the columns and covariates, in the model's order; none
// where the file doesn't tell.
type Names struct {
	Features []string // the columns that are forecast
	Past     []string // covariates known for the past only
	Future   []string // covariates known ahead
	Static   []string // covariates that don't change within a series
	Calendar []string // features of the timestamps, which are known ahead
}

// Load reads an ONNX file. An error says what makes it no forecaster.
func Load(path string, options ...runtime.Option) (*Model, error) {
	m, err := runtime.Load(path, options...)
	if err != nil {
		return nil, err
	}
	f, err := New(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// New makes a forecaster of a model that is loaded.
func New(m *runtime.Model) (*Model, error) {
	f := &Model{m: m, covariates: map[string]int{}}
	ours := m.Metadata()["model_type"] == lstmattn.ModelType
	if ours && m.Metadata()["decoder"] == "split" {
		return nil, errors.New("one part of a forecaster that was exported with a split decoder, expected one with the decoder loop or unrolled")
	}
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
			return nil, fmt.Errorf("input %q %v is not what a forecaster takes: one float input (batch, steps, features) and an optional int64 horizon", p.Name, p)
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
		return nil, errors.New("not a forecaster: expected a float input (batch, steps, features) and an output (batch, horizon, features)")
	}
	meta := m.Metadata()
	if f.look < 0 {
		fmt.Sscan(meta["input_size"], &f.look)
	}
	if f.ahead == 0 {
		fmt.Sscan(meta["horizon"], &f.ahead)
	}
	if f.look < 0 {
		return nil, fmt.Errorf("neither input %q nor the metadata's input_size tells how many steps to look back on", f.x)
	}
	if list := cmp.Or(meta["feature_names"], meta["columns"]); list != "" {
		if json.Unmarshal([]byte(list), &f.names.Features) != nil {
			f.names.Features = strings.Split(list, ",")
		}
	}
	if !ours {
		return f, nil
	}
	f.scaling = lstmattn.Scaling(meta["scaling"])
	for key, into := range map[string]any{
		"past_names": &f.names.Past, "future_names": &f.names.Future, "static_names": &f.names.Static,
		"calendar": &f.names.Calendar, "quantiles": &f.levels,
	} {
		if list := meta[key]; list != "" {
			if err := json.Unmarshal([]byte(list), into); err != nil {
				return nil, fmt.Errorf("metadata's %s is %q, expected a JSON list", key, list)
			}
		}
	}
	return f, nil
}

// InputSize is the number of steps looked back on.
func (f *Model) InputSize() int { return f.look }

// NumFeatures is the number of columns, 0 if any will do.
func (f *Model) NumFeatures() int { return max(f.features, 0) }

// Horizon is the number of steps forecast where nothing else is asked for, 0 if
// only a run tells.
func (f *Model) Horizon() int { return f.ahead }

// Names are those of the columns.
func (f *Model) Names() Names { return f.names }

// Scaling is [lstmattn.ScalingSeries] where values are scaled by series outside
// the graph, as series.WindowOptions.PerSeries does.
func (f *Model) Scaling() lstmattn.Scaling { return f.scaling }
