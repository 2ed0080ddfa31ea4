package onnxtest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// A Case is one folder with a model and its data sets.
type Case struct {
	Name string   // the folder's path
	Sets []string // the paths of its data sets, in the order of their numbers
}

// ModelPath is the path of the case's model.
func (c Case) ModelPath() string { return path.Join(c.Name, "model.onnx") }

// Find lists the cases at or below root, in the order of their names. A folder
// is a case if it has a model.onnx.
func Find(fsys fs.FS, root string) ([]Case, error) {
	var cases []Case
	err := fs.WalkDir(fsys, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || d.Name() != "model.onnx" {
			return nil
		}
		dir := path.Dir(p)
		sets, err := fs.Glob(fsys, path.Join(escape(dir), "test_data_set_*"))
		if err != nil {
			return err
		}
		sort.Slice(sets, func(i, j int) bool { return number(sets[i]) < number(sets[j]) })
		cases = append(cases, Case{dir, sets})
		return nil
	})
	return cases, err
}

// escape keeps fs.Glob from reading a folder's name as a pattern.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// number is the N of NAME_N or NAME_N.pb.
func number(p string) int {
	p = strings.TrimSuffix(p, ".pb")
	n, err := strconv.Atoi(p[strings.LastIndexByte(p, '_')+1:])
	if err != nil {
		return -1
	}
	return n
}

// ReadSet reads the inputs and the expected outputs of a data set. The types of
// the model's inputs and outputs tell what kind of message each file holds.
func ReadSet(fsys fs.FS, set string, m *onnx.Model) (inputs, outputs map[string]tensor.Value, err error) {
	if inputs, err = readValues(fsys, set, "input", required(m)); err != nil {
		return nil, nil, err
	}
	outputs, err = readValues(fsys, set, "output", m.Graph.Outputs)
	return inputs, outputs, err
}

// required are the graph's inputs, first those that no initializer gives a
// value: test data lists files in that order.
func required(m *onnx.Model) []*onnx.ValueInfo {
	given := map[string]bool{}
	for _, t := range m.Graph.Initializers {
		given[t.Name] = true
	}
	var first, rest []*onnx.ValueInfo
	for _, v := range m.Graph.Inputs {
		if given[v.Name] {
			rest = append(rest, v)
		} else {
			first = append(first, v)
		}
	}
	return append(first, rest...)
}

func readValues(fsys fs.FS, set, prefix string, ports []*onnx.ValueInfo) (map[string]tensor.Value, error) {
	values := map[string]tensor.Value{}
	for i, p := range ports {
		file := path.Join(set, fmt.Sprintf("%s_%d.pb", prefix, i))
		data, err := fs.ReadFile(fsys, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v, err := readValue(data, p.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if v != nil {
			values[p.Name] = v
		}
	}
	return values, nil
}

func readValue(data []byte, t *onnx.Type) (tensor.Value, error) {
	switch {
	case t != nil && t.Sequence != nil:
		p, err := onnx.DecodeSequence(data)
		if err != nil {
			return nil, err
		}
		return tensor.FromSequenceONNX(p)
	case t != nil && t.Optional != nil:
		p, err := onnx.DecodeOptional(data)
		if err != nil {
			return nil, err
		}
		return tensor.FromOptionalONNX(p)
	case t != nil && t.Map != nil:
		p, err := onnx.DecodeMap(data)
		if err != nil {
			return nil, err
		}
		return tensor.FromMapONNX(p)
	}
	p, err := onnx.DecodeTensor(data)
	if err != nil {
		return nil, err
	}
	return tensor.FromONNX(p)
}
