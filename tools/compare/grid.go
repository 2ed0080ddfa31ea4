package main

import (
	"io"
	"slices"
	"strings"
)

// A grid is a table whose rows and columns are in the order in which they first
// had a cell.
type grid struct {
	rows, columns []string
	cells         map[[2]string][]string
}

// add writes text into a cell, after what it has.
func (g *grid) add(row, column, text string) {
	if g.cells == nil {
		g.cells = map[[2]string][]string{}
	}
	if !slices.Contains(g.rows, row) {
		g.rows = append(g.rows, row)
	}
	if !slices.Contains(g.columns, column) {
		g.columns = append(g.columns, column)
	}
	at := [2]string{row, column}
	g.cells[at] = append(g.cells[at], text)
}

// write is nothing for a grid without cells.
func (g *grid) write(w io.Writer, title, corner string) {
	if len(g.rows) == 0 {
		return
	}
	t := newTable(w, title, append([]string{corner}, g.columns...)...)
	for _, row := range g.rows {
		cells := []string{row}
		for _, column := range g.columns {
			cells = append(cells, strings.Join(g.cells[[2]string{row, column}], ", "))
		}
		t.row(cells...)
	}
}
