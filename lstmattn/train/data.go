package train

import (
	"errors"
	"fmt"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// Datasets cuts a frame, whose columns are the model's, into the windows that a
// split has for training and validation; validation is nil where it has none.
func Datasets(frame *series.Frame, c lstmattn.Config, split Split) (training *series.Windows, validation lstmattn.Dataset, err error) {
	windows := func(name string, r Range) (*series.Windows, error) {
		w, err := series.NewWindows(frame, series.WindowOptions{
			InputSize: c.InputSize, Horizon: c.Horizon, From: r.From, To: r.To, Calendar: c.Calendar, PerSeries: c.Scaling == lstmattn.ScalingSeries,
			SkipShort: split.SkipShort,
		})
		if err != nil {
			return nil, fmt.Errorf("split.%s: %w", name, err)
		}
		return w, nil
	}
	if training, err = windows("train", split.Train); err != nil || split.Validation.empty() {
		return training, nil, err
	}
	check, err := windows("validation", split.Validation)
	if err != nil {
		return nil, nil, err
	}
	return training, check, nil
}

// SetScalers sets the model's scalers to the means and deviations of the
// training rows.
func SetScalers(m *lstmattn.Model, training *series.Windows) error {
	s, err := training.Scalers()
	if err != nil {
		return err
	}
	err = m.SetScaler(s.Columns.Mean, s.Columns.Scale)
	return errors.Join(err,
		m.SetCovariateScaler("past", s.Past.Mean, s.Past.Scale),
		m.SetCovariateScaler("future", s.Future.Mean, s.Future.Scale),
		m.SetCovariateScaler("static", s.Static.Mean, s.Static.Scale))
}
