package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// valid is a small model with a subgraph, a function, a sparse constant and an outer value used inside.
func valid() *Model {
	branch := func(name, in string) *Graph {
		return &Graph{Name: name,
			Nodes:   []*Node{{OpType: "Neg", Inputs: []string{in}, Outputs: []string{name + "_y"}}},
			Outputs: []*ValueInfo{TensorValue(name+"_y", Float, DimParam("n"))}}
	}
	return &Model{
		IRVersion:    8,
		OpsetImports: []OpsetImport{{Version: 17}, {Domain: "local", Version: 1}},
		Graph: &Graph{
			Name:         "main",
			Inputs:       []*ValueInfo{TensorValue("x", Float, DimParam("n")), TensorValue("c", Bool)},
			Outputs:      []*ValueInfo{TensorValue("y", Float, DimParam("n"))},
			Initializers: []*Tensor{TensorFloat32("w", []int64{2}, []float32{1, 2})},
			SparseInitializers: []*SparseTensor{{Dims: []int64{2, 3},
				Values:  TensorFloat32("s", []int64{2}, []float32{1, 2}),
				Indices: TensorInt64("", []int64{2, 2}, []int64{0, 1, 1, 0})}},
			Nodes: []*Node{
				{Name: "a", OpType: "Add", Inputs: []string{"x", "w"}, Outputs: []string{"sum"}},
				{Name: "if", OpType: "If", Inputs: []string{"c"}, Outputs: []string{"picked", ""}, Attributes: []*Attribute{
					AttrGraph("then_branch", branch("then", "sum")), AttrGraph("else_branch", branch("else", "x"))}},
				{Name: "f", OpType: "Twice", Domain: "local", Inputs: []string{"picked", ""}, Outputs: []string{"y"},
					Attributes: []*Attribute{AttrFloat("by", 2)}},
			},
		},
		Functions: []*Function{{
			Name: "Twice", Domain: "local", Inputs: []string{"a", "b"}, Outputs: []string{"c"}, Attributes: []string{"by"},
			OpsetImports: []OpsetImport{{Domain: "ai.onnx", Version: 17}},
			Nodes: []*Node{{OpType: "Elu", Inputs: []string{"a"}, Outputs: []string{"c"},
				Attributes: []*Attribute{AttrRef("alpha", AttributeFloat, "by")}}},
		}},
	}
}

func TestCheckPassesAValidModel(t *testing.T) {
	require.NoError(t, Check(valid()))
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	then := func(m *Model) *Graph { return m.Graph.Nodes[1].Attributes[0].G }
	weight := func(m *Model) *Tensor { return m.Graph.Initializers[0] }
	sparse := func(m *Model) *SparseTensor { return m.Graph.SparseInitializers[0] }
	addAttribute := func(m *Model, a *Attribute) { m.Graph.Nodes[0].Attributes = append(m.Graph.Nodes[0].Attributes, a) }
	const inIf = `onnx: graph "main": node 1 (If "if"): attribute "then_branch": graph "then": `
	const inAdd = `onnx: graph "main": node 0 (Add "a"): `
	for name, c := range map[string]struct {
		change func(m *Model)
		want   []string
	}{
		"old IR":         {func(m *Model) { m.IRVersion, m.Graph = 2, &Graph{Name: "g"} }, []string{`onnx: ir_version 2, expected 3 to 13`}},
		"future IR":      {func(m *Model) { m.IRVersion = 14 }, []string{`onnx: ir_version 14, expected 3 to 13`}},
		"no graph":       {func(m *Model) { m.Graph = nil }, []string{`onnx: no graph`}},
		"no opsets":      {func(m *Model) { m.Functions[0].OpsetImports = nil }, []string{`onnx: function "Twice": no opset imports`, `onnx: function "Twice": node 0 (Elu): domain "" has no opset import`}},
		"opset twice":    {func(m *Model) { m.OpsetImports[1].Domain = "ai.onnx" }, []string{`onnx: opset_import 1: domain "ai.onnx" twice`, `onnx: graph "main": node 2 (local.Twice "f"): domain "local" has no opset import`}},
		"opset 0":        {func(m *Model) { m.OpsetImports[0].Version = 0 }, []string{`onnx: opset_import 0: version 0 of domain ""`}},
		"metadata twice": {func(m *Model) { m.Metadata = []StringEntry{{Key: "k"}, {Key: "k"}} }, []string{`onnx: metadata_props 1: key "k" twice`}},
		"graph's name":   {func(m *Model) { then(m).Name = "" }, []string{`onnx: graph "main": node 1 (If "if"): attribute "then_branch": graph: no name`}},
		"input twice":    {func(m *Model) { m.Graph.Inputs[1].Name = "x" }, []string{`onnx: graph "main": input "x": is assigned twice`, `onnx: graph "main": node 1 (If "if"): input 0, "c", is not defined before`}},
		"input's name":   {func(m *Model) { m.Graph.Inputs = append(m.Graph.Inputs, TensorValue("", Float)) }, []string{`onnx: graph "main": input 2: no name`}},
		"input's type":   {func(m *Model) { m.Graph.Inputs[0].Type = nil }, []string{`onnx: graph "main": input "x": no type`}},
		"unknown type":   {func(m *Model) { m.Graph.Inputs[0].Type.Tensor.ElemType = 99 }, []string{`onnx: graph "main": input "x": element type DataType(99)`}},
		"two types":      {func(m *Model) { m.Graph.Inputs[0].Type.Sequence = &Type{} }, []string{`onnx: graph "main": input "x": more than one kind of type`}},
		"map key": {func(m *Model) {
			m.Graph.ValueInfos = []*ValueInfo{{Name: "v", Type: &Type{Sequence: &Type{Map: &MapType{KeyType: Float}}}}}
		}, []string{`onnx: graph "main": value_info "v": sequence_type: map with keys of type FLOAT, expected an integer type or STRING`}},
		"output missing":    {func(m *Model) { m.Graph.Outputs[0].Name = "z" }, []string{`onnx: graph "main": output "z": is not produced in this graph`}},
		"outer as output":   {func(m *Model) { then(m).Outputs[0].Name = "x" }, []string{inIf + `output "x": is not produced in this graph`}},
		"order":             {func(m *Model) { n := m.Graph.Nodes; n[0], n[1] = n[1], n[0] }, []string{`onnx: graph "main": node 0 (If "if"): attribute "then_branch": graph "then": node 0 (Neg): input 0, "sum", is not defined before`}},
		"undefined input":   {func(m *Model) { m.Graph.Nodes[0].Inputs[1] = "nowhere" }, []string{inAdd + `input 1, "nowhere", is not defined before`}},
		"subgraph to outer": {func(m *Model) { m.Graph.Nodes[2].Inputs[0] = "then_y" }, []string{`onnx: graph "main": node 2 (local.Twice "f"): input 0, "then_y", is not defined before`}},
		"assigned twice":    {func(m *Model) { m.Graph.Nodes[2].Outputs[0] = "sum" }, []string{`onnx: graph "main": node 2 (local.Twice "f"): output 0, "sum", is assigned twice`, `onnx: graph "main": output "y": is not produced in this graph`}},
		"assigned inside":   {func(m *Model) { then(m).Nodes[0].Outputs[0] = "sum" }, []string{inIf + `node 0 (Neg): output 0, "sum", is assigned twice`, inIf + `output "then_y": is not produced in this graph`}},
		"own output":        {func(m *Model) { m.Graph.Nodes[0].Inputs[0] = "sum" }, []string{inAdd + `input 0, "sum", is not defined before`}},
		"op_type":           {func(m *Model) { m.Graph.Nodes[0].OpType = "" }, []string{`onnx: graph "main": node 0 ("a"): no op_type`}},
		"empty node":        {func(m *Model) { m.Graph.Nodes = append(m.Graph.Nodes, &Node{OpType: "Op"}) }, []string{`onnx: graph "main": node 3 (Op): neither inputs nor outputs`}},
		"nil node":          {func(m *Model) { m.Graph.Nodes = append(m.Graph.Nodes, nil) }, []string{`onnx: graph "main": node 3: is nil`}},
		"domain":            {func(m *Model) { m.Graph.Nodes[0].Domain = "com.x" }, []string{`onnx: graph "main": node 0 (com.x.Add "a"): domain "com.x" has no opset import`}},
		"attribute twice":   {func(m *Model) { addAttribute(m, AttrInt("k", 1)); addAttribute(m, AttrInt("k", 1)) }, []string{inAdd + `attribute "k": there twice`}},
		"attribute's type":  {func(m *Model) { addAttribute(m, &Attribute{Name: "k", I: 1}) }, []string{inAdd + `attribute "k": type UNDEFINED`}},
		"attribute's field": {func(m *Model) { addAttribute(m, &Attribute{Name: "k", Type: AttributeFloat, I: 1}) }, []string{inAdd + `attribute "k": type FLOAT, but a value in i`}},
		"attribute's value": {func(m *Model) { addAttribute(m, AttrTensor("k", nil)) }, []string{inAdd + `attribute "k": type TENSOR without a value`}},
		"attribute's name":  {func(m *Model) { addAttribute(m, AttrInts("", 1)) }, []string{inAdd + `attribute 0: no name`}},
		"tensor attribute":  {func(m *Model) { addAttribute(m, AttrTensor("k", &Tensor{DataType: Float})) }, []string{inAdd + `attribute "k": tensor: 0 numbers in float_data, expected 1 for FLOAT of shape []`}},
		"graph list":        {func(m *Model) { addAttribute(m, &Attribute{Name: "k", Type: AttributeGraphs, Graphs: []*Graph{nil}}) }, []string{inAdd + `attribute "k": graph 0: is nil`}},
		"reference outside": {func(m *Model) { addAttribute(m, AttrRef("k", AttributeInt, "by")) }, []string{inAdd + `attribute "k": refers to attribute "by" of a function, but is not in one`}},
		"initializer twice": {func(m *Model) { m.Graph.Initializers = append(m.Graph.Initializers, weight(m)) }, []string{`onnx: graph "main": initializer "w": is assigned twice`}},
		"initializer name":  {func(m *Model) { m.Graph.Initializers = append(m.Graph.Initializers, TensorInt64("", nil, []int64{1})) }, []string{`onnx: graph "main": initializer 1: no name`}},
		"initializer size":  {func(m *Model) { weight(m).Dims[0] = 3 }, []string{`onnx: graph "main": initializer "w": 8 bytes of raw data, expected 12 for FLOAT of shape [3]`}},
		"initializer IR 3":  {func(m *Model) { m.IRVersion, m.Functions = 3, nil; m.Graph.SparseInitializers = nil }, []string{`onnx: graph "main": initializer "w": is not among the inputs, as ir_version 3 demands`}},
		"location": {func(m *Model) {
			weight(m).RawData, weight(m).DataLocation, weight(m).External = nil, LocationExternal, []StringEntry{{Key: "location", Value: "../w"}}
		}, []string{`onnx: graph "main": initializer "w": external data "../w": is not a relative path inside the model's folder`}},
		"segment":           {func(m *Model) { weight(m).Segment = &Segment{} }, []string{`onnx: graph "main": initializer "w": is a segment of a tensor`}},
		"sparse range":      {func(m *Model) { sparse(m).Dims[1] = 1 }, []string{`onnx: graph "main": sparse_initializer "s": indices: index 0 has 1 in dimension 1 of size 1`}},
		"sparse order":      {func(m *Model) { sparse(m).Indices = TensorInt64("", []int64{2}, []int64{5, 5}) }, []string{`onnx: graph "main": sparse_initializer "s": indices: index 1 is not above the one before`}},
		"sparse linear":     {func(m *Model) { sparse(m).Indices = TensorInt64("", []int64{2}, []int64{5, 6}) }, []string{`onnx: graph "main": sparse_initializer "s": indices: index 1 is 6, expected 0 to 5`}},
		"sparse shape":      {func(m *Model) { sparse(m).Indices = TensorInt64("", []int64{1}, []int64{5}) }, []string{`onnx: graph "main": sparse_initializer "s": indices: INT64 of shape [1], expected INT64 of shape [2] or [2 2]`}},
		"sparse indices":    {func(m *Model) { sparse(m).Indices = nil }, []string{`onnx: graph "main": sparse_initializer "s": 2 values, but no indices`}},
		"sparse values":     {func(m *Model) { sparse(m).Values.Dims = []int64{1, 2} }, []string{`onnx: graph "main": sparse_initializer "s": values of shape [1 2], expected one dimension`}},
		"sparse overflow":   {func(m *Model) { sparse(m).Dims = []int64{1 << 40, 1 << 40} }, []string{`onnx: graph "main": sparse_initializer "s": shape [1099511627776 1099511627776] has no number of elements`}},
		"function twice":    {func(m *Model) { m.Functions = append(m.Functions, m.Functions[0]) }, []string{`onnx: function "Twice": a second function of domain "local" and overload ""`}},
		"function's name":   {func(m *Model) { m.Functions[0].Name = "" }, []string{`onnx: function 0: no name`}},
		"nil function":      {func(m *Model) { m.Functions = append(m.Functions, nil) }, []string{`onnx: function 1: is nil`}},
		"function's input":  {func(m *Model) { m.Functions[0].Inputs[1] = "a" }, []string{`onnx: function "Twice": input 1: "a" is assigned twice`}},
		"function's output": {func(m *Model) { m.Functions[0].Outputs[0] = "z" }, []string{`onnx: function "Twice": output 0: "z" is not produced`}},
		"function's domain": {func(m *Model) { m.Functions[0].Nodes[0].Domain = "local" }, []string{`onnx: function "Twice": node 0 (local.Elu): domain "local" has no opset import`}},
		"parameter twice":   {func(m *Model) { m.Functions[0].AttributeProtos = []*Attribute{AttrFloat("by", 1)} }, []string{`onnx: function "Twice": attribute_proto "by": there twice`}},
		"reference":         {func(m *Model) { m.Functions[0].Nodes[0].Attributes[0].RefAttrName = "bye" }, []string{`onnx: function "Twice": node 0 (Elu): attribute "alpha": refers to attribute "bye", which the function does not have`}},
		"reference, value":  {func(m *Model) { m.Functions[0].Nodes[0].Attributes[0].F = 1 }, []string{`onnx: function "Twice": node 0 (Elu): attribute "alpha": refers to attribute "by" and has a value in f`}},
		"outer in function": {func(m *Model) { m.Functions[0].Nodes[0].Inputs[0] = "x" }, []string{`onnx: function "Twice": node 0 (Elu): input 0, "x", is not defined before`}},
		"recursion":         {func(m *Model) { recurse(m) }, []string{`onnx: function "Twice": calls itself`}},
	} {
		t.Run(name, func(t *testing.T) {
			m := valid()
			c.change(m)
			err := Check(m)
			require.Error(t, err)
			got := strings.Split(err.Error(), "\n")
			slices.Sort(got)
			slices.Sort(c.want)
			require.Equal(t, c.want, got)
			var f *FormatError
			require.ErrorAs(t, err, &f)
		})
	}
	require.EqualError(t, Check(nil), "onnx: no model")
}

// recurse has the function call another from inside a subgraph, which calls the first.
func recurse(m *Model) {
	f := m.Functions[0]
	f.OpsetImports = append(f.OpsetImports, OpsetImport{Domain: "local", Version: 1})
	body := &Graph{Name: "b", Nodes: []*Node{{OpType: "Other", Domain: "local", Inputs: []string{"a"}, Outputs: []string{"r"}}}}
	f.Nodes = append(f.Nodes, &Node{OpType: "If", Inputs: []string{"a"}, Outputs: []string{"unused"}, Attributes: []*Attribute{AttrGraph("then_branch", body)}})
	m.Functions = append(m.Functions, &Function{Name: "Other", Domain: "local", Inputs: []string{"p"}, Outputs: []string{"q"},
		OpsetImports: []OpsetImport{{Domain: "local", Version: 1}},
		Nodes:        []*Node{{OpType: "Twice", Domain: "local", Inputs: []string{"p"}, Outputs: []string{"q"}}}})
}

func TestCheckStopsAtManyFindings(t *testing.T) {
	m := valid()
	for range 1000 {
		m.Graph.Nodes = append(m.Graph.Nodes, &Node{})
	}
	require.Len(t, strings.Split(Check(m).Error(), "\n"), maxFindings)
}

func TestCheckSurvivesGraphsInsideThemselves(t *testing.T) {
	m := valid()
	g := &Graph{Name: "g", Inputs: []*ValueInfo{TensorValue("c", Bool)}}
	g.Nodes = []*Node{{OpType: "If", Inputs: []string{"c"}, Attributes: []*Attribute{AttrGraph("then_branch", g), AttrGraph("else_branch", g)}}}
	m.Graph = g
	require.ErrorContains(t, Check(m), "graphs nested too deeply")
	m = valid()
	f := m.Functions[0]
	f.Nodes = append(f.Nodes, g.Nodes...)
	require.ErrorContains(t, Check(m), "graphs nested too deeply")
}

func TestCheckSurvivesLongChainsOfFunctions(t *testing.T) {
	m := valid()
	m.Functions = nil
	for i := range 200 {
		m.Functions = append(m.Functions, &Function{Name: fmt.Sprint("F", i), Domain: "local", Inputs: []string{"a"},
			OpsetImports: []OpsetImport{{Domain: "local", Version: 1}},
			Nodes:        []*Node{{OpType: fmt.Sprint("F", i+1), Domain: "local", Inputs: []string{"a"}}}})
	}
	require.EqualError(t, Check(m), `onnx: function "F101": more than 100 functions call each other`)
}
