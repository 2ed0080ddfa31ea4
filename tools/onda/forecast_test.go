package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A forecast continues the file it was made from, and every export of the model
// forecasts the same.
func TestForecastOfEveryForm(t *testing.T) {
	dir, out := smallModel(t), t.TempDir()
	data := "../../testmodels/series/hourly.csv"
	forecast := func(model string, more ...string) string {
		file := filepath.Join(out, "forecast.csv")
		succeed(t, append([]string{"forecast", model, "--data", data, "--out", file}, more...)...)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}
	want := forecast(dir)
	lines := strings.Split(strings.TrimSpace(want), "\n")
	require.Len(t, lines, 6)
	require.Equal(t, "unique_id,ds,y,temperature", lines[0])
	require.True(t, strings.HasPrefix(lines[1], "demand,2024-03-25 00:00:00,"), lines[1])
	for _, decoder := range []string{"loop", "unrolled"} {
		file := filepath.Join(out, decoder+".onnx")
		succeed(t, "export", dir, "--onnx", file, "--decoder", decoder, "--attention")
		got := forecast(file)
		require.Equal(t, lines[0], strings.SplitN(got, "\n", 2)[0])
		requireSameNumbers(t, want, got)
	}
	require.Len(t, strings.Split(strings.TrimSpace(forecast(filepath.Join(out, "loop.onnx"), "--horizon", "9")), "\n"), 10)

	png, attention := filepath.Join(out, "plot.png"), filepath.Join(out, "attention.csv")
	require.Contains(t, succeed(t, "forecast", dir, "--data", data, "--out", filepath.Join(out, "f.csv"), "--plot", png, "--attention", attention, "--show"), "┤")
	image, err := os.ReadFile(png)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(image, []byte("\x89PNG")))
	table, err := os.ReadFile(attention)
	require.NoError(t, err)
	require.Equal(t, 6, strings.Count(string(table), "\n"))
}

// So do those of models of other options.
func TestForecastOfOtherOptions(t *testing.T) {
	configs := map[string]string{"quantiles": write(t, "config.json", `{"input_size": 12, "horizon": 3, "feature_names": ["y"], "num_features": 1, "head": "quantile",
		"quantiles": [0.1, 0.5, 0.9], "hidden_size": 8, "num_attention_heads": 2, "normalization": "mean_std"}`)}
	for _, name := range []string{"direct_folded", "segments_fed_back", "folded_without_attention"} {
		configs[name] = "../../testmodels/scripts/configs/" + name + ".json"
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			file, out, got := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "out.csv"), filepath.Join(dir, "got.csv")
			succeed(t, "init", "--config", config, "--seed", "5", "--out", dir)
			succeed(t, "export", dir, "--onnx", file)
			for _, horizon := range []string{"0", "2"} {
				succeed(t, "forecast", dir, "--data", hourly, "--out", out, "--horizon", horizon)
				succeed(t, "forecast", file, "--data", hourly, "--out", got, "--horizon", horizon)
				want, err := os.ReadFile(out)
				require.NoError(t, err)
				table, err := os.ReadFile(got)
				require.NoError(t, err)
				requireSameNumbers(t, string(want), string(table))
			}
		})
	}
}

func requireSameNumbers(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.FieldsFunc(want, comma), strings.FieldsFunc(got, comma)
	require.Len(t, g, len(w))
	for i := range w {
		var a, b float64
		if json.Unmarshal([]byte(w[i]), &a) != nil {
			require.Equal(t, w[i], g[i])
			continue
		}
		require.NoError(t, json.Unmarshal([]byte(g[i]), &b))
		require.InDelta(t, a, b, 1e-3, "of about 400")
	}
}

func comma(r rune) bool { return r == ',' || r == '\n' }

// With series scaled by themselves, forecasts follow level and size of each: of
// two series of one shape those of the larger are those of the smaller, moved and
// stretched, in values, quantiles and paths alike, from the directory, from ONNX, and
// in a backtest.
func TestSeriesScaledByThemselves(t *testing.T) {
	var b strings.Builder
	b.WriteString("unique_id,ds,y\n")
	for i := range 100 {
		v := math.Sin(2 * math.Pi * float64(i) / 12)
		fmt.Fprintf(&b, "small,%d,%.5f\nlarge,%d,%.3f\n", i, v, i, 5000+1000*v)
	}
	data := write(t, "two.csv", b.String())
	config := write(t, "config.json", `{"input_size": 12, "horizon": 4, "hidden_size": 8, "num_encoder_layers": 1, "num_decoder_layers": 1,
		"num_attention_heads": 2, "scaling": "series", "head": "gaussian", "training": {"max_steps": 12, "threads": 1}}`)
	dir := filepath.Join(t.TempDir(), "model")
	succeed(t, "train", "--data", data, "--config", config, "--out", dir, "--quiet")
	onnx, out := filepath.Join(dir, "model.onnx"), filepath.Join(t.TempDir(), "out.csv")
	succeed(t, "export", dir, "--onnx", onnx)
	for _, args := range [][]string{{dir}, {onnx}, {dir, "--strategy", "beam"}} {
		succeed(t, append([]string{"forecast", "--data", data, "--out", out}, args...)...)
		lines := strings.Split(strings.TrimSpace(read(t, out)), "\n")
		require.Len(t, lines, 1+2*4)
		for step := range 4 {
			small, large := strings.Split(lines[1+step], ","), strings.Split(lines[5+step], ",")
			require.Equal(t, []string{"small", "large"}, []string{small[0], large[0]})
			for i := 2; i < len(small); i++ {
				a, err := strconv.ParseFloat(small[i], 64)
				require.NoError(t, err)
				v, err := strconv.ParseFloat(large[i], 64)
				require.NoError(t, err)
				require.InDelta(t, 5000+1000*a, v, 0.1, "%v, %s", args, lines[0])
			}
		}
	}
	var report struct {
		Model, Naive map[string]any
	}
	text := succeed(t, "backtest", dir, "--data", data, "--from=-12", "--period", "12", "--refit", "every-2", "--json")
	require.NoError(t, json.Unmarshal([]byte(text), &report))
	require.Less(t, report.Model["mae"], 2000.0, "in the data's unit, not 5000 away")
	require.Greater(t, report.Model["mae"], 1.0)
}

// A history with gaps is drawn with gaps; sampled paths have a number by default.
func TestPlotOfMissingValues(t *testing.T) {
	dir := trained(t)
	lines := strings.Split(read(t, hourly), "\n")
	last := len(lines) - 2
	for _, i := range []int{last, last - 1, last - 20} {
		cells := strings.Split(lines[i], ",")
		cells[2] = ""
		lines[i] = strings.Join(cells, ",")
	}
	data, png := write(t, "gaps.csv", strings.Join(lines, "\n")), filepath.Join(t.TempDir(), "plot.png")
	out := filepath.Join(t.TempDir(), "out.csv")
	succeed(t, "forecast", dir, "--data", data, "--missing", "mask", "--out", out, "--plot", png)
	require.FileExists(t, png)
	status, _, stderr := onda("forecast", dir, "--data", data, "--out", out)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, `column "y": is empty; --missing says what to do with empty cells`)
	status, _, stderr = onda("forecast", dir, "--data", hourly, "--out", out, "--strategy", "sample")
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "a point head has no distribution")
}

// Every series of a long file is forecast, as many as there are, in its place;
// a file that goes through the disk gives the same.
func TestForecastOfManySeries(t *testing.T) {
	dir := trained(t)
	var b strings.Builder
	b.WriteString("unique_id,ds,y,temperature\n")
	for i := range 20 {
		for s := range 300 {
			fmt.Fprintf(&b, "s%03d,%d,%d,%d\n", s, i, s+i, s)
		}
	}
	data, out := write(t, "many.csv", b.String()), filepath.Join(t.TempDir(), "out.csv")
	attention := filepath.Join(t.TempDir(), "attention.csv")
	require.Contains(t, succeed(t, "forecast", dir, "--data", data, "--out", out, "--attention", attention, "--series", "s299", "--plot", filepath.Join(t.TempDir(), "p.png")), "5 steps of 300 series, 2 columns")
	want, err := os.ReadFile(out)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(want)), "\n")
	require.Len(t, lines, 1+300*5)
	require.True(t, strings.HasPrefix(lines[1500], "s299,24,"), lines[1500])
	table, err := os.ReadFile(attention)
	require.NoError(t, err)
	require.Equal(t, 1+300*5, strings.Count(string(table), "\n"))
	require.True(t, strings.HasPrefix(string(table), "unique_id,ds,step_ahead,-12,-11,"))
	succeed(t, "forecast", dir, "--data", data, "--out", out, "--in-memory", "0")
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// A model with a distribution, a covariate known ahead and the calendar: trained,
// measured, and asked for quantiles, from covariates in either place.
func TestCovariatesAndQuantiles(t *testing.T) {
	config := write(t, "config.json", `{"input_size": 12, "horizon": 3, "feature_names": ["y"], "future_names": ["temperature"], "calendar": ["hour_of_day"],
		"head": "student_t", "hidden_size": 8, "num_encoder_layers": 1, "num_decoder_layers": 1, "num_attention_heads": 2, "normalization": "last",
		"training": {"max_steps": 4, "threads": 1}}`)
	dir, out := filepath.Join(t.TempDir(), "model"), filepath.Join(t.TempDir(), "out.csv")
	succeed(t, "train", "--data", hourly, "--config", config, "--out", dir, "--quiet")
	require.Contains(t, succeed(t, "backtest", dir, "--data", hourly, "--from=-48"), "coverage of 80 %")

	history, err := os.ReadFile(hourly)
	require.NoError(t, err)
	future, rows := "unique_id,ds,temperature\n", string(history)
	for i, v := range []string{"5", "6", "7.5"} {
		future += fmt.Sprintf("demand,2024-03-25 %02d:00:00,%s\n", i, v)
		rows += fmt.Sprintf("demand,2024-03-25 %02d:00:00,,%s\n", i, v)
	}
	png := filepath.Join(t.TempDir(), "plot.png")
	succeed(t, "forecast", dir, "--data", hourly, "--future", write(t, "future.csv", future), "--out", out, "--quantiles", "0.1,0.6", "--plot", png)
	require.FileExists(t, png)
	want, err := os.ReadFile(out)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(want)), "\n")
	require.Equal(t, "unique_id,ds,y,y_q0.1,y_q0.6", lines[0])
	require.Len(t, lines, 4)
	var y, low, high float64
	_, err = fmt.Sscanf(lines[1], "demand,2024-03-25 00:00:00,%g,%g,%g", &y, &low, &high)
	require.NoError(t, err)
	require.True(t, low < y && y < high)
	succeed(t, "forecast", dir, "--data", write(t, "rows.csv", rows), "--out", out, "--quantiles", "0.1,0.6")
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	for _, decoder := range []string{"loop", "unrolled", "loop, fewer steps"} {
		file := filepath.Join(t.TempDir(), "model.onnx")
		form, fewer, _ := strings.Cut(decoder, ", ")
		args := []string{"forecast", file, "--data", write(t, "rows.csv", rows), "--out", out, "--quantiles", "0.1,0.6"}
		want := string(want)
		if fewer != "" {
			args, want = append(args, "--horizon", "2"), strings.Join(lines[:3], "\n")
		}
		succeed(t, "export", dir, "--onnx", file, "--decoder", form)
		succeed(t, args...)
		got, err := os.ReadFile(out)
		require.NoError(t, err)
		requireSameNumbers(t, want, string(got))
	}

	data, paths := write(t, "rows.csv", rows), filepath.Join(t.TempDir(), "paths.csv")
	for _, strategy := range []string{"sample", "beam"} {
		succeed(t, "forecast", dir, "--data", data, "--out", out, "--strategy", strategy, "--paths", "3", "--paths-out", paths, "--seed", "4", "--plot", png)
		table, err := os.ReadFile(paths)
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(table)), "\n")
		require.Equal(t, "unique_id,ds,path,log_likelihood,y", lines[0])
		require.Len(t, lines, 1+3*3)
		require.True(t, strings.HasPrefix(lines[9], "demand,2024-03-25 02:00:00,3,"), lines[9])
	}
	require.Contains(t, succeed(t, "backtest", dir, "--data", hourly, "--from=-48", "--paths", "20"), "coverage of 80 %")

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{dir, "--data", data, "--paths-out", paths}, "--paths-out: greedy decoding has no paths"},
		{[]string{dir, "--data", hourly}, `series "demand" has temperature for 0 rows after its last, the horizon needs 3`},
		{[]string{dir, "--data", hourly, "--future", hourly}, `has 2024-01-01 00:00:00 as its row 1, expected 2024-03-25 00:00:00, 1 after the history's end`},
		{[]string{dir, "--data", hourly, "--quantiles", "0.9,0.1"}, "--quantiles 0.1: expected rising levels above 0 and below 1"},
		{[]string{trained(t), "--data", hourly, "--quantiles", "0.9"}, "quantile 0.9: lstmattn: a point forecast has no quantiles"},
		{[]string{trained(t), "--data", hourly, "--future", hourly}, "the model takes no covariates that are known ahead"},
	} {
		status, _, stderr := onda(append([]string{"forecast", "--out", out}, c.args...)...)
		require.Equal(t, 1, status, "%v", c.args)
		require.Contains(t, stderr, c.want)
	}
	short := write(t, "short.json", `{"feature_names": ["y"], "num_past": 1}`)
	status, _, stderr := onda("train", "--data", hourly, "--config", short, "--out", t.TempDir())
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "short.json: num_past is 1, past_names has 0")
}

// A part of a split model is no forecaster.
func TestForecastOfAPartIsRefused(t *testing.T) {
	dir, out := smallModel(t), t.TempDir()
	succeed(t, "export", dir, "--onnx", filepath.Join(out, "model.onnx"), "--decoder", "split")
	for _, part := range []string{"encoder", "decoder_step"} {
		status, _, stderr := onda("forecast", filepath.Join(out, part+".onnx"), "--data", "../../testmodels/series/hourly.csv", "--out", filepath.Join(out, "x.csv"))
		require.Equal(t, 1, status)
		require.Contains(t, stderr, part+".onnx: one part of a forecaster that was exported with a split decoder")
	}
}

// A dash is standard input and output, where the CSV is alone.
func TestForecastInAPipe(t *testing.T) {
	dir, out := smallModel(t), t.TempDir()
	file := filepath.Join(out, "x.csv")
	data, err := os.ReadFile("../../testmodels/series/hourly.csv")
	require.NoError(t, err)
	said := succeed(t, "forecast", dir, "--data", "../../testmodels/series/hourly.csv", "--out", file)
	want, err := os.ReadFile(file)
	require.NoError(t, err)

	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run([]string{"forecast", dir, "--data", "-", "--out", "-", "--show"}, bytes.NewReader(data), &stdout, &stderr), stderr.String())
	require.Equal(t, string(want), stdout.String())
	require.True(t, strings.HasPrefix(stderr.String(), strings.Replace(said, file, "standard output", 1)), stderr.String())
	require.Equal(t, 1, run([]string{"forecast", dir, "--data", "-", "--out", "-"}, strings.NewReader("a,b\n1,x\n"), &stdout, &stderr))
	require.Contains(t, stderr.String(), `onda: standard input: row 2, column "b": "x" is no finite number`)
}

// Series that are too short are refused with the way on, or left out.
func TestShortSeries(t *testing.T) {
	var text strings.Builder
	text.WriteString("unique_id,ds,y\n")
	for i := range 60 {
		fmt.Fprintf(&text, "long,%d,%d\n", i, i%5)
	}
	for i := range 10 {
		fmt.Fprintf(&text, "short,%d,%d\n", i, i%5)
	}
	data := write(t, "data.csv", text.String())
	config := write(t, "config.json", trainConfig)
	out := filepath.Join(t.TempDir(), "model")
	train := []string{"train", "--data", data, "--config", config, "--out", out, "--epochs", "1"}
	status, _, stderr := onda(train...)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, `series "short" has no window of 16 and 4 rows whose targets lie in its rows 1 to 7; --skip-short leaves such series out`)
	status, _, stderr = onda(append(train, "--skip-short")...)
	require.Equal(t, 0, status, stderr)
	require.Contains(t, stderr, "2 series, 1 of them too short, ")

	file := filepath.Join(t.TempDir(), "x.csv")
	status, _, stderr = onda("forecast", out, "--data", data, "--out", file)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, `series "short" has 10 rows, 16 are needed; --skip-short leaves such series out`)
	require.Contains(t, succeed(t, "forecast", out, "--data", data, "--out", file, "--skip-short"), "4 steps of 1 series")
}

// A reader of files that say more than the data need is told how to go on.
func TestHintsOfData(t *testing.T) {
	config := write(t, "config.json", trainConfig)
	dir := smallModel(t)
	status, _, stderr := onda("forecast", dir, "--data", write(t, "d.csv", "a,b\n1,2\n"), "--out", "x.csv", "--columns", "b,c")
	require.Equal(t, 1, status)
	require.Contains(t, stderr, `no column "c"`)
	out := filepath.Join(t.TempDir(), "model")
	data := waves(t, 120)
	succeed(t, "train", "--data", data, "--config", config, "--out", out, "--epochs", "1")
	status, _, stderr = onda("forecast", out, "--data", data, "--out", "x.csv", "--columns", "down,up")
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "--columns down,up: these are the model's, in the order up,down")
	for text, want := range map[string]string{
		"ds,y,city\n1,2,Bonn\n":        `row 2, column "city": "Bonn" is no finite number; --columns chooses the columns to forecast, --time-column that of the timestamps`,
		"ds,y\n1,\n":                   `row 2, column "y": is empty; --missing says what to do with empty cells`,
		"Date,y\n1,1\n2,2\n4,3\n":      `row 4, column "Date": 4 follows 2, expected 3: the rows must be equally spaced; --missing says what to do with absent rows`,
		",ds,y\n0,1,1\n1,2,1\n2,3,1\n": "row 1: column 1 has no name; name it, or say which columns are forecast",
	} {
		status, _, stderr := onda("train", "--data", write(t, "data.csv", text), "--config", config, "--out", t.TempDir())
		require.Equal(t, 1, status)
		require.Contains(t, stderr, want)
	}
}
