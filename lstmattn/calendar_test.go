package lstmattn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCalendarFeatures(t *testing.T) {
	names := CalendarFeatures()
	for _, tc := range []struct {
		at   string
		want []float64 // as counts over their largest
	}{
		{"2024-01-01 00:00", []float64{0, 0, 0, 0, 0, 0, 0}}, // a Monday
		{"2024-12-31 23:59", []float64{1, 1, 1. / 6, 1, 1, 0, 1}},
		{"2021-01-03 12:30", []float64{30. / 59, 12. / 23, 1, 2. / 30, 2. / 365, 1, 0}}, // a Sunday of week 53
		{"2023-07-16 06:15", []float64{15. / 59, 6. / 23, 1, 15. / 30, 196. / 365, 27. / 52, 6. / 11}},
	} {
		at, err := time.Parse("2006-01-02 15:04", tc.at)
		require.NoError(t, err)
		got, err := AppendCalendar([]float32{7}, names, at)
		require.NoError(t, err)
		require.Len(t, got, 1+len(names))
		require.Equal(t, float32(7), got[0])
		for i, want := range tc.want {
			require.InDelta(t, want-.5, float64(got[1+i]), 1e-6, "%s of %s", names[i], tc.at)
		}
	}
	berlin := time.FixedZone("", 2*60*60)
	at := time.Date(2024, 6, 1, 23, 0, 0, 0, time.UTC)
	got, err := AppendCalendar(nil, []string{"hour_of_day"}, at.In(berlin))
	require.NoError(t, err)
	require.InDelta(t, 1./23-.5, float64(got[0]), 1e-6, "the hour of the timestamp's own zone")
}

func TestCalendarRefuses(t *testing.T) {
	const known = "minute_of_hour, hour_of_day, day_of_week, day_of_month, day_of_year, week_of_year or month_of_year"
	_, err := AppendCalendar(nil, []string{"hour_of_day", "hour"}, time.Now())
	require.EqualError(t, err, `lstmattn: calendar has "hour", must be `+known)
	require.EqualError(t, checkCalendar([]string{"hour_of_day", "hour_of_day"}), `calendar has "hour_of_day" twice`)
}
