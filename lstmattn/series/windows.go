package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/onda-ml/onda/lstmattn"
)

// WindowOptions say which windows of a frame a dataset has.
type WindowOptions struct {
	InputSize int // L, steps of history
	Horizon   int // T, steps of target
	Stride    int // rows between windows of a series; default 1

	// From and To bound the rows that the targets lie in, [From, To); default
	// all. The history may begin before From.
	From, To Cut

	// Calendar names features of the timestamps, see lstmattn.CalendarFeatures,
	// that follow the frame's future covariates.
	Calendar []string

	// SkipShort leaves out series without a single window, which are an error
	// otherwise.
	SkipShort bool

	// PerSeries scales the columns that are forecast by the mean and standard
	// deviation of their own series, over the rows before From, or before To
	// where nothing is before From. X and Target are no raw values then;
	// Windows.UnscaleForecast turns forecasts back.
	PerSeries bool
}

// Windows is a lstmattn.Dataset: the windows of a frame, series after series,
// in rising order of time.
type Windows struct {
	frame  *Frame
	o      WindowOptions
	spans  []span
	count  []int // how many windows the spans before each have
	total  int
	latest bool // the windows end where the series do
}

// span is the windows of one series.
type span struct {
	series *Series
	number int // of the series in the frame
	origin int // the first row of the first window's target
	to     int // the row after the last that targets may lie in
	scale  *moments
}

var _ lstmattn.Dataset = (*Windows)(nil)

// NewWindows lists the windows of f. It is an error if there is none.
func NewWindows(f *Frame, o WindowOptions) (*Windows, error) {
	o.Stride = cmp.Or(o.Stride, 1)
	if err := o.check(f); err != nil {
		return nil, err
	}
	w := &Windows{frame: f, o: o}
	for i, s := range f.Series {
		from, err := cmp.Or(o.From, "0").Row(s)
		if err != nil {
			return nil, err
		}
		to, err := cmp.Or(o.To, "100%").Row(s)
		if err != nil {
			return nil, err
		}
		first := max(from, o.InputSize)
		if first+o.Horizon > to {
			if o.SkipShort {
				continue
			}
			if from == 0 && to == s.Len() {
				return nil, s.short(o.InputSize + o.Horizon)
			}
			if to <= from {
				return nil, shortError(fmt.Sprintf("%s%s has %d rows, none of them between %s and %s", s.end, s, s.Len(), cmp.Or(o.From, "0"), cmp.Or(o.To, "100%")))
			}
			return nil, shortError(fmt.Sprintf("%s%s has no window of %d and %d rows whose targets lie in its rows %d to %d",
				s.end, s, o.InputSize, o.Horizon, from+1, to))
		}
		fit := from
		if fit == 0 {
			fit = to
		}
		if err := w.add(i, first, to, fit, (to-o.Horizon-first)/o.Stride+1); err != nil {
			return nil, err
		}
	}
	if w.total == 0 {
		return nil, errors.New("no series is long enough for a window")
	}
	return w, nil
}

// NewLatest is one window for each series, the last InputSize rows, to forecast
// what follows: its batches have no target. Of o InputSize, Horizon, Calendar
// and PerSeries count, by all rows. Covariates of f.Future must be known for the
// whole horizon.
func NewLatest(f *Frame, o WindowOptions) (*Windows, error) {
	o.Stride = 1
	if err := o.check(f); err != nil {
		return nil, err
	}
	w := &Windows{frame: f, o: o, latest: true}
	for i, s := range f.Series {
		if s.Len() < o.InputSize {
			return nil, s.short(o.InputSize)
		}
		if len(f.Future) > 0 && s.AheadLen() < o.Horizon {
			return nil, fmt.Errorf("%s%s has %s for %d rows after its last, the horizon needs %d",
				s.end, s, strings.Join(f.Future, ", "), s.AheadLen(), o.Horizon)
		}
		if err := w.add(i, s.Len(), s.Len(), s.Len(), 1); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (o *WindowOptions) check(f *Frame) error {
	if o.InputSize < 1 || o.Horizon < 1 || o.Stride < 1 {
		return fmt.Errorf("the windows' input size is %d, horizon %d and stride %d, expected numbers above 0", o.InputSize, o.Horizon, o.Stride)
	}
	if len(o.Calendar) == 0 {
		return nil
	}
	for _, s := range f.Series {
		if _, ok := s.Times.Time(0); !ok {
			return fmt.Errorf("%s has no dates, which the calendar's %s needs", s, o.Calendar[0])
		}
	}
	_, err := lstmattn.AppendCalendar(nil, o.Calendar, time.Time{})
	return err
}

func (w *Windows) add(number, origin, to, fit, n int) error {
	sp := span{series: w.frame.Series[number], number: number, origin: origin, to: to}
	if w.o.PerSeries {
		m := newMoments(len(w.frame.Columns))
		if err := m.addRows(sp.series, fit); err != nil {
			return err
		}
		sp.scale = m
	}
	w.spans, w.count = append(w.spans, sp), append(w.count, w.total)
	w.total += n
	return nil
}

// NumSeries is the number of series that have windows.
func (w *Windows) NumSeries() int { return len(w.spans) }

// Len is the number of windows of all series together.
func (w *Windows) Len() int { return w.total }

// At is the series, as its place in the frame, and the row at which the target
// of window i begins.
func (w *Windows) At(i int) (series, origin int) {
	sp, origin := w.at(i)
	return sp.number, origin
}

func (w *Windows) at(i int) (*span, int) {
	k := sort.SearchInts(w.count, i+1) - 1
	return &w.spans[k], w.spans[k].origin + (i-w.count[k])*w.o.Stride
}

// Read sets b to the windows of the given indices.
func (w *Windows) Read(ctx context.Context, index []int, b *lstmattn.Batch) error {
	f, L, T := w.frame, w.o.InputSize, w.o.Horizon
	b.Size = len(index)
	b.X = room(b.X, b.Size*L*len(f.Columns))
	b.Past = room(b.Past, b.Size*L*len(f.Past))
	b.Future = room(b.Future, b.Size*(L+T)*(len(f.Future)+len(w.o.Calendar)))
	b.Static = room(b.Static, b.Size*len(f.Static))
	targets := b.Size * T * len(f.Columns)
	if w.latest {
		targets = 0
	}
	b.Target = room(b.Target, targets)
	if !f.Masked {
		targets = 0
	}
	b.Weight = room(b.Weight, targets)
	var scratch []float32
	for k, i := range index {
		if i < 0 || i >= w.total {
			return fmt.Errorf("window %d is asked for, expected 0 to %d", i, w.total-1)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		sp, origin := w.at(i)
		rows, err := w.rows(&scratch, sp.series, origin)
		if err != nil {
			return err
		}
		w.put(b, k, rows, sp)
		if err := w.putCalendar(b, k, sp.series, origin); err != nil {
			return err
		}
	}
	return nil
}

// rows are the rows of the window whose target begins at origin, (L+T, Width),
// after the last row those that are known ahead, as many as there are.
func (w *Windows) rows(scratch *[]float32, s *Series, origin int) ([]float32, error) {
	from, to := origin-w.o.InputSize, origin+w.o.Horizon
	if s.disk == nil && !w.frame.Masked && !w.latest {
		return s.Values[from*s.width : to*s.width], nil
	}
	*scratch = room(*scratch, (to-from)*s.width)
	rows := *scratch
	known := (min(to, s.Len()) - from) * s.width
	if err := s.Read(rows[:known], from); err != nil {
		return nil, err
	}
	n := copy(rows[known:], s.Ahead)
	return rows[:known+n], nil
}
