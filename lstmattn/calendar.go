package lstmattn

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// calendarFeatures are the features of a timestamp by name: a count from 0 and
// its largest value, which make the feature count/largest - 0.5.
var calendarFeatures = []struct {
	name    string
	largest float64
	count   func(time.Time) int
}{
	{"minute_of_hour", 59, time.Time.Minute},
	{"hour_of_day", 23, time.Time.Hour},
	{"day_of_week", 6, func(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }}, // Monday 0
	{"day_of_month", 30, func(t time.Time) int { return t.Day() - 1 }},
	{"day_of_year", 365, func(t time.Time) int { return t.YearDay() - 1 }},
	{"week_of_year", 52, func(t time.Time) int { _, week := t.ISOWeek(); return week - 1 }}, // ISO 8601
	{"month_of_year", 11, func(t time.Time) int { return int(t.Month()) - 1 }},
}

// CalendarFeatures lists the names that a configuration's calendar may have.
func CalendarFeatures() []string {
	var names []string
	for _, f := range calendarFeatures {
		names = append(names, f.name)
	}
	return names
}

// AppendCalendar appends the calendar features of t in t's own time zone, one
// for each name, each between -0.5 and 0.5. An unknown name is an error.
func AppendCalendar(dst []float32, names []string, t time.Time) ([]float32, error) {
	for _, name := range names {
		i := slices.Index(CalendarFeatures(), name)
		if i < 0 {
			return nil, fmt.Errorf("lstmattn: %w", checkCalendar(names))
		}
		f := &calendarFeatures[i]
		dst = append(dst, float32(float64(f.count(t))/f.largest-0.5))
	}
	return dst, nil
}

// checkCalendar refuses a name that is unknown or there twice.
func checkCalendar(names []string) error {
	known := CalendarFeatures()
	for i, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("calendar has %q, must be %s or %s", name, strings.Join(known[:len(known)-1], ", "), known[len(known)-1])
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("calendar has %q twice", name)
		}
	}
	return nil
}
