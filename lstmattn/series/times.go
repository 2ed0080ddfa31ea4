package series

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Times are equally spaced timestamps: n of them, each a fixed duration, a
// number of calendar months or a business day, Monday to Friday, after the one
// before, or plain integers. Where a file gives offsets from UTC that change, as
// they do with daylight saving time, days and months are those of the clock on
// the wall, and shorter steps those of UTC.
type Times struct {
	n      int
	start  time.Time
	layout string // how the file writes them; "" for integers
	step   time.Duration
	months int
	first  int64 // of integers
	stride int64
	atEnd  bool // every one is the last day of its month

	weekdays bool       // steps pass over Saturday and Sunday
	local    bool       // start and step are of the clock on the wall
	zones    []zoneFrom // the offsets from UTC, where they change
}

// zoneFrom is a zone, and the first row in it.
type zoneFrom struct {
	row  int
	zone *time.Location
}

// layouts are the timestamps that files hold.
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04", "2006-01", "2006/01/02 15:04:05", "2006/01/02", "2006/1/2 15:04"}

// compact is the layout of eight digits that are no integer.
const compact = "20060102"

// parse reads a timestamp wherever the machine is: time.Parse would give it the
// machine's zone where the offset is that one's.
func parse(layout, cell string) (time.Time, error) {
	return time.ParseInLocation(layout, cell, time.UTC)
}

// wall is what the clock on the wall shows at t, as a time in UTC.
func wall(t time.Time) time.Time { return inZone(t, time.UTC) }

// inZone is the time at which the clock in a zone shows what t's does.
func inZone(t time.Time, zone *time.Location) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
}

func sameOffset(a, b *time.Location, t time.Time) bool {
	if a == b {
		return true
	}
	_, x := t.In(a).Zone()
	_, y := t.In(b).Zone()
	return x == y
}

// Count is n integers from 0, for files without timestamps.
func Count(n int) Times { return Times{n: n, stride: 1} }

// at is timestamp i, which may lie beyond the last; with local what the clock on
// the wall shows, as a time in UTC.
func (t Times) at(i int) time.Time {
	switch {
	case t.weekdays:
		first := (int(t.start.Weekday()) + 6) % 7 // Monday 0
		return t.start.AddDate(0, 0, i+2*((first+i)/5))
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
	return t.shown(i).Format(t.layout)
}

// shown is timestamp i in the zone that the file has there, after the last row
// that of the last.
func (t Times) shown(i int) time.Time {
	at := t.at(i)
	if len(t.zones) == 0 {
		return at
	}
	k := sort.Search(len(t.zones), func(k int) bool { return t.zones[k].row > i })
	zone := t.zones[max(k-1, 0)].zone
	if t.local {
		return inZone(at, zone)
	}
	return at.In(zone)
}

// Time is timestamp i, and false for integers.
func (t Times) Time(i int) (time.Time, bool) {
	if t.layout == "" {
		return time.Time{}, false
	}
	return t.shown(i), true
}

// Index is the number of the first timestamp that isn't before the one in
// cell, t's length if there is none. A cell without an offset from UTC is a time
// on the clock of the timestamps.
func (t Times) Index(cell string) (int, error) {
	if t.layout == "" {
		v, err := strconv.ParseInt(cell, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no integer, which the timestamps are", cell)
		}
		return sort.Search(t.n, func(i int) bool { return t.first+int64(i)*t.stride >= v }), nil
	}
	for _, l := range append([]string{t.layout}, layouts...) {
		v, err := parse(l, cell)
		if err != nil {
			continue
		}
		offset := strings.Contains(l, "07:00")
		return sort.Search(t.n, func(i int) bool {
			if offset {
				return !t.shown(i).Before(v)
			}
			return !wall(t.shown(i)).Before(v)
		}), nil
	}
	return 0, fmt.Errorf("%q is no timestamp, expected one such as %s", cell, t.Format(0))
}

// Season is the usual period of series with this step: a day for steps of
// minutes and hours, a week of days, five business days, a year of weeks, months
// and quarters; 1 where there is none.
func (t Times) Season() int {
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	switch {
	case t.layout == "":
		return 1
	case t.months > 0:
		return max(12/t.months, 1)
	case t.weekdays:
		return 5
	case t.step == day:
		return 7
	case t.step == week:
		return 52
	case t.step > 0 && t.step < day && day%t.step == 0:
		return int(day / t.step)
	}
	return 1
}
