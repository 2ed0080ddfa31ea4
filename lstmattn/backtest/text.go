package backtest

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// measures are a score's numbers, in the order in which they are printed.
func (r *Report) measures(s *Score) []measure {
	out := []measure{
		{"MSE", s.MSE.Value()}, {"MAE", s.MAE.Value()}, {"RMSE", s.RMSE()}, {"sMAPE, %", s.SMAPE.Value()}, {"MASE", s.MASE.Value()},
		{"quantile loss", s.QuantileLoss.Value()}, {"CRPS", s.CRPS.Value()},
	}
	for i, p := range r.Intervals {
		out = append(out, measure{fmt.Sprintf("coverage of %g %%, %%", 100*p), 100 * s.Coverage[i].Value()})
	}
	return out
}

type measure struct {
	name  string
	value float64
}

// cell is a number with four digits, a dash where there is none.
func cell(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.4g", v)
}

// WriteText writes the report as a table, the model beside the naive forecasts,
// and if asked for tables of the columns and of the steps ahead. Measures that
// neither has are left out.
func (r *Report) WriteText(w io.Writer, steps, columns bool) error {
	fits := "one model throughout"
	if r.Fits > 1 {
		fits = fmt.Sprintf("fitted %d times", r.Fits)
	}
	if _, err := fmt.Fprintf(w, "%d forecasts of %d steps, %d series, %d origins, %s\n\n", r.Windows, r.Horizon, r.Series, r.Origins, fits); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }
	naive := fmt.Sprintf("seasonal naive, %d", r.Period)
	line("", "model", naive, "repeat last")
	model, seasonal, last := r.measures(&r.Model), r.measures(&r.SeasonalNaive), r.measures(&r.RepeatLast)
	for i, m := range model {
		if math.IsNaN(m.value) && math.IsNaN(seasonal[i].value) {
			continue
		}
		line(m.name, cell(m.value), cell(seasonal[i].value), cell(last[i].value))
	}
	part := func(title string, rows []Row) {
		t.Flush()
		fmt.Fprintln(w)
		line(title, "MSE", "MAE", "CRPS", "MSE: "+naive, "MAE", "MSE: repeat last", "MAE")
		for _, row := range rows {
			line(row.Name, cell(row.Model.MSE.Value()), cell(row.Model.MAE.Value()), cell(row.Model.CRPS.Value()),
				cell(row.SeasonalNaive.MSE.Value()), cell(row.SeasonalNaive.MAE.Value()),
				cell(row.RepeatLast.MSE.Value()), cell(row.RepeatLast.MAE.Value()))
		}
	}
	if columns {
		part("column", r.Columns)
	}
	if steps {
		part("step ahead", r.Steps)
	}
	return t.Flush()
}
