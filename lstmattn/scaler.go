package lstmattn

import (
	"fmt"
	"math"
	"slices"
)

// A Scaler turns the raw values of some columns into scaled ones, (x - mean) /
// scale. Both slices have one element for each column.
type Scaler struct{ Mean, Scale []float32 }

// newScaler changes nothing.
func newScaler(n int) Scaler {
	s := Scaler{make([]float32, n), make([]float32, n)}
	for i := range s.Scale {
		s.Scale[i] = 1
	}
	return s
}

func (s *Scaler) clone() Scaler { return Scaler{slices.Clone(s.Mean), slices.Clone(s.Scale)} }

// apply sets dst to the scaled row.
func (s *Scaler) apply(dst, row []float32) {
	for i, v := range row {
		dst[i] = (v - s.Mean[i]) / s.Scale[i]
	}
}

// A Buffer is a tensor of a model beside its parameters, of one axis.
type Buffer struct {
	Name string // as in the files, such as "scaler.mean"
	Len  int
	Data []float32 // nil in a table without a model
}

// BufferTable lists the buffers of a model of that configuration: the scaler of
// the columns, and those of the kinds of covariates that there are.
func BufferTable(cfg Config) []Buffer {
	t := []Buffer{{Name: "scaler.mean", Len: cfg.NumFeatures}, {Name: "scaler.scale", Len: cfg.NumFeatures}}
	for _, s := range (&Params{}).covariates(&cfg) {
		if s.want > 0 {
			t = append(t, Buffer{Name: "scaler." + s.kind + "_mean", Len: s.want}, Buffer{Name: "scaler." + s.kind + "_scale", Len: s.want})
		}
	}
	return t
}

// Buffers are BufferTable's of these parameters.
func (p *Params) Buffers() []Buffer {
	c := Config{NumFeatures: len(p.ScalerMean), NumPast: len(p.Past.Mean), NumFuture: len(p.Future.Mean), NumStatic: len(p.Static.Mean)}
	t := BufferTable(c)
	data := map[string][]float32{"scaler.mean": p.ScalerMean, "scaler.scale": p.ScalerScale}
	for _, s := range p.covariates(&c) {
		data["scaler."+s.kind+"_mean"], data["scaler."+s.kind+"_scale"] = s.Mean, s.Scale
	}
	for i := range t {
		t[i].Data = data[t[i].Name]
	}
	return t
}

// A covariateScaler is the scaler of a kind of covariates.
type covariateScaler struct {
	*Scaler
	kind string
	want int
}

func (p *Params) covariates(c *Config) []covariateScaler {
	return []covariateScaler{{&p.Past, "past", c.NumPast}, {&p.Future, "future", c.NumFuture}, {&p.Static, "static", c.NumStatic}}
}

// check refuses the mean and scale of another number of covariates, and numbers
// that cannot be.
func (s *covariateScaler) check(mean, scale []float32) error {
	if len(mean) != s.want || len(scale) != s.want {
		return fmt.Errorf("lstmattn: the %s covariates' scaler has %d means and %d scales, num_%s is %d", s.kind, len(mean), len(scale), s.kind, s.want)
	}
	for i := range mean {
		if m := float64(mean[i]); math.IsNaN(m) || math.IsInf(m, 0) {
			return fmt.Errorf("lstmattn: the scaler's mean of %s covariate %d is %v, must be a finite number", s.kind, i, m)
		}
		if v := float64(scale[i]); !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("lstmattn: the scaler's scale of %s covariate %d is %v, must be a positive finite number", s.kind, i, v)
		}
	}
	return nil
}
