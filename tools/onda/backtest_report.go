package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/onda-ml/onda/lstmattn/backtest"
	"github.com/onda-ml/onda/lstmattn/metrics"
	"github.com/onda-ml/onda/lstmattn/train"
)

// measures are a score's numbers, in the order in which they are printed.
func measures(r *backtest.Report, s *backtest.Score) []measure {
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

func printReport(w io.Writer, r *backtest.Report, steps, columns bool) error {
	fits := "one model throughout"
	if r.Fits > 1 {
		fits = fmt.Sprintf("fitted %d times", r.Fits)
	}
	fmt.Fprintf(w, "%d forecasts of %d steps, %d series, %d origins, %s\n\n", r.Windows, r.Horizon, r.Series, r.Origins, fits)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }
	naive := fmt.Sprintf("seasonal naive, %d", r.Period)
	line("", "model", naive, "repeat last")
	model, seasonal, last := measures(r, &r.Model), measures(r, &r.SeasonalNaive), measures(r, &r.RepeatLast)
	for i, m := range model {
		if math.IsNaN(m.value) && math.IsNaN(seasonal[i].value) {
			continue
		}
		line(m.name, cell(m.value), cell(seasonal[i].value), cell(last[i].value))
	}
	part := func(title string, rows []backtest.Row) {
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

// jsonReport is a report as JSON has it: what isn't known is null.
func jsonReport(r *backtest.Report) map[string]any {
	three := func(model, seasonal, last *backtest.Score) map[string]any {
		return map[string]any{"model": jsonScore(r, model), "seasonal_naive": jsonScore(r, seasonal), "repeat_last": jsonScore(r, last)}
	}
	rows := func(name string, of []backtest.Row) (out []map[string]any) {
		for i := range of {
			row := three(&of[i].Model, &of[i].SeasonalNaive, &of[i].RepeatLast)
			row[name] = of[i].Name
			out = append(out, row)
		}
		return out
	}
	out := three(&r.Model, &r.SeasonalNaive, &r.RepeatLast)
	for name, v := range map[string]any{
		"windows": r.Windows, "series": r.Series, "origins": r.Origins, "fits": r.Fits, "horizon": r.Horizon, "period": r.Period,
		"quantile_levels": r.Levels, "steps": rows("step_ahead", r.Steps), "columns": rows("column", r.Columns),
	} {
		out[name] = v
	}
	return out
}

func jsonScore(r *backtest.Report, s *backtest.Score) map[string]any {
	number := func(v float64) any {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	}
	out := map[string]any{"values": s.MAE.N, "rmse": number(s.RMSE())}
	for name, m := range map[string]metrics.Mean{
		"mse": s.MSE, "mae": s.MAE, "smape": s.SMAPE, "mase": s.MASE, "quantile_loss": s.QuantileLoss, "crps": s.CRPS,
	} {
		out[name] = number(m.Value())
	}
	coverage := map[string]any{}
	for i, p := range r.Intervals {
		coverage[fmt.Sprint(p)] = number(s.Coverage[i].Value())
	}
	out["coverage"] = coverage
	return out
}

// backtestLog shows progress where standard error is a terminal.
type backtestLog struct {
	w     io.Writer
	shown bool
}

func newBacktestLog(a *app, quiet bool) *backtestLog {
	if quiet || !isTerminal(a.stderr) {
		return &backtestLog{w: io.Discard}
	}
	return &backtestLog{w: a.stderr}
}

func (l *backtestLog) progress(done, all int) { l.print("%d of %d forecasts", done, all) }

// Step is part of train.Observer.
func (l *backtestLog) Step(r train.StepReport) {
	l.print("fitting: epoch %d of %d, step %d, loss %.4g", r.Epoch, r.Epochs, r.Step, r.Loss)
}

// Evaluation is part of train.Observer.
func (l *backtestLog) Evaluation(train.EvaluationReport) {}

func (l *backtestLog) print(format string, args ...any) {
	fmt.Fprintf(l.w, "\r\x1b[K"+format, args...)
	l.shown = true
}

func (l *backtestLog) end() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
