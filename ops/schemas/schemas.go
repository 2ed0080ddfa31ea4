// Package schemas holds what onnx says of every operator in each of its
// versions, as testmodels/scripts/make_schemas.py wrote it from onnx.defs, and
// finds out how much of that the operators of package ops take. Tests and the
// generator of OPERATORS.md use it; the runtime doesn't.
package schemas

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/onda-ml/onda/ops/tensor"
)

//go:embed schemas.json.gz
var packed []byte

// Schema is one version of an operator.
type Schema struct {
	Name       string
	Domain     string
	Since      int
	Deprecated bool
	MinIn      int `json:"min_in"`
	MaxIn      int `json:"max_in"`
	MinOut     int `json:"min_out"`
	MaxOut     int `json:"max_out"`
	Inputs     []Port
	Outputs    []Port
	Types      map[string][]string // of each type parameter, such as tensor(float)
	Attributes map[string]Attribute
}

// Port is an input or output. Type is a type parameter or a type.
type Port struct {
	Name, Type string
	Option     string // Single, Optional or Variadic
}

// Attribute is an attribute's type, as in onnx.AttributeProto, and whether it must
// be given.
type Attribute struct {
	Type     string
	Required bool
}

// All lists the schemas by domain, name and version, and tells the version of
// onnx that they are of.
func All() (list []Schema, onnxVersion string, err error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, "", fmt.Errorf("schemas: %w", err)
	}
	var file struct {
		Onnx    string
		Schemas []Schema
	}
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, "", fmt.Errorf("schemas: %w", err)
	}
	return file.Schemas, file.Onnx, nil
}

// Tensors lists the element types of the tensors that a type parameter, or a type
// itself, allows.
func (s *Schema) Tensors(param string) (list []tensor.DType) {
	names, ok := s.Types[param]
	if !ok {
		names = []string{param}
	}
	for _, name := range names {
		inner, ok := strings.CutPrefix(name, "tensor(")
		if !ok {
			continue
		}
		for dt := tensor.Undefined + 1; dt < 32; dt++ {
			if dt.Valid() && inner == dt.String()+")" {
				list = append(list, dt)
			}
		}
	}
	return list
}
