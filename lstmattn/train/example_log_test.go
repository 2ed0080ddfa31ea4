package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

// lines writes a line of JSON for every validation, and counts the steps done.
type lines struct {
	to   *json.Encoder
	done float64
}

func (l *lines) Step(r train.StepReport) { l.done = float64(r.Step) / float64(r.TotalSteps) }

func (l *lines) Evaluation(r train.EvaluationReport) {
	if err := l.to.Encode(r); err != nil {
		log.Fatal(err)
	}
}

// An Observer makes a log that programs read, and progress for people.
func ExampleObserver() {
	values := make([]float32, 120)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	frame, err := series.NewFrame([]string{"y"}, values)
	if err != nil {
		log.Fatal(err)
	}
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = 12, 4, 8, 2
	settings := train.DefaultConfig()
	settings.Epochs, settings.Horizons = 2, []int{1, 4} // measured up to each of these steps
	training, validation, err := train.Datasets(frame, c, settings.Split)
	if err != nil {
		log.Fatal(err)
	}
	m, err := lstmattn.New(c, settings.Seed)
	if err != nil {
		log.Fatal(err)
	}
	if err := train.SetScalers(m, training); err != nil {
		log.Fatal(err)
	}
	var out bytes.Buffer
	watch := &lines{to: json.NewEncoder(&out)}
	if _, err := train.Run(context.Background(), m, training, validation, settings, &train.Options{Observer: watch}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.0f %% done\n", 100*watch.done)
	for d := json.NewDecoder(&out); d.More(); {
		var r train.EvaluationReport
		if err := d.Decode(&r); err != nil {
			log.Fatal(err)
		}
		fmt.Println("epoch", r.Epoch, "step", r.Step, "horizons", r.Validation.Metrics[0].Horizon, r.Validation.Metrics[1].Horizon)
	}
	// Output:
	// 100 % done
	// epoch 1 step 2 horizons 1 4
	// epoch 2 step 4 horizons 1 4
}
