package plot_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"log"
	"math"
	"os"
	"path/filepath"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/plot"
	"github.com/onda-ml/onda/lstmattn/series"
)

// The history, the forecast with an interval of 90 %, and where it looked.
func Example() {
	values := make([]float32, 96)
	for i := range values {
		values[i] = float32(50 + 20*math.Sin(2*math.Pi*float64(i)/24))
	}
	frame, err := series.NewFrame([]string{"load"}, values)
	if err != nil {
		log.Fatal(err)
	}
	config := lstmattn.DefaultConfig(1)
	config.InputSize, config.Horizon, config.HiddenSize, config.NumAttentionHeads, config.Head = 48, 12, 16, 2, lstmattn.HeadGaussian
	model, err := lstmattn.New(config, 1) // where yours is trained
	if err != nil {
		log.Fatal(err)
	}
	if err := model.SetScaler([]float32{50}, []float32{14}); err != nil {
		log.Fatal(err)
	}
	window, err := frame.Series[0].Last(config.InputSize)
	if err != nil {
		log.Fatal(err)
	}
	forecast, err := model.Forecast(context.Background(), window, &lstmattn.Options{Attention: true})
	if err != nil {
		log.Fatal(err)
	}

	chart, err := plot.New(frame, 0, 0, forecast, 0, 0.05, 0.95)
	if err != nil {
		log.Fatal(err)
	}
	var picture bytes.Buffer
	if err := chart.WritePNG(&picture); err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "plot")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := export.WriteFile(filepath.Join(dir, "load.png"), picture.Bytes()); err != nil {
		log.Fatal(err)
	}

	size, err := png.DecodeConfig(&picture)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(chart.Title, "with", chart.Bands[0].Name, "as", size.Width, "by", size.Height, "pixels")
	// Output: load with 90 % as 990 by 770 pixels
}
