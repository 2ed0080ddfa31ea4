package series

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Builder gathers rows by series and checks them: what readers of any file
// format share.
type Builder struct {
	o        Options
	frame    *Frame
	header   []string
	id, time int   // the places of their columns in the header, -1 where there are none
	at       []int // of the values
	groups   map[string]*group
	order    []*group
	store    *store // nil in memory

	rounding []rounding // by value column

	rows, absent int       // with timestamps: read, and between them
	empty        []float32 // the values of a row that is absent
}

// group is a series that grows.
type group struct {
	series *Series
	clock  clock
	fill   filler
	rows   int
	line   int // of the last row
	static []float32
	// Rows at the end in which only what is known ahead has values: the time
	// ahead, unless others follow.
	ahead []float32
	lines []int
}

// NewBuilder begins a frame in memory of files with the given header, which it
// keeps and trims.
func NewBuilder(header []string, o Options) (*Builder, error) {
	for i, h := range header {
		header[i] = strings.TrimSpace(h)
		if header[i] != "" && slices.Contains(header[:i], header[i]) {
			return nil, headerError(fmt.Sprintf("column %s appears twice", quoted(header[i])))
		}
	}
	if o.Missing == "" {
		o.Missing = Refuse
	}
	if err := o.Missing.check(); err != nil {
		return nil, err
	}
	b := &Builder{o: o, header: header, groups: map[string]*group{}}
	f := &Frame{Columns: slices.Clone(o.Columns), Past: o.Past, Future: o.Future, Static: o.Static}
	b.frame = f
	var err error
	if b.id, err = b.find(o.IDColumn, "unique_id"); err != nil {
		return nil, err
	}
	if b.time, err = b.find(o.TimeColumn, "ds", "date", "datetime", "timestamp", "time"); err != nil {
		return nil, err
	}
	if b.id >= 0 {
		f.IDColumn = header[b.id]
	}
	if b.time >= 0 {
		f.TimeColumn = header[b.time]
	}
	if len(f.Columns) == 0 {
		for i, h := range header {
			if i == b.id || i == b.time || slices.Contains(f.Headers(), h) {
				continue
			}
			if h == "" {
				return nil, headerError(fmt.Sprintf("column %d has no name; name it, or say which columns are forecast", i+1))
			}
			f.Columns = append(f.Columns, h)
		}
	}
	if len(f.Columns) == 0 {
		return nil, headerError("no column of values; the file has " + list(header))
	}
	for k, name := range f.Headers() {
		i := slices.Index(header, name)
		if i < 0 {
			return nil, b.noColumn(name)
		}
		if slices.Contains(f.Headers()[:k], name) {
			return nil, fmt.Errorf("column %q is asked for twice", name)
		}
		b.at = append(b.at, i)
	}
	b.rounding = make([]rounding, len(b.at))
	return b, nil
}

// NewStreamBuilder begins a frame on disk, see [StreamCSV].
func NewStreamBuilder(header []string, dir string, o Options) (*Builder, error) {
	b, err := NewBuilder(header, o)
	if err != nil {
		return nil, err
	}
	b.store, err = newStore(dir, o.memory())
	return b, err
}

// find is the column that was asked for by name, or the first usual one.
func (b *Builder) find(asked string, usual ...string) (int, error) {
	if asked != "" {
		if i := slices.Index(b.header, asked); i >= 0 {
			return i, nil
		}
		return -1, b.noColumn(asked)
	}
	for _, name := range usual {
		if i := slices.IndexFunc(b.header, func(h string) bool { return strings.EqualFold(h, name) }); i >= 0 {
			return i, nil
		}
	}
	return -1, nil
}

func (b *Builder) noColumn(name string) error {
	return headerError(fmt.Sprintf("no column %s; the file has %s", quoted(name), list(b.header)))
}

// ValueColumns are the places in the header of the values that Add takes, in
// their order.
func (b *Builder) ValueColumns() []int { return b.at }

// IDColumn is the place in the header of the series' name, -1 where there is none.
func (b *Builder) IDColumn() int { return b.id }

// TimeColumn is the place in the header of the timestamp, -1 where there is none.
func (b *Builder) TimeColumn() int { return b.time }

// Add takes one row: the name of its series, its timestamp and its values, NaN
// where they are missing, which it may change. Line is its number in errors.
func (b *Builder) Add(line int, id, stamp string, values []float32) error {
	for k, v := range values {
		if math.IsInf(float64(v), 0) {
			return fmt.Errorf("row %d, column %q: %v is no finite number", line, b.header[b.at[k]], v)
		}
	}
	g := b.groups[id]
	if g == nil {
		if id == "" && b.id >= 0 {
			return fmt.Errorf("row %d, column %q: is empty, expected the name of a series", line, b.frame.IDColumn)
		}
		g = b.newGroup(strings.Clone(id))
	}
	if err := b.checkStatic(g, line, values); err != nil {
		return err
	}
	if b.time >= 0 {
		if err := b.tick(g, line, strings.Clone(stamp)); err != nil {
			return err
		}
	}
	return b.put(g, line, values)
}

// tick takes a row's timestamp, and adds empty rows where some are absent before
// it, if a rule says what empty cells are.
func (b *Builder) tick(g *group, line int, stamp string) error {
	at := func(err error) error { return fmt.Errorf("row %d, column %q: %w", line, b.frame.TimeColumn, err) }
	if first := b.order[0]; b.o.Missing != Refuse && g.clock.n == 1 && g != first && first.clock.n > 1 {
		g.clock.like = &first.clock.Times
	}
	absent, err := g.clock.next(stamp)
	if err != nil {
		return at(err)
	}
	if absent > 0 && b.o.Missing == Refuse {
		return at(g.clock.refuse(stamp))
	}
	b.rows++
	if b.absent += absent; b.absent > 10*b.rows+10000 {
		return at(fmt.Errorf("%s follows %s: %d rows are absent, with those before more than are filled, %d", stamp, g.clock.last, absent, 10*b.rows+10000))
	}
	g.clock.take(stamp, absent)
	for range absent {
		b.empty = b.empty[:0]
		for range b.frame.Width() - len(g.static) {
			b.empty = append(b.empty, float32(math.NaN()))
		}
		b.empty = append(b.empty, g.static...)
		if err := b.put(g, line, b.empty); err != nil {
			return err
		}
	}
	return nil
}

// put takes a row that is known to come next.
func (b *Builder) put(g *group, line int, values []float32) error {
	if len(b.frame.Future) > 0 && b.onlyAhead(values) {
		g.ahead, g.lines = append(g.ahead, values...), append(g.lines, line)
		return nil
	}
	for k, at := range g.lines {
		if err := b.keep(g, at, g.ahead[k*len(values):(k+1)*len(values)]); err != nil {
			return err
		}
	}
	g.ahead, g.lines = nil, nil
	return b.keep(g, line, values)
}

func (b *Builder) newGroup(id string) *group {
	width := b.frame.Width()
	g := &group{series: &Series{ID: id, width: width}}
	g.fill = filler{rule: b.o.Missing, columns: make([]column, width)}
	if b.store != nil {
		g.series.disk = b.store.add(width)
	}
	b.groups[id] = g
	b.order = append(b.order, g)
	return g
}

// checkStatic compares the static columns with the series' first row.
func (b *Builder) checkStatic(g *group, line int, values []float32) error {
	n := len(b.frame.Static)
	if n == 0 {
		return nil
	}
	lo := len(values) - n
	for k, v := range values[lo:] {
		name := b.frame.Static[k]
		if v != v {
			return fmt.Errorf("row %d, column %q: is empty, a static column needs a value in every row", line, name)
		}
		if g.static != nil && v != g.static[k] {
			return fmt.Errorf("row %d, column %q: %v follows %v, a static column keeps its value within a series", line, name, v, g.static[k])
		}
	}
	if g.static == nil {
		g.static = slices.Clone(values[lo:])
	}
	return nil
}

// onlyAhead says whether a row has no value in Columns and Past.
func (b *Builder) onlyAhead(values []float32) bool {
	for _, v := range values[:len(b.frame.Columns)+len(b.frame.Past)] {
		if v == v {
			return false
		}
	}
	return true
}

// keep appends a row of the past to its series.
func (b *Builder) keep(g *group, line int, values []float32) error {
	for k, v := range values {
		if v == v {
			continue
		}
		if b.o.Missing == Refuse {
			return fmt.Errorf("row %d, column %q: %w", line, b.header[b.at[k]], ErrEmpty)
		}
		b.frame.Masked = b.frame.Masked || b.o.Missing == Mask
	}
	if err := g.fill.row(g.rows, values, g.series.patch); err != nil {
		return err
	}
	g.rows++
	g.line = line
	if g.series.disk != nil {
		return g.series.disk.append(values)
	}
	g.series.Values = append(g.series.Values, values...)
	return nil
}

func (s *Series) patch(row, column int, v float32) error {
	if s.disk != nil {
		return s.disk.patch(row, column, v)
	}
	s.Values[row*s.width+column] = v
	return nil
}
