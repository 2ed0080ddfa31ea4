package table_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/table"
	"github.com/onda-ml/onda/lstmattn/train"
)

// shops is two series of 30 days, with a promotion that is known for two days
// more and a size that doesn't change.
func shops() (*series.Frame, error) {
	var csv strings.Builder
	csv.WriteString("shop,ds,sold,promotion,size\n")
	for day := range 32 {
		date := time.Date(2024, 5, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		for k, shop := range []string{"north", "south"} {
			sold := ""
			if day < 30 {
				sold = fmt.Sprint((k + 1) * (10 + day%7))
			}
			fmt.Fprintf(&csv, "%s,%s,%s,%d,%d\n", shop, date, sold, day%2, 100*(k+1))
		}
	}
	return series.ReadCSV(strings.NewReader(csv.String()), series.Options{
		IDColumn: "shop", Columns: []string{"sold"}, Future: []string{"promotion"}, Static: []string{"size"},
	})
}

// shopModel is a model for them, not trained, that has each shop scaled by itself.
func shopModel(frame *series.Frame) (*lstmattn.Model, error) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = 14, 2, 8, 2
	c.Head, c.Scaling, c.NumFuture, c.NumStatic = lstmattn.HeadGaussian, lstmattn.ScalingSeries, 1, 1
	m, err := lstmattn.New(c, 1)
	if err != nil {
		return nil, err
	}
	windows, _, err := train.Datasets(frame, c, train.Split{Train: train.Range{From: "0%", To: "100%"}})
	if err != nil {
		return nil, err
	}
	return m, train.SetScalers(m, windows)
}

// Every series of a frame is forecast from its last rows, with covariates, and
// written with quantiles.
func Example() {
	frame, err := shops()
	if err != nil {
		log.Fatal(err)
	}
	m, err := shopModel(frame)
	if err != nil {
		log.Fatal(err)
	}
	c := m.Config()
	windows, err := series.NewLatest(frame, series.WindowOptions{InputSize: c.InputSize, Horizon: c.Horizon, PerSeries: true})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	var b lstmattn.Batch
	if err := windows.Read(ctx, []int{0, 1}, &b); err != nil {
		log.Fatal(err)
	}
	f, err := m.Forecast(ctx, b.X, &lstmattn.Options{Future: b.Future, Static: b.Static})
	if err != nil {
		log.Fatal(err)
	}
	windows.UnscaleForecast(f, 0)

	var out bytes.Buffer
	values := table.NewValues(&out, frame, []float64{0.05, 0.95})
	if err := values.Add(f, 0); err != nil {
		log.Fatal(err)
	}
	if err := values.Flush(); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		fmt.Println(strings.Join(strings.Split(line, ",")[:2], ","), "and", strings.Count(line, ",")-1, "more")
	}
	fmt.Println(strings.SplitN(out.String(), "\n", 2)[0])
	// Output:
	// shop,ds and 3 more
	// north,2024-05-31 and 3 more
	// north,2024-06-01 and 3 more
	// south,2024-05-31 and 3 more
	// south,2024-06-01 and 3 more
	// shop,ds,sold,sold_q0.05,sold_q0.95
}

// Attention weights as a table.
func ExampleAttention() {
	frame, err := series.NewFrame([]string{"load"}, []float32{1, 2, 3, 4})
	if err != nil {
		log.Fatal(err)
	}
	f := &lstmattn.Forecast{ // what Model.Forecast gives with Options.Attention
		Batch: 1, Horizon: 2, Features: 1, Values: []float32{5, 6}, Heads: 1, InputSize: 3,
		Attention: []float32{0.25, 0.25, 0.5, 0, 0, 1},
	}
	attention := table.NewAttention(os.Stdout, frame)
	if err := attention.Add(f, 0); err != nil {
		log.Fatal(err)
	}
	if err := attention.Flush(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// step_ahead,-3,-2,-1
	// 1,0.25,0.25,0.5
	// 2,0,0,1
}

// Paths as a table.
func ExamplePaths() {
	frame, err := series.NewFrame([]string{"load"}, []float32{1, 2, 3, 4})
	if err != nil {
		log.Fatal(err)
	}
	f := &lstmattn.Forecast{ // what Model.Forecast gives with Options.Strategy
		Batch: 1, Horizon: 2, Features: 1, Values: []float32{5, 6}, Paths: 2,
		Samples: []float32{5, 6, 4.5, 7}, LogLikelihood: []float64{-1.5, -2.25},
	}
	paths := table.NewPaths(os.Stdout, frame)
	if err := paths.Add(f, 0); err != nil {
		log.Fatal(err)
	}
	if err := paths.Flush(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// path,log_likelihood,load
	// 1,-1.5,5
	// 1,-1.5,6
	// 2,-2.25,4.5
	// 2,-2.25,7
}
