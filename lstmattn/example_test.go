package lstmattn_test

import (
	"context"
	"fmt"
	"log"

	"github.com/onda-ml/onda/lstmattn"
)

// smallModel is a model of a distribution's head, not trained, and a window for it.
func smallModel() (*lstmattn.Model, []float32) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.Head = 12, 3, 8, 2, lstmattn.HeadGaussian
	m, err := lstmattn.New(c, 1)
	if err != nil {
		log.Fatal(err)
	}
	if err := m.SetScaler([]float32{100}, []float32{20}); err != nil {
		log.Fatal(err)
	}
	window := make([]float32, c.InputSize)
	for i := range window {
		window[i] = float32(90 + 2*i)
	}
	return m, window
}

// A head that gives a distribution has quantiles at every level.
func ExampleForecast_Quantile() {
	m, window := smallModel()
	f, err := m.Forecast(context.Background(), window, nil)
	if err != nil {
		log.Fatal(err)
	}
	lower, err := f.Quantile(0.05)
	if err != nil {
		log.Fatal(err)
	}
	upper, err := f.Quantile(0.95)
	if err != nil {
		log.Fatal(err)
	}
	for t := range f.Horizon {
		fmt.Println("step", t+1, "lies between:", lower[t] < f.Values[t] && f.Values[t] < upper[t])
	}
	// Output:
	// step 1 lies between: true
	// step 2 lies between: true
	// step 3 lies between: true
}

// Paths are drawn step by step, each reading what it drew; the same seed draws
// the same.
func ExampleModel_Forecast_sample() {
	m, window := smallModel()
	f, err := m.Forecast(context.Background(), window, &lstmattn.Options{Strategy: lstmattn.Sample, Paths: 100, Seed: 7})
	if err != nil {
		log.Fatal(err)
	}
	again, err := m.Forecast(context.Background(), window, &lstmattn.Options{Strategy: lstmattn.Sample, Paths: 100, Seed: 7})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Paths, "paths of", len(f.Samples)/f.Paths, "values")
	fmt.Println("the same again:", f.Samples[0] == again.Samples[0])
	// Output:
	// 100 paths of 3 values
	// the same again: true
}

// A beam search gives the most likely trajectories, the best first.
func ExampleModel_Forecast_beam() {
	m, window := smallModel()
	f, err := m.Forecast(context.Background(), window, &lstmattn.Options{Strategy: lstmattn.Beam, Paths: 3})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.LogLikelihood[0] >= f.LogLikelihood[1], f.LogLikelihood[1] >= f.LogLikelihood[2])
	// Output: true true
}

// The attention weights say how much each step ahead looked at each step back.
func ExampleModel_Forecast_attention() {
	m, window := smallModel()
	f, err := m.Forecast(context.Background(), window, &lstmattn.Options{Attention: true})
	if err != nil {
		log.Fatal(err)
	}
	var sum float32
	for _, w := range f.Attention[:f.InputSize] { // the first head's, at the first step
		sum += w
	}
	fmt.Printf("%d heads, %d steps ahead, %d back, a row adds up to %.3f\n", f.Heads, f.Horizon, f.InputSize, sum)
	// Output: 2 heads, 3 steps ahead, 12 back, a row adds up to 1.000
}
