package main

import (
	"errors"
	"fmt"
	"sort"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/runtime"
)

type inspectCmd struct {
	Model string `arg:"" help:"An ONNX file, or a model directory." type:"path"`
	JSON  bool   `name:"json" help:"Print JSON."`

	Plan bool           `help:"Show the compiled plan for random inputs: steps, where each value lies, memory."`
	Dim  map[string]int `help:"With --plan: the size of a symbolic dimension, as NAME=N; 1 where none is given." placeholder:"NAME=N"`
}

// summary is what inspect tells of a model.
type summary struct {
	File        string            `json:"file"`
	IRVersion   int64             `json:"ir_version"`
	Producer    string            `json:"producer"`
	Graph       string            `json:"graph"`
	Opsets      map[string]int64  `json:"opsets"`
	Inputs      []port            `json:"inputs"`
	Outputs     []port            `json:"outputs"`
	Parameters  int64             `json:"parameters"`
	Bytes       int64             `json:"parameter_bytes"`
	Nodes       int               `json:"nodes"`
	Ops         []opCount         `json:"ops"`
	Functions   []string          `json:"functions,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Warnings    []string          `json:"warnings,omitempty"`
	Unsupported []string          `json:"unsupported"`
	Problem     string            `json:"problem,omitempty"`
}

type port struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"`
}

type opCount struct {
	Op        string `json:"op"`
	Count     int    `json:"count"`
	Supported bool   `json:"supported"`
}

func (c *inspectCmd) Run(a *app) error {
	if isDirectory(c.Model) {
		return c.directory(a)
	}
	if c.Plan {
		return c.plan(a)
	}
	m, err := onnx.Load(c.Model)
	if err != nil {
		return err
	}
	if m.Graph == nil {
		return fmt.Errorf("%s: the model has no graph", c.Model)
	}
	s := summarise(m)
	s.File = c.Model
	if c.JSON {
		return a.json(s)
	}
	s.print(a)
	return nil
}

// plan shows how a run with inputs of the given sizes goes.
func (c *inspectCmd) plan(a *app) error {
	m, err := runtime.Load(c.Model)
	if err != nil {
		return err
	}
	rc := runCmd{Random: true, Dim: c.Dim}
	inputs, err := rc.inputs(m)
	if err != nil {
		return err
	}
	p, err := m.Plan(inputs)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(p)
	}
	a.printf("%v", p)
	return nil
}

func summarise(m *onnx.Model) *summary {
	s := &summary{IRVersion: m.IRVersion, Producer: m.ProducerName, Graph: m.Graph.Name, Opsets: map[string]int64{},
		Metadata: map[string]string{}, Unsupported: []string{}}
	if m.ProducerVersion != "" {
		s.Producer += " " + m.ProducerVersion
	}
	for _, i := range m.OpsetImports {
		domain := i.Domain
		if domain == "" {
			domain = "ai.onnx"
		}
		s.Opsets[domain] = i.Version
	}
	for _, e := range m.Metadata {
		s.Metadata[e.Key] = e.Value
	}
	for _, f := range m.Functions {
		s.Functions = append(s.Functions, f.Domain+"."+f.Name)
	}
	t := tally{set: ops.Standard(), model: m, counts: map[string]*opCount{}, local: map[string]bool{}}
	for _, f := range m.Functions {
		t.local[f.Domain+"."+f.Name] = true
		t.nodes(f.Nodes)
	}
	t.graph(m.Graph)
	s.Nodes, s.Parameters, s.Bytes = t.n, t.elements, t.bytes
	for _, o := range t.counts {
		s.Ops = append(s.Ops, *o)
	}
	sort.Slice(s.Ops, func(i, j int) bool {
		if s.Ops[i].Count != s.Ops[j].Count {
			return s.Ops[i].Count > s.Ops[j].Count
		}
		return s.Ops[i].Op < s.Ops[j].Op
	})
	model, err := runtime.Compile(m)
	var load *runtime.LoadError
	switch {
	case errors.As(err, &load):
		for _, e := range load.Errs {
			s.Unsupported = append(s.Unsupported, e.Error())
		}
	case err != nil:
		s.Problem = err.Error()
	default:
		s.Warnings = model.Warnings()
		for _, p := range model.Inputs() {
			s.Inputs = append(s.Inputs, port{p.Name, p.String(), p.Optional})
		}
		for _, p := range model.Outputs() {
			s.Outputs = append(s.Outputs, port{p.Name, p.String(), false})
		}
		return s
	}
	for _, v := range m.Graph.Inputs {
		s.Inputs = append(s.Inputs, port{Name: v.Name})
	}
	for _, v := range m.Graph.Outputs {
		s.Outputs = append(s.Outputs, port{Name: v.Name})
	}
	return s
}

// tally counts a model's nodes and parameters, those of subgraphs included.
type tally struct {
	set             *ops.Set
	model           *onnx.Model
	counts          map[string]*opCount
	local           map[string]bool
	n               int
	elements, bytes int64
}

func (t *tally) graph(g *onnx.Graph) {
	for _, p := range g.Initializers {
		n, _ := onnx.ElementCount(p.Dims)
		t.elements += n
		if b, ok := p.DataType.ByteSize(n); ok {
			t.bytes += b
		}
	}
	t.nodes(g.Nodes)
}

func (t *tally) nodes(nodes []*onnx.Node) {
	for _, n := range nodes {
		t.n++
		name := n.OpType
		if n.Domain != "" && n.Domain != "ai.onnx" {
			name = n.Domain + "." + name
		}
		o := t.counts[name]
		if o == nil {
			version, _ := t.model.OpsetVersion(n.Domain)
			_, err := t.set.Lookup(n.Domain, n.OpType, version)
			o = &opCount{Op: name, Supported: err == nil || t.local[n.Domain+"."+n.OpType]}
			t.counts[name] = o
		}
		o.Count++
		for _, a := range n.Attributes {
			if a.G != nil {
				t.graph(a.G)
			}
			for _, g := range a.Graphs {
				t.graph(g)
			}
		}
	}
}

func (s *summary) print(a *app) {
	a.printf("%s\n", s.File)
	a.printf("  producer    %s, IR version %d\n", s.Producer, s.IRVersion)
	a.printf("  graph       %s, %d nodes, %d parameters (%.1f MB)\n", s.Graph, s.Nodes, s.Parameters, float64(s.Bytes)/1e6)
	for _, d := range sortedKeys(s.Opsets) {
		a.printf("  opset       %s %d\n", d, s.Opsets[d])
	}
	for _, p := range s.Inputs {
		optional := ""
		if p.Optional {
			optional = " (optional)"
		}
		a.printf("  input       %s %s%s\n", p.Name, p.Type, optional)
	}
	for _, p := range s.Outputs {
		a.printf("  output      %s %s\n", p.Name, p.Type)
	}
	for _, f := range s.Functions {
		a.printf("  function    %s\n", f)
	}
	for _, k := range sortedKeys(s.Metadata) {
		a.printf("  metadata    %s = %s\n", k, s.Metadata[k])
	}
	for _, o := range s.Ops {
		mark := ""
		if !o.Supported {
			mark = "  unsupported"
		}
		a.printf("  %6d x %s%s\n", o.Count, o.Op, mark)
	}
	for _, w := range s.Warnings {
		a.printf("  warning     %s\n", w)
	}
	for _, u := range s.Unsupported {
		a.printf("  unsupported %s\n", u)
	}
	if s.Problem != "" {
		a.printf("  problem     %s\n", s.Problem)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
