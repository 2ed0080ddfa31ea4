package parquet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/onda-ml/onda/lstmattn/series"
)

// ReadFile reads the file at path into memory, as series.ReadFile does of CSV:
// the same columns have the same meaning. Errors name the file, the row, counted
// from 1, and the column. Null and NaN are missing.
func ReadFile(path string, o series.Options) (*series.Frame, error) {
	return inFile(path, func(header []string) (*series.Builder, error) { return series.NewBuilder(header, o) })
}

// StreamFile is ReadFile of data larger than memory, as series.StreamFile.
func StreamFile(path, dir string, o series.Options) (*series.Frame, error) {
	return inFile(path, func(header []string) (*series.Builder, error) { return series.NewStreamBuilder(header, dir, o) })
}

func inFile(path string, begin func(header []string) (*series.Builder, error)) (*series.Frame, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	frame, err := read(f, info.Size(), begin)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return frame, nil
}

// Read is ReadFile of size bytes at r.
func Read(r io.ReaderAt, size int64, o series.Options) (*series.Frame, error) {
	return read(r, size, func(header []string) (*series.Builder, error) { return series.NewBuilder(header, o) })
}

// read turns what the library panics with, on some damaged files, into errors.
func read(r io.ReaderAt, size int64, begin func(header []string) (*series.Builder, error)) (_ *series.Frame, err error) {
	var b *series.Builder
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
		if err != nil && b != nil {
			b.Discard()
		}
	}()
	if size < 12 {
		return nil, errors.New("the file is too short for Parquet")
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("not a Parquet file: %w", err)
	}
	header := names(f.Schema())
	if b, err = begin(slices.Clone(header)); err != nil {
		return nil, err
	}
	t := &table{builder: b, values: make([]float32, len(b.ValueColumns()))}
	for _, i := range b.ValueColumns() {
		if err := t.add(f.Schema(), header[i], numbers); err != nil {
			return nil, err
		}
	}
	for _, c := range []struct {
		at   int
		kind func(parquet.Type) (converter, error)
		to   **column
	}{{b.IDColumn(), ids, &t.id}, {b.TimeColumn(), times, &t.time}} {
		if c.at < 0 {
			continue
		}
		if err := t.add(f.Schema(), header[c.at], c.kind); err != nil {
			return nil, err
		}
		*c.to = t.columns[len(t.columns)-1]
	}
	for _, g := range f.RowGroups() {
		if err := t.read(g); err != nil {
			return nil, err
		}
	}
	return b.Frame()
}

// names are the file's columns, without the numbers that pandas gives rows.
func names(s *parquet.Schema) (names []string) {
	for _, f := range s.Fields() {
		if !strings.HasPrefix(f.Name(), "__index_level_") {
			names = append(names, f.Name())
		}
	}
	return names
}

// table reads the columns that count, block by block.
type table struct {
	builder  *series.Builder
	columns  []*column // of the values, then of the name and the timestamp
	id, time *column
	values   []float32 // a row
	row      int       // rows read
}

// column is one column of a block of rows.
type column struct {
	name    string
	leaf    int
	convert converter
	numbers []float64
	text    []string
}

// converter appends a value to the column's numbers or text.
type converter func(c *column, v parquet.Value) error

func (t *table) add(s *parquet.Schema, name string, kind func(parquet.Type) (converter, error)) error {
	leaf, ok := s.Lookup(name)
	if !ok || leaf.Node.Repeated() || leaf.MaxRepetitionLevel > 0 {
		return fmt.Errorf("column %q: is a list or a group, expected one value in each row", name)
	}
	convert, err := kind(leaf.Node.Type())
	if err != nil {
		return fmt.Errorf("column %q: %w", name, err)
	}
	t.columns = append(t.columns, &column{name: name, leaf: leaf.ColumnIndex, convert: convert})
	return nil
}

// block is how many rows are read together.
const block = 1024

// read takes the rows of one row group.
func (t *table) read(g parquet.RowGroup) error {
	chunks := g.ColumnChunks()
	readers := make([]parquet.ColumnChunkValueReader, len(t.columns))
	for k, c := range t.columns {
		readers[k] = parquet.NewColumnChunkValueReader(chunks[c.leaf])
		defer readers[k].Close()
	}
	for left := g.NumRows(); left > 0; {
		n := int(min(left, block))
		for k, c := range t.columns {
			if err := c.read(readers[k], n, t.row); err != nil {
				return err
			}
		}
		for i := range n {
			t.row++
			for k := range t.values {
				t.values[k] = t.builder.Float32(k, t.columns[k].numbers[i])
			}
			if err := t.builder.Add(t.row, textOf(t.id, i), textOf(t.time, i), t.values); err != nil {
				return err
			}
		}
		left -= int64(n)
	}
	return nil
}

func textOf(c *column, i int) string {
	if c == nil {
		return ""
	}
	return c.text[i]
}

// read takes the next n values, of which the first stands in the row after the
// given one.
func (c *column) read(r parquet.ValueReader, n, row int) error {
	c.numbers, c.text = c.numbers[:0], c.text[:0]
	var values [128]parquet.Value
	for have := 0; have < n; {
		// The values are converted before the next are read, to which the memory
		// of their text belongs.
		got, err := r.ReadValues(values[:min(n-have, len(values))])
		for _, v := range values[:got] {
			have++
			if err := c.convert(c, v); err != nil {
				return fmt.Errorf("row %d, column %q: %w", row+have, c.name, err)
			}
		}
		if have < n && err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the column ends before the others")
			}
			return fmt.Errorf("row %d, column %q: %w", row+have+1, c.name, err)
		}
		if got == 0 && err == nil {
			return fmt.Errorf("row %d, column %q: no value can be read", row+have+1, c.name)
		}
	}
	return nil
}
