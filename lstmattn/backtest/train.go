package backtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

// Train is a Fitter that trains a model from its initial weights on all rows it
// gets. The last of them are for validation, as many as training.Split has,
// or in percent, of training and validation together; the rest of the split
// doesn't count. The model forecasts with o, whose covariates are the windows'.
// The windows must be those of c's input_size and horizon, and PerSeries where
// c's scaling is series.
func Train(c lstmattn.Config, training train.Config, o lstmattn.Options, observer train.Observer) Fitter {
	return func(ctx context.Context, past *series.Frame) (Forecaster, error) {
		split, err := pastSplit(training.Split)
		if err != nil {
			return nil, err
		}
		windows, validation, err := train.Datasets(past, c, split)
		if err != nil {
			return nil, err
		}
		m, err := lstmattn.New(c, training.Seed)
		if err != nil {
			return nil, err
		}
		m.SetThreads(training.Threads)
		if err := train.SetScalers(m, windows); err != nil {
			return nil, err
		}
		if _, err := train.Run(ctx, m, windows, validation, training, &train.Options{Observer: observer}); err != nil {
			return nil, err
		}
		return model{m, o}, nil
	}
}

// pastSplit is a split of rows that end at an origin: what is before the split's
// test rows, ending there.
func pastSplit(s train.Split) (train.Split, error) {
	if s.Validation == (train.Range{}) {
		return train.Split{Train: train.Range{From: "0%", To: "100%"}, SkipShort: s.SkipShort}, nil
	}
	from, to := string(s.Validation.From), string(s.Validation.To)
	a, aPercent := strings.CutSuffix(from, "%")
	b, bPercent := strings.CutSuffix(to, "%")
	var cut series.Cut
	switch {
	case aPercent && bPercent:
		x, err := strconv.ParseFloat(a, 64)
		y, also := strconv.ParseFloat(b, 64)
		if err = errors.Join(err, also); err != nil || !(0 < x && x < y) {
			return s, fmt.Errorf("split.validation is %s to %s, expected rising percentages", from, to)
		}
		cut = series.Cut(strconv.FormatFloat(100*x/y, 'g', -1, 64) + "%")
	case aPercent != bPercent:
		return s, fmt.Errorf("split.validation is %s to %s, a refit needs two percentages or two numbers of rows", from, to)
	default:
		x, err := strconv.Atoi(a)
		y, also := strconv.Atoi(b)
		if err = errors.Join(err, also); err != nil || x >= y {
			return s, fmt.Errorf("split.validation is %s to %s, a refit needs two percentages or two numbers of rows", from, to)
		}
		cut = series.Cut(strconv.Itoa(x - y))
	}
	return train.Split{Train: train.Range{From: "0%", To: cut}, Validation: train.Range{From: cut, To: "100%"}, SkipShort: s.SkipShort}, nil
}
