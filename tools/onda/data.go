package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/series/parquet"
)

// dataFlags say how to read a file of series.
type dataFlags struct {
	Data       string   `required:"" help:"The series, CSV or Parquet: long (unique_id, ds, y, ...) or wide (one column per feature); - for CSV from standard input." placeholder:"FILE" type:"existingfile"`
	Columns    []string `help:"The columns to forecast, in the model's order; default the model's feature names, else all but its covariates." placeholder:"NAME"`
	IDColumn   string   `name:"id-column" help:"The column that names the series of a long file; default unique_id." placeholder:"NAME"`
	TimeColumn string   `help:"The column of timestamps; default ds, date, datetime, timestamp or time." placeholder:"NAME"`
	Missing    string   `help:"What to do with empty cells, and with rows that the timestamps leave out: refuse, forward, interpolate, zero, mean, mask." enum:"refuse,forward,interpolate,zero,mean,mask" default:"refuse"`
	InMemory   int      `help:"Files of more megabytes than this go through a temporary file instead of memory; default 1024." default:"1024" placeholder:"MB"`
}

// columnNames are the columns of a file that a model takes.
type columnNames struct {
	columns, past, future, static []string
	calendar                      []string // of no file: features of the timestamps
}

// read reads the file with the columns that a model takes.
func (d *dataFlags) read(a *app, n columnNames) (*series.Frame, error) {
	if len(d.Columns) > 0 {
		if slices.Equal(slices.Sorted(slices.Values(d.Columns)), slices.Sorted(slices.Values(n.columns))) && !slices.Equal(d.Columns, n.columns) {
			return nil, fmt.Errorf("--columns %s: these are the model's, in the order %s", strings.Join(d.Columns, ","), strings.Join(n.columns, ","))
		}
		n.columns = d.Columns
	}
	return d.readFile(a, d.Data, n)
}

func (d *dataFlags) readFile(a *app, path string, n columnNames) (*series.Frame, error) {
	o := series.Options{
		IDColumn: d.IDColumn, TimeColumn: d.TimeColumn, Missing: series.Missing(d.Missing),
		Columns: n.columns, Past: n.past, Future: n.future, Static: n.static,
	}
	frame, err := d.readAny(a, path, o)
	switch {
	case errors.Is(err, series.ErrEmpty):
		return nil, fmt.Errorf("%w; --missing says what to do with empty cells", err)
	case errors.Is(err, series.ErrAbsent):
		return nil, fmt.Errorf("%w; --missing says what to do with absent rows", err)
	case errors.Is(err, series.ErrNoNumber) && len(n.columns) == 0:
		return nil, fmt.Errorf("%w; --columns chooses the columns to forecast, --time-column that of the timestamps", err)
	}
	return frame, err
}

// stdio is the name of standard input or output.
const stdio = "-"

// readAny reads a file by its name's ending.
func (d *dataFlags) readAny(a *app, path string, o series.Options) (*series.Frame, error) {
	if path == stdio {
		frame, err := series.ReadCSV(a.stdin, o)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return frame, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	large := info.Size() > int64(d.InMemory)<<20
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case (ext == ".parquet" || ext == ".pq") && large:
		return parquet.StreamFile(path, "", o)
	case ext == ".parquet" || ext == ".pq":
		return parquet.ReadFile(path, o)
	case large:
		return series.StreamFile(path, "", o)
	}
	return series.ReadFile(path, o)
}

// readFor is read for a model of so many features, 0 for any.
func (d *dataFlags) readFor(a *app, n columnNames, features int) (*series.Frame, error) {
	frame, err := d.read(a, n)
	if err != nil {
		return nil, err
	}
	if features > 0 && features != len(frame.Columns) {
		frame.Close()
		return nil, fmt.Errorf("%s: has %d columns of values (%s), the model takes %d; choose them with --columns",
			d.Data, len(frame.Columns), strings.Join(frame.Columns, ", "), features)
	}
	return frame, nil
}

// args are the flags as they were given.
func (d *dataFlags) args() []string {
	args := []string{"--data", quote(d.Data)}
	add := func(name, v, standard string) {
		if v != standard {
			args = append(args, name, quote(v))
		}
	}
	add("--columns", strings.Join(d.Columns, ","), "")
	add("--id-column", d.IDColumn, "")
	add("--time-column", d.TimeColumn, "")
	add("--missing", d.Missing, string(series.Refuse))
	add("--in-memory", fmt.Sprint(d.InMemory), "1024")
	return args
}
