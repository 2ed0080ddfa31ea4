package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/schemas"
	"github.com/onda-ml/onda/ops/tensor"
)

const heading = `# Supported operators

Written by ` + "`make generate`" + ` from the table that the runtime uses. A version is the first opset in which the operator has that
meaning; an operator serves every opset from its oldest version on. Types are given for each type parameter of the inputs, by
the names of ONNX's specification (for com.microsoft: of ONNX Runtime's). They were found by asking each operator what it
takes; those in italics, of operators that can't be asked without a whole node, are the specification's. Attributes are those
that the operator reads.

A test in ops/schemas compares all this with the specification: every version is there, every type that was asked for and
every attribute; of com.microsoft every attribute, and every type but those of a list in that test. That results are right
is shown by other tests: ONNX's own suites, and those of each operator.

Of com.microsoft there are the operators that ONNX Runtime's optimiser and quantisers, and exporters, left in the models that
were tried, not all of the domain. com.microsoft.nchwc are images in blocks of channels, as ONNX Runtime's highest level leaves
them. How many channels a block has is that of the machine which wrote the file and not in it: it is read off the weights, and
where all have a multiple of 16 channels it is taken to be this machine's, as ONNX Runtime does. A model for other machines
should be saved at level extended.
`

// specification finds schemas by operator and version.
type specification struct {
	set  *ops.Set
	find map[string]*schemas.Schema
}

func readSchemas() (*specification, error) {
	all, _, err := schemas.All()
	if err != nil {
		return nil, err
	}
	s := &specification{ops.Standard(), map[string]*schemas.Schema{}}
	for i := range all {
		s.find[key(all[i].Domain, all[i].Name, all[i].Since)] = &all[i]
	}
	return s, nil
}

func key(domain, name string, since int) string { return fmt.Sprintf("%s.%s-%d", domain, name, since) }

// row is the element types and attributes of a version of op.
func (s *specification) row(op ops.Op, since int) (kinds, attributes string) {
	schema := s.find[key(op.Domain, op.Name, since)]
	if schema == nil {
		return "as ONNX Runtime's optimiser writes it", ""
	}
	var list []string
	seen := map[string]bool{}
	for _, p := range schema.Inputs {
		if may := schema.Tensors(p.Type); seen[p.Type] || len(may) == 0 {
			continue
		}
		seen[p.Type] = true
		takes, ok := schema.Takes(s.set, p.Type)
		text := names(takes)
		if !ok || len(takes) == 0 {
			text = "*" + names(schema.Tensors(p.Type)) + "*"
		}
		if _, parameter := schema.Types[p.Type]; parameter {
			text = p.Type + ": " + text
		} else {
			text = p.Name + ": " + text
		}
		list = append(list, text)
	}
	return strings.Join(list, "; "), strings.Join(slices.Sorted(maps.Keys(schema.Attributes)), ", ")
}

// groups are types with a name in common.
var groups = []struct {
	name  string
	types []tensor.DType
}{
	{"int8 to int64", []tensor.DType{tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64}},
	{"uint8 to uint64", []tensor.DType{tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64}},
	{"float8 (4)", []tensor.DType{tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ}},
	{"int4, uint4", []tensor.DType{tensor.Int4, tensor.Uint4}},
	{"complex", []tensor.DType{tensor.Complex64, tensor.Complex128}},
}

func names(list []tensor.DType) string {
	left := map[tensor.DType]bool{}
	for _, dt := range list {
		left[dt] = true
	}
	var out []string
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16} {
		if left[dt] {
			out = append(out, dt.String())
			delete(left, dt)
		}
	}
	for _, g := range groups {
		if !slices.ContainsFunc(g.types, func(dt tensor.DType) bool { return !left[dt] }) {
			out = append(out, g.name)
			for _, dt := range g.types {
				delete(left, dt)
			}
		}
	}
	for _, dt := range slices.Sorted(maps.Keys(left)) {
		out = append(out, dt.String())
	}
	return strings.Join(out, ", ")
}
