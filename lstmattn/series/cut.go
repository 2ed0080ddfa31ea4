package series

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Cut is a place in every series, between two rows:
//
//	"70%"         after this part of the rows, rounded down
//	"8640"        after so many rows
//	"-720"        so many rows before the end
//	"2017-06-26"  before the first row at or after this time
//	"@1960"       the same, where the timestamps are integers
type Cut string

// Row is the number of the row after the cut, from 0 to s.Len().
func (c Cut) Row(s *Series) (int, error) {
	text := strings.TrimSpace(string(c))
	if part, ok := strings.CutSuffix(text, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return 0, fmt.Errorf("cut %q: expected 0%% to 100%%", string(c))
		}
		// Of 10 rows 70% are 7, although 10*(70/100.0) is a little less.
		return int(math.Floor(float64(s.Len())*p/100 + 1e-9)), nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n < 0 {
			return max(s.Len()+n, 0), nil
		}
		return min(n, s.Len()), nil
	}
	row, err := s.Times.Index(strings.TrimPrefix(text, "@"))
	if err != nil {
		return 0, fmt.Errorf("cut %q: %w", string(c), err)
	}
	return row, nil
}
