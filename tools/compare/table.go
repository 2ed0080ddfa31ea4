package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/onda-ml/onda/tools/compare/bench"
)

// dash stands where there is no figure.
const dash = "–"

// A table is a Markdown table, written row by row as it comes to be.
type table struct{ w io.Writer }

func newTable(w io.Writer, title string, columns ...string) table {
	fmt.Fprintf(w, "\n%s\n\n", title)
	t := table{w}
	t.row(columns...)
	t.row(strings.Split(strings.Repeat("---,", len(columns)-1)+"---", ",")...)
	return t
}

// row writes a row; a cell may hold anything.
func (t table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = oneLine(c)
	}
	fmt.Fprintf(t.w, "| %s |\n", strings.Join(cells, " | "))
}

// oneLine is the first line of s, shortened, and harmless in a table.
func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > 160 {
		s = string(r[:157]) + "..."
	}
	return strings.ReplaceAll(s, "|", `\|`)
}

// milliseconds has three digits that matter.
func milliseconds(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// spread is a ratio with its quartiles.
func spread(s bench.Stat) string {
	return fmt.Sprintf("**%.2f** (%.2f to %.2f)", s.Ratio, s.Low, s.High)
}

// megabytes of a number of bytes.
func megabytes(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }
