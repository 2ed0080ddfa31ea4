package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onda-ml/onda/lstmattn/metrics"
)

// published are MSEs that papers give for ETTh1, multivariate, by horizon.
var published = []struct {
	name string
	mse  map[int]float64
}{
	{"DLinear, L = 96 (published)", map[int]float64{96: .386, 192: .437, 336: .481, 720: .519}},
	{"SegRNN, L = 96 (published)", map[int]float64{96: .368, 192: .408, 336: .444, 720: .446}},
	{"PatchTST, L = 96 (published)", map[int]float64{96: .414, 192: .460, 336: .501, 720: .500}},
	{"iTransformer, L = 96 (published)", map[int]float64{96: .386, 192: .441, 336: .487, 720: .503}},
	{"NLinear, L = 336 (published)", map[int]float64{96: .374, 192: .408, 336: .429, 720: .440}},
	{"SegRNN, L = 720 (published)", map[int]float64{96: .351, 192: .392, 336: .423, 720: .466}},
	{"GRU, L = 720 (published)", map[int]float64{96: 1.135, 192: 1.123, 336: 1.080, 720: 1.089}},
	{"LSTMa (published)", map[int]float64{24: .650, 48: .702, 168: 1.212, 336: 1.424, 720: 1.960}},
}

// sections are the tables of recipes, by what their files call them.
var sections = []struct{ table, title string }{
	{"main", "Segments, channels folded, direct decoding:"},
	{"classic", "The classic form, point by point and autoregressive:"},
	{"ablation", "One thing changed at a time, from segments, L = 96:"},
}

// tables are all rows, the naive forecasts and published figures in front.
func tables(naive, trained []result) string {
	var b strings.Builder
	all := slices.Clone(naive)
	for _, p := range published {
		for h, mse := range p.mse {
			all = append(all, result{Name: p.name, Horizon: h, Test: score{MSE: mse}})
		}
	}
	b.WriteString("Naive forecasts, and what papers give:\n\n" + markdown(all))
	for _, s := range sections {
		var rows []result
		for _, r := range trained {
			if r.Table == s.table {
				rows = append(rows, r)
			}
		}
		if len(rows) > 0 {
			b.WriteString("\n" + s.title + "\n\n" + markdown(rows))
		}
	}
	return b.String()
}

// markdown is a table of the results: a row for each name in the order of
// their first appearance, a column for each horizon, in a cell MSE / MAE, the
// mean and, where there are several seeds, the standard deviation over them.
func markdown(results []result) string {
	var names []string
	var horizons []int
	for _, r := range results {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
		if !slices.Contains(horizons, r.Horizon) {
			horizons = append(horizons, r.Horizon)
		}
	}
	slices.Sort(horizons)
	var b strings.Builder
	b.WriteString("| MSE / MAE |")
	for _, h := range horizons {
		fmt.Fprintf(&b, " H=%d |", h)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(horizons)) + "\n")
	for _, name := range names {
		fmt.Fprintf(&b, "| %s |", name)
		for _, h := range horizons {
			fmt.Fprintf(&b, " %s |", cell(results, name, h))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(results []result, name string, horizon int) string {
	var mse, mae []float64
	for _, r := range results {
		if r.Name == name && r.Horizon == horizon {
			mse, mae = append(mse, r.Test.MSE), append(mae, r.Test.MAE)
		}
	}
	if len(mse) == 0 {
		return ""
	}
	if slices.Max(mae) == 0 && slices.Max(mse) > 0 { // published without it
		return spread(mse)
	}
	return spread(mse) + " / " + spread(mae)
}

// spread is the mean, with the sample's standard deviation where there are
// several values.
func spread(v []float64) string {
	var mean, square metrics.Mean
	for _, x := range v {
		mean.Add(x)
	}
	if len(v) == 1 {
		return fmt.Sprintf("%.3f", v[0])
	}
	for _, x := range v {
		square.Add((x - mean.Value()) * (x - mean.Value()))
	}
	return fmt.Sprintf("%.3f ± %.3f", mean.Value(), math.Sqrt(square.Sum/float64(len(v)-1)))
}
