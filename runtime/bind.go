package runtime

import (
	"errors"
	"fmt"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// maxDepth bounds how deep subgraphs and functions may nest, maxNodes how many
// nodes there may be once functions are expanded.
const (
	maxDepth = 64
	maxNodes = 1 << 20
	// About what a node and a constant take, bound, planned and running. The first of them are as good as
	// nothing.
	nodeBytes, constantBytes, freeBytes = 2560, 512, 8 << 20
)

// binder turns an onnx.Model into a graph. It collects every error it meets.
type binder struct {
	set       *ops.Set
	memory    *budget // of sparse tensors made dense, whose size the file only states
	functions map[functionKey]*onnx.Function
	nodes     int
	structs   int64           // bytes of nodes and constants
	newer     map[string]bool // domains whose opset was refused as too new
	block     int             // of channels, in com.microsoft.nchwc; 0 where the model doesn't tell
	errs      []error
}

type functionKey struct{ domain, name, overload string }

// scope is where names are looked up: one graph, subgraph or function body.
type scope struct {
	b        *binder
	g        *graph
	names    map[string]int
	parent   *scope // enclosing graph, nil for the main graph and for functions
	opsets   map[string]int64
	label    string // for messages
	depth    int
	captured []int                      // slots of parent, in step with g.captures
	attrs    map[string]*onnx.Attribute // of the call, in a function body
}

// bind makes the main graph of a model. The constants it has to make take of
// memory.
func bind(m *onnx.Model, c *config, memory *budget) (*graph, error) {
	if m == nil || m.Graph == nil {
		return nil, errors.New("runtime: the model has no graph")
	}
	b := &binder{set: c.set, memory: memory, functions: map[functionKey]*onnx.Function{}, newer: map[string]bool{}, block: channelBlock(m.Graph)}
	if m.IRVersion > onnx.IRVersion {
		b.errs = append(b.errs, ops.Unsupportedf("IR version %d, newer than %d", m.IRVersion, onnx.IRVersion))
	}
	for _, f := range m.Functions {
		b.functions[functionKey{domainOf(f.Domain), f.Name, f.Overload}] = f
	}
	s := &scope{b: b, g: &graph{name: m.Graph.Name}, names: map[string]int{}, opsets: opsetsOf(m.OpsetImports)}
	s.graph(m.Graph)
	if len(b.errs) > 0 {
		return nil, &LoadError{b.errs}
	}
	return s.g, nil
}

// spread accounts for the memory that a sparse tensor takes once it is dense.
// What is wrong with it otherwise is found when it is made so.
func (b *binder) spread(p *onnx.SparseTensor) error {
	if p.Values == nil {
		return nil
	}
	shape := make([]int, len(p.Dims))
	for i, d := range p.Dims {
		shape[i] = int(d)
	}
	n, err := tensor.CheckShape(shape, sizeOf(tensor.DType(p.Values.DataType)))
	if err != nil {
		return nil
	}
	return b.memory.lay(int64(n * sizeOf(tensor.DType(p.Values.DataType))))
}

func domainOf(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

func opsetsOf(imports []onnx.OpsetImport) map[string]int64 {
	m := map[string]int64{}
	for _, i := range imports {
		m[domainOf(i.Domain)] = i.Version
	}
	return m
}

func (s *scope) fail(err error) { s.b.errs = append(s.b.errs, err) }

func (s *scope) failf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if s.label != "" {
		err = fmt.Errorf("graph %q: %w", s.label, err)
	}
	s.fail(err)
}

// graph binds inputs, initializers, nodes and outputs of p into s.g.
func (s *scope) graph(p *onnx.Graph) {
	for _, in := range p.Inputs {
		s.g.inputs = append(s.g.inputs, s.define(in.Name))
	}
	for _, t := range p.Initializers {
		if !s.b.room(constantBytes) {
			return
		}
		v, err := tensor.FromONNX(t)
		if err != nil {
			s.failf("initializer: %w", err)
			s.declare(t.Name)
			continue
		}
		s.constant(t.Name, v)
	}
	for _, t := range p.SparseInitializers {
		if err := s.b.spread(t); err != nil {
			s.failf("sparse initializer: %w", err)
			continue
		}
		v, err := tensor.FromSparseONNX(t)
		if err != nil {
			s.failf("sparse initializer: %w", err)
			continue
		}
		s.constant(t.Values.Name, v)
	}
	s.nodes(p.Nodes)
	for _, out := range p.Outputs {
		slot, ok := s.resolve(out.Name)
		if !ok || slot < 0 {
			s.failf("output %q is computed by no node", out.Name)
			continue
		}
		s.g.outputs = append(s.g.outputs, slot)
	}
}

func (s *scope) constant(name string, v *tensor.Tensor) {
	s.g.consts = append(s.g.consts, constant{s.declare(name), v})
}

// declare is the slot of an initializer, which an input may have too.
func (s *scope) declare(name string) int {
	if slot, ok := s.names[name]; ok {
		return slot
	}
	return s.define(name)
}

// define gives a name its slot in this scope.
func (s *scope) define(name string) int {
	if _, twice := s.names[name]; twice {
		s.failf("value %q is defined twice", name)
	}
	slot := s.g.newSlot(name)
	s.names[name] = slot
	return slot
}

// resolve finds the slot of a name here or, as a capture, in an enclosing
// graph.
func (s *scope) resolve(name string) (int, bool) {
	if slot, ok := s.names[name]; ok {
		return slot, true
	}
	if s.parent == nil {
		return 0, false
	}
	outer, ok := s.parent.resolve(name)
	if !ok || outer < 0 {
		return outer, ok
	}
	slot := s.g.newSlot(name)
	s.names[name] = slot
	s.g.captures = append(s.g.captures, slot)
	s.captured = append(s.captured, outer)
	return slot, true
}

func (s *scope) nodes(nodes []*onnx.Node) {
	for i, p := range nodes {
		s.b.nodes++
		if s.b.nodes > maxNodes {
			if s.b.nodes == maxNodes+1 {
				s.failf("more than %d nodes once functions are expanded", maxNodes)
			}
			return
		}
		if !s.b.room(nodeBytes) {
			return
		}
		s.node(i, p)
	}
}

// room accounts for a node or a constant. Once there is none the rest of the
// model isn't looked at.
func (b *binder) room(bytes int64) bool {
	if b.nodes > maxNodes {
		return false
	}
	if b.structs += bytes; b.structs <= freeBytes {
		return true
	}
	if err := b.memory.lay(bytes); err != nil {
		b.errs = append(b.errs, fmt.Errorf("nodes and constants once functions are expanded: %w", err))
		b.nodes = maxNodes + 1
		return false
	}
	return true
}
