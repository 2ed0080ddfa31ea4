package series

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// Options say how to read a file.
type Options struct {
	IDColumn   string   // default unique_id, in capitals or not; a file without it is wide
	TimeColumn string   // default the first of ds, date, datetime, timestamp, time, in capitals or not
	Columns    []string // which columns are forecast, in which order; default all that nothing else names
	Past       []string // covariates that are known for the past only
	Future     []string // covariates that are known ahead: the last rows of a series may have them alone
	Static     []string // covariates that don't change within a series
	Missing    Missing  // default Refuse

	// Memory bounds the bytes of rows that StreamFile and StreamCSV gather
	// before they write them; default 32 MiB. A process takes a few times that
	// while it reads, however large the file is.
	Memory int
}

// ReadFile is ReadCSV of the file at path, whose name its errors carry.
func ReadFile(path string, o Options) (*Frame, error) {
	return inFile(path, func(f io.Reader) (*Frame, error) { return ReadCSV(f, o) })
}

// StreamFile is StreamCSV of the file at path, whose name its errors carry.
func StreamFile(path, dir string, o Options) (*Frame, error) {
	return inFile(path, func(f io.Reader) (*Frame, error) { return StreamCSV(f, dir, o) })
}

func inFile(path string, read func(io.Reader) (*Frame, error)) (*Frame, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	frame, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return frame, nil
}

// ReadCSV reads a long or wide CSV file with a header. Errors name the row, as
// a line number counted from 1 for the header, and the column.
func ReadCSV(r io.Reader, o Options) (*Frame, error) {
	return readCSV(r, func(header []string) (*Builder, error) { return NewBuilder(header, o) })
}

// StreamCSV is ReadCSV of data larger than memory: in one pass it writes the
// rows to a file in dir ("" for the system's temporary folder), from which the
// frame reads them until it is closed. It holds a few numbers for each series
// and o.Memory bytes of rows.
func StreamCSV(r io.Reader, dir string, o Options) (*Frame, error) {
	return readCSV(r, func(header []string) (*Builder, error) { return NewStreamBuilder(header, dir, o) })
}

func readCSV(r io.Reader, begin func(header []string) (*Builder, error)) (_ *Frame, err error) {
	text := bufio.NewReaderSize(r, 1<<16)
	if err := skipStart(text); err != nil {
		return nil, err
	}
	c := csv.NewReader(text)
	c.ReuseRecord = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty, expected a header and rows")
	}
	if err != nil {
		return nil, rowOf(err)
	}
	if err := checkHeader(header); err != nil {
		return nil, fmt.Errorf("row 1%w", err)
	}
	b, err := begin(append([]string{}, header...))
	if errors.As(err, new(headerError)) {
		return nil, fmt.Errorf("row 1: %w", err)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.Discard()
		}
	}()
	values := make([]float32, len(b.at))
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return b.Frame()
		}
		if errors.Is(err, csv.ErrFieldCount) {
			line, _ := c.FieldPos(0)
			return nil, fmt.Errorf("row %d: has %d cells, the header has %d", line, len(record), len(header))
		}
		if err != nil {
			return nil, rowOf(err)
		}
		line, _ := c.FieldPos(0)
		for k, i := range b.at {
			v, err := number(record[i])
			if err != nil {
				return nil, fmt.Errorf("row %d, column %q: %w", line, b.header[i], err)
			}
			values[k] = b.Float32(k, v)
		}
		if err := b.Add(line, cellOf(record, b.id), cellOf(record, b.time), values); err != nil {
			return nil, err
		}
	}
}

// cellOf is cell i, "" where there is no such column.
func cellOf(record []string, i int) string {
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(record[i])
}

// ErrNoNumber is what a cell with other text than a number is refused with.
var ErrNoNumber = errors.New("is no finite number")

// number is a cell's value, NaN where it is missing.
func number(cell string) (float64, error) {
	cell = strings.TrimSpace(cell)
	switch strings.ToLower(cell) {
	case "", "nan", "na", "null":
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsInf(float64(float32(v)), 0) || strings.ContainsAny(cell, "_xX") { // what Go alone takes for a number
		return 0, fmt.Errorf("%s %w", quoted(cell), ErrNoNumber)
	}
	return v, nil
}

// memory is o's bound in values.
func (o *Options) memory() int { return max(cmp.Or(o.Memory, 32<<20)/4, 1) }
