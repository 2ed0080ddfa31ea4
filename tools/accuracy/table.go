package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/onda-ml/onda/lstmattn/metrics"
)

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

// intoReadme puts text between the marks of the file at path.
func intoReadme(path, text string) error {
	const begin, end = "<!-- accuracy: written by make accuracy -->\n", "<!-- end of accuracy -->"
	readme, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(readme), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s: the marks around the accuracy table are missing", path)
	}
	return replaceFile(path, []byte(head+begin+text+end+tail))
}
