package series

import (
	"fmt"
	"strconv"
	"time"
)

// Times are equally spaced timestamps: n of them, each a fixed duration or a
// number of calendar months after the one before, or plain integers.
type Times struct {
	n      int
	start  time.Time
	layout string // how the file writes them; "" for integers
	step   time.Duration
	months int
	first  int64 // of integers
	stride int64
	atEnd  bool // every one is the last day of its month
}

// layouts are the timestamps that files hold.
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01", "2006/01/02 15:04:05", "2006/01/02", "2006/1/2 15:04"}

// Count is n integers from 0, for files without timestamps.
func Count(n int) Times { return Times{n: n, stride: 1} }

// ParseTimes reads timestamps. The error of one that can't be read, repeats or
// breaks the step comes with its position.
func ParseTimes(cells []string) (t Times, bad int, err error) {
	t.n = len(cells)
	if t.n == 0 {
		return t, 0, nil
	}
	if _, err := strconv.ParseInt(cells[0], 10, 64); err == nil {
		return parseIntegers(cells)
	}
	for _, l := range layouts {
		if _, err := time.Parse(l, cells[0]); err == nil {
			t.layout = l
			break
		}
	}
	if t.layout == "" {
		return t, 0, fmt.Errorf("%q is no timestamp, expected one such as 2006-01-02 15:04:05 or an integer", cells[0])
	}
	times := make([]time.Time, len(cells))
	for i, c := range cells {
		if times[i], err = time.Parse(t.layout, c); err != nil {
			return t, i, fmt.Errorf("%q is no timestamp of the form %s, which the first row has", c, t.layout)
		}
	}
	t.start = times[0]
	if len(times) == 1 {
		t.step = 24 * time.Hour
		return t, 0, nil
	}
	t.guess(times)
	for i := 1; i < len(times); i++ {
		switch want := t.at(i); {
		case times[i].Equal(times[i-1]):
			return t, i, fmt.Errorf("%s appears twice", cells[i])
		case times[i].Before(times[i-1]):
			return t, i, fmt.Errorf("%s follows %s, expected rising order", cells[i], cells[i-1])
		case !times[i].Equal(want):
			return t, i, fmt.Errorf("%s follows %s, expected %s: the rows must be equally spaced", cells[i], cells[i-1], want.Format(t.layout))
		}
	}
	return t, 0, nil
}

// guess takes the step from the first two timestamps: calendar months where
// the day of the month stays, else the duration between them.
func (t *Times) guess(times []time.Time) {
	a, b := times[0], times[1]
	t.step = b.Sub(a)
	months := (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
	if months < 1 || t.step < 28*24*time.Hour {
		return
	}
	switch {
	case endOfMonth(a) && endOfMonth(b):
		t.months, t.atEnd = months, true
	case a.AddDate(0, months, 0).Equal(b):
		t.months = months
	}
}

func endOfMonth(t time.Time) bool { return t.AddDate(0, 0, 1).Month() != t.Month() }

// at is timestamp i, which may lie beyond the last.
func (t Times) at(i int) time.Time {
	switch {
	case t.atEnd:
		first := t.start.AddDate(0, 0, 1-t.start.Day())
		return first.AddDate(0, t.months*i+1, -1)
	case t.months > 0:
		return t.start.AddDate(0, t.months*i, 0)
	}
	return t.start.Add(time.Duration(i) * t.step)
}

// Format writes timestamp i as the file does; i may lie beyond the last row,
// as a forecast's do.
func (t Times) Format(i int) string {
	if t.layout == "" {
		return strconv.FormatInt(t.first+int64(i)*t.stride, 10)
	}
	return t.at(i).Format(t.layout)
}

// Time is timestamp i, and false for integers.
func (t Times) Time(i int) (time.Time, bool) {
	if t.layout == "" {
		return time.Time{}, false
	}
	return t.at(i), true
}

func parseIntegers(cells []string) (t Times, bad int, err error) {
	t = Times{n: len(cells), stride: 1}
	var last int64
	for i, c := range cells {
		v, err := strconv.ParseInt(c, 10, 64)
		if err != nil {
			return t, i, fmt.Errorf("%q is no integer, which the first row has", c)
		}
		switch {
		case i == 0:
			t.first = v
		case v == last:
			return t, i, fmt.Errorf("%d appears twice", v)
		case v < last:
			return t, i, fmt.Errorf("%d follows %d, expected rising order", v, last)
		case i == 1:
			t.stride = v - last
		case v-last != t.stride:
			return t, i, fmt.Errorf("%d follows %d, expected %d: the rows must be equally spaced", v, last, last+t.stride)
		}
		last = v
	}
	return t, 0, nil
}
