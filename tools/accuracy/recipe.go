package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

//go:embed recipes/*.json
var recipeFiles embed.FS

// A recipe is a forecaster's configuration that is trained at several horizons
// from several seeds. Everything in it was chosen on the validation rows.
type recipe struct {
	Name     string   `json:"name"`  // of its row in the table
	Table    string   `json:"table"` // main, classic or ablation
	Horizons []int    `json:"horizons"`
	Seeds    []uint64 `json:"seeds"`

	// Model is a config.json without its horizon, the section training in it.
	Model map[string]json.RawMessage `json:"model"`

	// At has what differs at a horizon: fields of the model.
	At map[int]map[string]json.RawMessage `json:"at"`

	id string // file name without its ending
}

// recipes are those of the given names: of the folder recipes, or a path that
// ends in .json. Without names all of the folder are.
func recipes(names []string) (found []recipe, err error) {
	if len(names) == 0 {
		files, err := recipeFiles.ReadDir("recipes")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			names = append(names, strings.TrimSuffix(file.Name(), ".json"))
		}
	}
	for _, name := range names {
		read, file := recipeFiles.ReadFile, path.Join("recipes", name+".json")
		if strings.HasSuffix(name, ".json") {
			read, file = os.ReadFile, name
		}
		text, err := read(file)
		if err != nil {
			return nil, fmt.Errorf("recipe %s: %w", name, err)
		}
		r := recipe{id: name}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return nil, fmt.Errorf("recipe %s: %w", name, err)
		}
		found = append(found, r)
	}
	return found, nil
}

// configs are the recipe's configurations at a horizon, and their checksum.
func (r *recipe) configs(horizon int) (model lstmattn.Config, training train.Config, sum string, err error) {
	fields := map[string]json.RawMessage{"horizon": json.RawMessage(fmt.Sprint(horizon))}
	for _, from := range []map[string]json.RawMessage{r.Model, r.At[horizon]} {
		for name, value := range from {
			fields[name] = value
		}
	}
	text, err := json.Marshal(fields) // keys in order
	if err != nil {
		return model, training, "", err
	}
	sum = fmt.Sprintf("%08x", crc32.ChecksumIEEE(text))
	section := fields["training"]
	delete(fields, "training")
	if text, err = json.Marshal(fields); err != nil {
		return model, training, "", err
	}
	if err = json.Unmarshal(text, &model); err != nil {
		return model, training, "", fmt.Errorf("recipe %s: %w", r.id, err)
	}
	training = train.DefaultConfig()
	if section != nil {
		if err = json.Unmarshal(section, &training); err != nil {
			return model, training, "", fmt.Errorf("recipe %s: training: %w", r.id, err)
		}
	}
	return model, training, sum, nil
}

// options say which trainings are run.
type options struct {
	recipes  []string
	horizons []int    // none for all
	seeds    []uint64 // none for all
	threads  int      // 0 for what the recipe says
	kept     bool     // train nothing: the tables of what there is
	log      io.Writer
}

// train trains a model from r's seed and sets the scores of its best parameters.
func (t *table) train(ctx context.Context, r *result, model lstmattn.Config, training train.Config, log io.Writer) error {
	begin := time.Now()
	training.Seed = r.Seed
	frame, err := series.NewFrame(t.columns, t.raw)
	if err != nil {
		return err
	}
	windows := func(from, to int) (*series.Windows, error) {
		return series.NewWindows(frame, series.WindowOptions{
			InputSize: model.InputSize, Horizon: model.Horizon, From: series.Cut(fmt.Sprint(from)), To: series.Cut(fmt.Sprint(to))})
	}
	learn, err := windows(0, trainEnd)
	if err != nil {
		return err
	}
	check, err := windows(trainEnd, validationEnd)
	if err != nil {
		return err
	}
	scalers, err := learn.Scalers()
	if err != nil {
		return err
	}
	m, err := lstmattn.New(model, r.Seed)
	if err != nil {
		return err
	}
	if err := m.SetScaler(scalers.Columns.Mean, scalers.Columns.Scale); err != nil {
		return err
	}
	fmt.Fprintf(log, "%s, horizon %d, seed %d\n", r.Name, r.Horizon, r.Seed)
	result, err := train.Run(ctx, m, learn, check, training, &train.Options{Observer: lines{log}})
	if err != nil {
		return err
	}
	r.Epochs = result.Epochs
	if r.Validation, err = t.score(ctx, m, trainEnd, validationEnd); err != nil {
		return err
	}
	if r.Test, err = t.score(ctx, m, validationEnd, testEnd); err != nil {
		return err
	}
	r.Seconds = time.Since(begin).Seconds()
	fmt.Fprintf(log, "  %.0f s, validation %.4f/%.4f, test %.4f/%.4f\n", r.Seconds, r.Validation.MSE, r.Validation.MAE, r.Test.MSE, r.Test.MAE)
	return nil
}

// score measures the model's forecasts of all windows whose targets lie in rows
// [from, to).
func (t *table) score(ctx context.Context, m *lstmattn.Model, from, to int) (score, error) {
	c := m.Config()
	steps := c.InputSize * t.width
	return t.evaluate(from, to, c.Horizon, func(origins []int, out []float32) error {
		x := make([]float32, len(origins)*steps)
		for k, o := range origins {
			copy(x[k*steps:(k+1)*steps], t.raw[(o-c.InputSize)*t.width:])
		}
		f, err := m.Forecast(ctx, x, nil)
		if err == nil {
			copy(out, f.Values)
		}
		return err
	})
}

// lines prints a line for every validation.
type lines struct{ out io.Writer }

func (lines) Step(train.StepReport) {}

func (l lines) Evaluation(e train.EvaluationReport) {
	fmt.Fprintf(l.out, "  epoch %d  training %.4f  validation %.4f", e.Epoch, e.TrainLoss, e.Validation.Loss)
	if e.Improved {
		fmt.Fprint(l.out, "  best")
	}
	fmt.Fprintln(l.out)
}

// trainedRows are the results of the recipes, measured where they are not in s
// yet.
func trainedRows(ctx context.Context, s *store, t *table, o options) (rows []result, err error) {
	found, err := recipes(o.recipes)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		for _, h := range r.Horizons {
			model, training, sum, err := r.configs(h)
			if err != nil {
				return nil, err
			}
			if o.threads > 0 {
				training.Threads = o.threads
			}
			for _, seed := range r.Seeds {
				if len(o.horizons) > 0 && !slices.Contains(o.horizons, h) || len(o.seeds) > 0 && !slices.Contains(o.seeds, seed) {
					continue
				}
				wanted := result{Name: r.Name, Recipe: sum, Table: r.Table, Horizon: h, Seed: seed}
				if _, ok := s.find(wanted); o.kept && !ok {
					continue
				}
				got, err := s.measure(wanted, func(r *result) error {
					return t.train(ctx, r, model, training, o.log)
				})
				if err != nil {
					return nil, fmt.Errorf("recipe %s, horizon %d, seed %d: %w", r.id, h, seed, err)
				}
				rows = append(rows, got)
			}
		}
	}
	return rows, nil
}
