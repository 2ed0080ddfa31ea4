package series

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
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
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04", "2006-01", "2006/01/02 15:04:05", "2006/01/02", "2006/1/2 15:04"}

// Count is n integers from 0, for files without timestamps.
func Count(n int) Times { return Times{n: n, stride: 1} }

// ParseTimes reads timestamps. The error of one that can't be read, repeats or
// breaks the step comes with its position.
func ParseTimes(cells []string) (t Times, bad int, err error) {
	var c clock
	for i, cell := range cells {
		if err := c.add(cell); err != nil {
			return c.Times, i, err
		}
	}
	return c.Times, 0, nil
}

// clock reads the timestamps of a series one after the other.
type clock struct {
	Times
	last string // the cell before, and what it says
	time time.Time
	int  int64
}

func (c *clock) add(cell string) (err error) {
	if c.n == 0 {
		err = c.begin(cell)
	} else if c.layout == "" {
		err = c.addInteger(cell)
	} else {
		err = c.addTime(cell)
	}
	if err == nil {
		c.n++
		c.last = cell
	}
	return err
}

// begin takes the form of the timestamps from the first.
func (c *clock) begin(cell string) error {
	if v, err := strconv.ParseInt(cell, 10, 64); err == nil {
		c.first, c.int, c.stride = v, v, 1
		return nil
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, cell); err == nil {
			c.layout, c.start, c.time, c.step = l, t, t, 24*time.Hour
			return nil
		}
	}
	return fmt.Errorf("%s is no timestamp, expected one such as 2006-01-02 15:04:05 or an integer", quoted(cell))
}

func (c *clock) addTime(cell string) error {
	t, err := time.Parse(c.layout, cell)
	if err != nil {
		return fmt.Errorf("%s is no timestamp of the form %s, which the first row has", quoted(cell), c.layout)
	}
	switch {
	case t.Equal(c.time):
		return fmt.Errorf("%s appears twice", cell)
	case t.Before(c.time):
		return fmt.Errorf("%s follows %s, expected rising order", cell, c.last)
	case c.n == 1:
		c.guess(t)
	}
	if want := c.at(c.n); !t.Equal(want) {
		return fmt.Errorf("%s follows %s, expected %s: the rows must be equally spaced", cell, c.last, want.Format(c.layout))
	}
	c.time = t
	return nil
}

func (c *clock) addInteger(cell string) error {
	v, err := strconv.ParseInt(cell, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("%s is no integer, which the first row has", quoted(cell))
	case v == c.int:
		return fmt.Errorf("%d appears twice", v)
	case v < c.int:
		return fmt.Errorf("%d follows %d, expected rising order", v, c.int)
	case c.n == 1:
		c.stride = v - c.int
	case v-c.int != c.stride:
		return fmt.Errorf("%d follows %d, expected %d: the rows must be equally spaced", v, c.int, c.int+c.stride)
	}
	c.int = v
	return nil
}

// guess takes the step from the first timestamp and the second, b: calendar months where
// the day of the month stays, else the duration between them.
func (t *Times) guess(b time.Time) {
	a := t.start
	t.step = b.Sub(a)
	if a.Nanosecond()|b.Nanosecond() != 0 && strings.HasSuffix(t.layout, ":05") {
		t.layout += ".999999999" // as many digits as a timestamp needs
	}
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

// Index is the number of the first timestamp that isn't before the one in
// cell, t's length if there is none.
func (t Times) Index(cell string) (int, error) {
	if t.layout == "" {
		v, err := strconv.ParseInt(cell, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no integer, which the timestamps are", cell)
		}
		return sort.Search(t.n, func(i int) bool { return t.first+int64(i)*t.stride >= v }), nil
	}
	for _, l := range layouts {
		if v, err := time.Parse(l, cell); err == nil {
			return sort.Search(t.n, func(i int) bool { return !t.at(i).Before(v) }), nil
		}
	}
	return 0, fmt.Errorf("%q is no timestamp, expected one such as %s", cell, t.Format(0))
}

// Season is the usual period of series with this step: a day for steps of
// minutes and hours, a week of days, a year of weeks, months and quarters; 1
// where there is none.
func (t Times) Season() int {
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	switch {
	case t.layout == "":
		return 1
	case t.months > 0:
		return max(12/t.months, 1)
	case t.step == day:
		return 7
	case t.step == week:
		return 52
	case t.step > 0 && t.step < day && day%t.step == 0:
		return int(day / t.step)
	}
	return 1
}
