package testmodels

import (
	"embed"
	"io/fs"
	"path"
	"sort"
)

//go:embed attention dynamo keras quantised recurrent seq2seq specification structure temporal transformer
var files embed.FS

// FS holds the cases, each in a folder FAMILY/NAME.
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

// Cases lists all cases, sorted by name.
func Cases() []Case {
	models, err := fs.Glob(files, "*/*/model.onnx")
	if err != nil {
		panic(err) // the pattern is constant
	}
	sort.Strings(models)
	cases := make([]Case, 0, len(models))
	for _, model := range models {
		name := path.Dir(model)
		sets, err := fs.Glob(files, name+"/test_data_set_*")
		if err != nil {
			panic(err)
		}
		sort.Strings(sets)
		cases = append(cases, Case{Name: name, Sets: sets})
	}
	return cases
}
