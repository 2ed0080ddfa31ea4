package series

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ErrAbsent is what a row is refused with before which others are absent, where
// no rule says what they stand for.
var ErrAbsent = errors.New("the rows must be equally spaced")

// ParseTimes reads timestamps. The error of one that can't be read, repeats or
// breaks the step comes with its position.
func ParseTimes(cells []string) (t Times, bad int, err error) {
	var c clock
	for i, cell := range cells {
		absent, err := c.next(cell)
		if err == nil && absent > 0 {
			err = c.refuse(cell)
		}
		if err != nil {
			return c.Times, i, err
		}
		c.take(cell, 0)
	}
	return c.Times, 0, nil
}

// clock reads the timestamps of a series one after the other.
type clock struct {
	Times
	last string // the cell before, and what it says
	time time.Time
	int  int64
	zone *time.Location // of the cell before
	like *Times         // whose step is tried first; nil for none

	now    time.Time // what the cell says that next was asked about
	number int64
}

// next reads a timestamp, and says how many rows are absent before it. The clock
// stays until take.
func (c *clock) next(cell string) (absent int, err error) {
	switch {
	case c.n == 0:
		return 0, c.begin(cell)
	case c.layout == "":
		return c.nextInteger(cell)
	}
	return c.nextTime(cell)
}

// take goes on to the timestamp that next read, past rows that were absent.
func (c *clock) take(cell string, absent int) {
	c.n += absent + 1
	c.last, c.time, c.int = cell, c.now, c.number
	if c.layout == "" {
		return
	}
	if zone := c.now.Location(); c.zone == nil {
		c.zone = zone
	} else if !sameOffset(c.zone, zone, c.now) {
		if c.zones == nil {
			c.zones = []zoneFrom{{0, c.zone}}
		}
		c.zones = append(c.zones, zoneFrom{c.n - 1, zone})
		c.zone = zone
	}
}

// begin takes the form of the timestamps from the first.
func (c *clock) begin(cell string) error {
	if t, err := time.Parse(compact, cell); err == nil && t.Year() >= 1900 && t.Year() < 2200 {
		c.layout, c.start, c.now, c.step = compact, t, t, 24*time.Hour
		return nil
	}
	if v, err := strconv.ParseInt(cell, 10, 64); err == nil {
		c.first, c.number, c.stride = v, v, 1
		return nil
	}
	for _, l := range layouts {
		if t, err := parse(l, cell); err == nil {
			c.layout, c.start, c.now, c.step = l, t, t, 24*time.Hour
			return nil
		}
	}
	return fmt.Errorf("%s is no timestamp, expected one such as 2006-01-02 15:04:05 or an integer", quoted(cell))
}

func (c *clock) nextTime(cell string) (absent int, err error) {
	t, err := parse(c.layout, cell)
	if err != nil {
		return 0, fmt.Errorf("%s is no timestamp of the form %s, which the first row has", quoted(cell), c.layout)
	}
	switch {
	case t.Equal(c.time):
		return 0, fmt.Errorf("%s appears twice", cell)
	case t.Before(c.time):
		return 0, fmt.Errorf("%s follows %s, expected rising order", cell, c.last)
	case c.n == 1 && !c.steps(t):
		c.guess(t)
	}
	c.now = t
	if c.is(c.n, t) || c.becomesLocal(t) || c.becomesWeekdays(t) {
		return 0, nil
	}
	absent = c.absent(c.n, t)
	if !c.is(c.n+absent, t) {
		return 0, fmt.Errorf("%s follows %s, expected %s: the rows must be equally spaced", cell, c.last, c.Format(c.n))
	}
	return absent, nil
}

func (c *clock) nextInteger(cell string) (absent int, err error) {
	v, err := strconv.ParseInt(cell, 10, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s is no integer, which the first row has", quoted(cell))
	case v == c.int:
		return 0, fmt.Errorf("%d appears twice", v)
	case v < c.int:
		return 0, fmt.Errorf("%d follows %d, expected rising order", v, c.int)
	case c.n == 1 && c.like != nil && c.like.layout == "" && (v-c.int)%c.like.stride == 0:
		c.stride = c.like.stride
	case c.n == 1:
		c.stride = v - c.int
	}
	c.number = v
	steps := uint64(v-c.int) / uint64(c.stride)
	if uint64(v-c.int)%uint64(c.stride) != 0 || steps > 1<<30 {
		return 0, fmt.Errorf("%d follows %d, expected %d: the rows must be equally spaced", v, c.int, c.int+c.stride)
	}
	return int(steps) - 1, nil
}

// refuse is the error of a row before which others are absent.
func (c *clock) refuse(cell string) error {
	return fmt.Errorf("%s follows %s, expected %s: %w", cell, c.last, c.Format(c.n), ErrAbsent)
}

// steps takes the step of another series, if t is some of them after the first
// timestamp.
func (c *clock) steps(t time.Time) bool {
	if c.like == nil || c.like.layout != c.layout {
		return false
	}
	was := c.Times
	c.step, c.months, c.atEnd, c.weekdays, c.local = c.like.step, c.like.months, c.like.atEnd, c.like.weekdays, c.like.local
	if c.local {
		c.start = wall(c.start)
	}
	if c.is(0, c.time) && c.is(c.absent(1, t)+1, t) {
		return true
	}
	c.Times = was
	return false
}

// absent is how many rows would lie between row n-1 and timestamp t, if it is
// some row's.
func (c *clock) absent(n int, t time.Time) int {
	shortest := c.step
	if c.months > 0 {
		shortest = 28 * 24 * time.Hour
	}
	most := max(c.compared(t).Sub(c.at(n))/shortest+1, 0)
	return sort.Search(int(min(most, 1<<30)), func(k int) bool { return !c.at(n + k).Before(c.compared(t)) })
}

// guess takes the step from the first timestamp and the second, b: calendar months where
// the day of the month stays, else the duration between them.
func (c *clock) guess(b time.Time) {
	a := c.start
	if whole(wall(b).Sub(wall(a))) && !whole(b.Sub(a)) {
		c.local, c.start = true, wall(a)
		a, b = wall(a), wall(b)
	}
	c.step = b.Sub(a)
	if a.Nanosecond()|b.Nanosecond() != 0 && strings.HasSuffix(c.layout, ":05") {
		c.layout += ".999999999" // as many digits as a timestamp needs
	}
	months := (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
	if months < 1 || c.step < 28*24*time.Hour {
		return
	}
	switch {
	case endOfMonth(a) && endOfMonth(b):
		c.months, c.atEnd = months, true
	case a.AddDate(0, months, 0).Equal(b):
		c.months = months
	}
}

func whole(d time.Duration) bool { return d >= 24*time.Hour && d%(24*time.Hour) == 0 }

func endOfMonth(t time.Time) bool { return t.AddDate(0, 0, 1).Month() != t.Month() }

// is says whether row i has timestamp t.
func (c *clock) is(i int, t time.Time) bool { return c.at(i).Equal(c.compared(t)) }

// compared is t as at gives timestamps.
func (c *clock) compared(t time.Time) time.Time {
	if c.local {
		return wall(t)
	}
	return t
}

// becomesLocal sees that days or months are those of the clock on the wall, once
// the offset from UTC changes.
func (c *clock) becomesLocal(t time.Time) bool {
	if c.local || c.zones != nil || sameOffset(c.zone, t.Location(), t) || !whole(c.step) && c.months == 0 {
		return false
	}
	was := c.Times
	c.local, c.start = true, wall(c.start)
	if c.is(c.n, t) {
		return true
	}
	c.Times = was
	return false
}

// becomesWeekdays sees that days are business days at the first Monday that
// follows a Friday.
func (c *clock) becomesWeekdays(t time.Time) bool {
	const day = 24 * time.Hour
	was := c.Times
	first := c.at(0).Weekday()
	switch {
	case c.weekdays || first == time.Saturday || first == time.Sunday:
		return false
	case c.like != nil && c.like.n > 7 && !c.like.weekdays: // the weekend is absent
		return false
	case c.step == day && c.at(c.n-1).Weekday() == time.Friday && c.n <= 5: // Monday to Friday so far
	case c.step == 3*day && c.n == 2 && first == time.Friday: // a Friday and a Monday
	default:
		return false
	}
	c.weekdays, c.step = true, day
	if c.is(c.n, t) {
		return true
	}
	c.Times = was
	return false
}
