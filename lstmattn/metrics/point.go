package metrics

import "math"

// Mean is a running mean.
type Mean struct {
	N   int     // values counted
	Sum float64 // of those values
}

// Add counts v as one more value of the mean.
func (m *Mean) Add(v float64) {
	m.N++
	m.Sum += v
}

// Merge counts all that o has counted.
func (m *Mean) Merge(o Mean) {
	m.N += o.N
	m.Sum += o.Sum
}

// Value is the mean, NaN of nothing.
func (m Mean) Value() float64 { return m.Sum / float64(m.N) }

// Point is the errors of point forecasts, each a mean over the values counted.
type Point struct {
	MSE   Mean // the square, in the data's unit squared
	MAE   Mean // the absolute error, in the data's unit
	SMAPE Mean // 200*|a-f| / (|a|+|f|), from 0 to 200; 0 where both are 0 (Makridakis, Spiliotis and Assimakopoulos 2018)
	MASE  Mean // the absolute error over the scale (Hyndman and Koehler 2006)
}

// Add counts one forecast. An actual value of NaN is a missing one and counts
// nowhere. Scale is the unit of the MASE, see [NaiveScale]; where it isn't above
// 0 the forecast doesn't count in the MASE.
func (p *Point) Add(actual, forecast, scale float64) {
	if math.IsNaN(actual) {
		return
	}
	e := math.Abs(actual - forecast)
	p.MSE.Add(e * e)
	p.MAE.Add(e)
	if size := math.Abs(actual) + math.Abs(forecast); size == 0 {
		p.SMAPE.Add(0)
	} else {
		p.SMAPE.Add(200 * e / size)
	}
	if scale > 0 {
		p.MASE.Add(e / scale)
	}
}

// Merge counts all that o has counted.
func (p *Point) Merge(o *Point) {
	p.MSE.Merge(o.MSE)
	p.MAE.Merge(o.MAE)
	p.SMAPE.Merge(o.SMAPE)
	p.MASE.Merge(o.MASE)
}

// RMSE is the root of the mean square.
func (p *Point) RMSE() float64 { return math.Sqrt(p.MSE.Value()) }

// NaiveScale is the mean absolute error of the seasonal naive forecast within
// the past, the unit of the MASE:
//
//	mean over t >= period of |past[t] - past[t-period]|
//
// The pairs of which one is NaN are left out. It is NaN where no pair is left.
func NaiveScale(past []float64, period int) float64 {
	var m Mean
	for t := max(period, 1); t < len(past); t++ {
		if e := math.Abs(past[t] - past[t-max(period, 1)]); !math.IsNaN(e) {
			m.Add(e)
		}
	}
	return m.Value()
}
