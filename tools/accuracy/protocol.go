package main

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/lstmattn/metrics"
	"github.com/onda-ml/onda/lstmattn/series"
)

// The rows of ETTh1: months of 30 days, 12 to train, 4 to validate, 4 to test.
const (
	trainEnd      = 12 * 30 * 24
	validationEnd = 16 * 30 * 24
	testEnd       = 20 * 30 * 24
)

// table is ETTh1 with each column scaled by its training rows.
type table struct {
	columns []string
	width   int
	raw     []float32 // (testEnd, width)
	mean    []float64
	scale   []float64
}

// readTable reads the file at path, of which only the first testEnd rows count.
func readTable(path string) (*table, error) {
	frame, err := series.ReadFile(path, series.Options{})
	if err != nil {
		return nil, err
	}
	if len(frame.Series) != 1 || frame.Series[0].Len() < testEnd {
		return nil, fmt.Errorf("%s: expected one series of at least %d rows, as ETTh1 has", path, testEnd)
	}
	t := &table{columns: frame.Columns, width: len(frame.Columns)}
	t.raw = frame.Series[0].Values[:testEnd*t.width]
	for c := range t.width {
		var mean, square metrics.Mean
		for i := range trainEnd {
			mean.Add(float64(t.raw[i*t.width+c]))
		}
		for i := range trainEnd {
			d := float64(t.raw[i*t.width+c]) - mean.Value()
			square.Add(d * d)
		}
		if square.Sum == 0 {
			return nil, fmt.Errorf("%s: column %q is constant in the first %d rows", path, t.columns[c], trainEnd)
		}
		t.mean = append(t.mean, mean.Value())
		t.scale = append(t.scale, math.Sqrt(square.Value()))
	}
	return t, nil
}

// score is the error of scaled values.
type score struct {
	MSE float64 `json:"mse"`
	MAE float64 `json:"mae"`
}

// evaluate measures a forecast of horizon steps from every origin whose steps
// all lie in rows [from, to). forecast sets out (len(origins), horizon, width)
// to raw values; what it may look at are the rows before each origin.
func (t *table) evaluate(from, to, horizon int, forecast func(origins []int, out []float32) error) (score, error) {
	const batch = 256
	var p metrics.Point
	out := make([]float32, batch*horizon*t.width)
	for lo := from; lo+horizon <= to; lo += batch {
		var origins []int
		for o := lo; o < lo+batch && o+horizon <= to; o++ {
			origins = append(origins, o)
		}
		got := out[:len(origins)*horizon*t.width]
		if err := forecast(origins, got); err != nil {
			return score{}, err
		}
		for k, o := range origins {
			want := t.raw[o*t.width : (o+horizon)*t.width]
			for i, w := range want {
				unit := t.scale[i%t.width]
				p.Add(float64(w)/unit, float64(got[k*len(want)+i])/unit, 0)
			}
		}
	}
	return score{p.MSE.Value(), p.MAE.Value()}, nil
}

// naive is the seasonal naive forecast, with a period of 1 the last value
// repeated.
func (t *table) naive(horizon, period int) (score, error) {
	return t.evaluate(validationEnd, testEnd, horizon, func(origins []int, out []float32) error {
		n := horizon * t.width
		for k, o := range origins {
			metrics.SeasonalNaive(out[k*n:(k+1)*n], t.raw[:o*t.width], t.width, period)
		}
		return nil
	})
}
