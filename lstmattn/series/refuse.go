package series

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// foreign are files that are taken for CSV, by how they begin.
var foreign = []struct{ start, what string }{
	{"\x1f\x8b", "is compressed by gzip, expected CSV as plain text"},
	{"\x28\xb5\x2f\xfd", "is compressed by zstd, expected CSV as plain text"},
	{"PK\x03\x04", "is a ZIP archive, as spreadsheets are, expected CSV as plain text"},
	{"PAR1", "is Parquet, expected CSV; the name of a Parquet file ends in .parquet"},
	{"\xff\xfe", "is UTF-16, expected UTF-8"},
	{"\xfe\xff", "is UTF-16, expected UTF-8"},
}

// skipStart skips UTF-8's byte order mark and refuses what is no CSV.
func skipStart(text *bufio.Reader) error {
	start, _ := text.Peek(4) // what can't be read is told by the next read
	for _, f := range foreign {
		if bytes.HasPrefix(start, []byte(f.start)) {
			return errors.New("the file " + f.what)
		}
	}
	if bytes.HasPrefix(start, []byte("\ufeff")) {
		_, err := text.Discard(len("\ufeff"))
		return err
	}
	return nil
}

// checkHeader refuses what other separators, line ends and encodings make of a
// header. Its sentences go on after "row 1".
func checkHeader(header []string) error {
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t|") {
		return fmt.Errorf(": there is one column, %s: expected commas between columns", quoted(header[0]))
	}
	for i, h := range header {
		switch {
		case strings.Contains(h, "\r"):
			return errors.New(": lines end in carriage returns alone, expected newlines")
		case !utf8.ValidString(h):
			return fmt.Errorf(", column %d: %s is no UTF-8", i+1, quoted(h))
		}
	}
	return nil
}

// headerError is what is wrong with a file's columns.
type headerError string

func (e headerError) Error() string { return string(e) }

// rowOf is an error of the csv package in the words of the others.
func rowOf(err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return err
	}
	if errors.Is(p.Err, csv.ErrBareQuote) {
		return fmt.Errorf("row %d: byte %d is a quote within a cell that has none at its start", p.Line, p.Column)
	}
	return fmt.Errorf("row %d: a cell's quotes are not closed, or have text after them, at row %d, byte %d", p.StartLine, p.Line, p.Column)
}

// quoted is a cell as messages have it, its beginning if it is long.
func quoted(cell string) string {
	const most = 60
	if len(cell) > most {
		return strconv.Quote(cell[:most]) + "..."
	}
	return strconv.Quote(cell)
}

// list is names as messages have them, the first if they are many.
func list(names []string) string {
	const most = 20
	var out []string
	for i, name := range names {
		if i == most {
			return fmt.Sprintf("%s and %d more", strings.Join(out, ", "), len(names)-most)
		}
		if q := quoted(name); name == "" || len(q) != len(name)+2 {
			name = q
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
