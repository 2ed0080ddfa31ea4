package series_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// Two series in a long file, one with a gap, and a covariate that is known for
// the day after: to windows for training and to those that a forecast begins
// from.
func Example() {
	const file = `unique_id,ds,y,holiday
north,2024-05-01,10,1
north,2024-05-02,12,0
north,2024-05-03,,0
north,2024-05-04,16,0
north,2024-05-05,,1
south,2024-05-01,7,1
south,2024-05-02,7,0
south,2024-05-03,8,0
south,2024-05-04,9,0
south,2024-05-05,,1
`
	frame, err := series.ReadCSV(strings.NewReader(file), series.Options{
		Columns: []string{"y"}, Future: []string{"holiday"}, Missing: series.Interpolate,
	})
	if err != nil {
		panic(err)
	}
	training, err := series.NewWindows(frame, series.WindowOptions{InputSize: 2, Horizon: 1})
	if err != nil {
		panic(err)
	}
	var b lstmattn.Batch
	if err := training.Read(context.Background(), []int{0, 1}, &b); err != nil {
		panic(err)
	}
	fmt.Println(training.Len(), "windows, the first two", b.X, "to", b.Target, "holidays", b.Future)

	latest, err := series.NewLatest(frame, series.WindowOptions{InputSize: 2, Horizon: 1})
	if err != nil {
		panic(err)
	}
	if err := latest.Read(context.Background(), []int{0, 1}, &b); err != nil {
		panic(err)
	}
	s := frame.Series[0]
	fmt.Println("to forecast", s.Times.Format(s.Len()), "from", b.X, "holidays", b.Future)
	// Output:
	// 4 windows, the first two [10 12 12 14] to [14 16] holidays [1 0 0 0 0 0]
	// to forecast 2024-05-05 from [14 16 8 9] holidays [0 0 1 0 0 1]
}
