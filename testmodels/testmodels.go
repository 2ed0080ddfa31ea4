package testmodels

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
)

//go:embed attention contrib dynamo forecasters keras lightgbm optimised quantised recurrent refused
//go:embed seq2seq series sklearn specification structure temporal transformer xgboost
var files embed.FS

// AirPassengers is the folder in FS of the bundled forecaster, a case like the
// others with series.csv beside it: the series it was trained on, in columns
// unique_id, ds, y. Its metadata tell the look-back, the horizon and the unit.
const AirPassengers = "forecasters/airpassengers"

// Hourly is a CSV file in FS with the columns unique_id, ds, y, temperature:
// 2,016 hours of a made-up demand with a daily and a weekly season and a trend.
const Hourly = "series/hourly.csv"

// FS holds the cases, each in a folder FAMILY/NAME, and the series.
func FS() fs.FS { return files }

// Case is one model with at least one data set.
type Case struct {
	// Name is FAMILY/NAME, which is also the case's folder in FS.
	Name string
	// Sets are the folders of the data sets in FS, in order.
	Sets []string
}

// Model is the path of the case's model in FS.
func (c Case) Model() string { return path.Join(c.Name, "model.onnx") }

// Cases lists all cases that must run, sorted by name.
func Cases() []Case {
	return slices.DeleteFunc(list("*/*"), func(c Case) bool { return strings.HasPrefix(c.Name, "refused/") })
}

// Refused lists the models that must not run, sorted by name: error.txt in the
// folder is the sentence they are refused with, when the model is loaded or,
// where there is a data set, when it is run with the inputs of that.
func Refused() []Case { return list("refused/*") }

func list(folders string) []Case {
	models := glob(folders + "/model.onnx")
	cases := make([]Case, 0, len(models))
	for _, model := range models {
		name := path.Dir(model)
		cases = append(cases, Case{Name: name, Sets: glob(name + "/test_data_set_*")})
	}
	return cases
}

func glob(pattern string) []string {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		panic(err) // the pattern is malformed, which no caller's is
	}
	sort.Strings(names)
	return names
}
