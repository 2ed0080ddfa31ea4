package series

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Missing is the rule for empty cells (also NaN, NA and null).
type Missing string

// The rules.
const (
	Refuse      Missing = "refuse"      // an error that names row and column
	Forward     Missing = "forward"     // the value before it; zero at the start
	Interpolate Missing = "interpolate" // on the line between its neighbours; the nearest at an end
	Zero        Missing = "zero"
)

// Options say how to read a file.
type Options struct {
	IDColumn   string   // default unique_id; a file without it is wide
	TimeColumn string   // default the first of ds, date, timestamp, time
	Columns    []string // which columns are values, in which order; default all others
	Missing    Missing  // default Refuse
}

// ReadFile is ReadCSV of the file at path, whose name its errors carry.
func ReadFile(path string, o Options) (*Frame, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	frame, err := ReadCSV(f, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return frame, nil
}

// ReadCSV reads a long or wide CSV file with a header. Errors name the row, as
// a line number counted from 1 for the header, and the column.
func ReadCSV(r io.Reader, o Options) (*Frame, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty, expected a header and rows")
	}
	if err != nil {
		return nil, err
	}
	p, err := newParser(slices.Clone(header), o)
	if err != nil {
		return nil, err
	}
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := c.FieldPos(0)
		if err := p.row(line, record); err != nil {
			return nil, err
		}
	}
	return p.finish()
}

// parser gathers rows by series.
type parser struct {
	o        Options
	frame    *Frame
	header   []string
	id, time int // column numbers, -1 where there is none
	columns  []int
	groups   map[string]*group
	order    []*group
}

type group struct {
	id     string
	lines  []int
	stamps []string
	values []float32
	gaps   []gap
}

// gap is a missing cell.
type gap struct{ row, column int }

func newParser(header []string, o Options) (*parser, error) {
	for i, h := range header {
		header[i] = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
		if slices.Contains(header[:i], header[i]) {
			return nil, fmt.Errorf("row 1: column %q appears twice", header[i])
		}
	}
	if o.Missing == "" {
		o.Missing = Refuse
	}
	if !slices.Contains([]Missing{Refuse, Forward, Interpolate, Zero}, o.Missing) {
		return nil, fmt.Errorf("rule %q for missing cells, expected refuse, forward, interpolate or zero", o.Missing)
	}
	p := &parser{o: o, header: header, frame: &Frame{}, groups: map[string]*group{}}
	var err error
	if p.id, err = p.find(o.IDColumn, "unique_id"); err != nil {
		return nil, err
	}
	if p.time, err = p.find(o.TimeColumn, "ds", "date", "timestamp", "time"); err != nil {
		return nil, err
	}
	if p.id >= 0 {
		p.frame.IDColumn = header[p.id]
	}
	if p.time >= 0 {
		p.frame.TimeColumn = header[p.time]
	}
	for _, name := range o.Columns {
		i := slices.Index(header, name)
		if i < 0 {
			return nil, fmt.Errorf("no column %q; the file has %s", name, strings.Join(header, ", "))
		}
		p.columns = append(p.columns, i)
	}
	if len(o.Columns) == 0 {
		for i := range header {
			if i != p.id && i != p.time {
				p.columns = append(p.columns, i)
			}
		}
	}
	if len(p.columns) == 0 {
		return nil, fmt.Errorf("no column of values; the file has %s", strings.Join(header, ", "))
	}
	for _, i := range p.columns {
		p.frame.Columns = append(p.frame.Columns, header[i])
	}
	return p, nil
}

// find is the column that was asked for by name, or the first usual one.
func (p *parser) find(asked string, usual ...string) (int, error) {
	if asked != "" {
		if i := slices.Index(p.header, asked); i >= 0 {
			return i, nil
		}
		return -1, fmt.Errorf("no column %q; the file has %s", asked, strings.Join(p.header, ", "))
	}
	for _, name := range usual {
		if i := slices.Index(p.header, name); i >= 0 {
			return i, nil
		}
	}
	return -1, nil
}

func (p *parser) row(line int, record []string) error {
	id := ""
	if p.id >= 0 {
		id = strings.Clone(strings.TrimSpace(record[p.id]))
	}
	g := p.groups[id]
	if g == nil {
		g = &group{id: id}
		p.groups[id] = g
		p.order = append(p.order, g)
	}
	if p.time >= 0 {
		g.stamps = append(g.stamps, strings.Clone(strings.TrimSpace(record[p.time])))
	}
	for k, i := range p.columns {
		cell := strings.TrimSpace(record[i])
		if missing(cell) {
			if p.o.Missing == Refuse {
				return fmt.Errorf("row %d, column %q: is empty", line, p.header[i])
			}
			g.gaps = append(g.gaps, gap{len(g.lines), k})
			g.values = append(g.values, 0)
			continue
		}
		v, err := strconv.ParseFloat(cell, 32)
		if err != nil || math.IsInf(v, 0) {
			return fmt.Errorf("row %d, column %q: %q is no finite number", line, p.header[i], cell)
		}
		g.values = append(g.values, float32(v))
	}
	g.lines = append(g.lines, line)
	return nil
}

func missing(cell string) bool {
	switch strings.ToLower(cell) {
	case "", "nan", "na", "null":
		return true
	}
	return false
}

func (p *parser) finish() (*Frame, error) {
	if len(p.order) == 0 {
		return nil, errors.New("the file has a header and no rows")
	}
	for _, g := range p.order {
		s := &Series{ID: g.id, Values: g.values, Times: Count(len(g.lines))}
		if p.time >= 0 {
			times, bad, err := ParseTimes(g.stamps)
			if err != nil {
				return nil, fmt.Errorf("row %d, column %q: %w", g.lines[bad], p.frame.TimeColumn, err)
			}
			s.Times = times
		}
		fillGaps(g, len(p.columns), p.o.Missing)
		p.frame.Series = append(p.frame.Series, s)
	}
	return p.frame, nil
}

// fillGaps gives the missing cells of g values by the rule.
func fillGaps(g *group, width int, rule Missing) {
	if rule == Zero || len(g.gaps) == 0 {
		return
	}
	gone := make(map[gap]bool, len(g.gaps))
	for _, at := range g.gaps {
		gone[at] = true
	}
	rows := len(g.lines)
	at := func(row, column int) *float32 { return &g.values[row*width+column] }
	for column := range width {
		before := -1
		for row := 0; row < rows; row++ {
			if !gone[gap{row, column}] {
				before = row
				continue
			}
			if rule == Forward {
				if row > 0 {
					*at(row, column) = *at(row-1, column)
				}
				continue
			}
			after := row
			for after < rows && gone[gap{after, column}] {
				after++
			}
			for i := row; i < after; i++ {
				switch {
				case before < 0 && after == rows:
				case before < 0:
					*at(i, column) = *at(after, column)
				case after == rows:
					*at(i, column) = *at(before, column)
				default:
					w := float32(i-before) / float32(after-before)
					*at(i, column) = *at(before, column)*(1-w) + *at(after, column)*w
				}
			}
			row = after - 1
		}
	}
}
