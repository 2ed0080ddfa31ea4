package runtime

import (
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// Load reads, binds and compiles the model in the file at path, with external
// data from the same folder. Everything that can't run is listed at once, in a
// *LoadError.
func Load(path string, opts ...Option) (*Model, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	p, err := onnx.Load(path, onnx.WithMemoryLimit(c.memory), onnx.WithoutWrites())
	if err != nil {
		return nil, err
	}
	return c.compile(p)
}

// LoadBytes is Load for a model in memory. The model keeps data, which must not
// change afterwards.
func LoadBytes(data []byte, opts ...Option) (*Model, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	p, err := onnx.Decode(data, onnx.WithMemoryLimit(c.memory))
	if err != nil {
		return nil, err
	}
	return c.compile(p)
}

// LoadReader is Load for a model that is read to the end of r.
func LoadReader(r io.Reader, opts ...Option) (*Model, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	p, err := onnx.LoadReader(r, onnx.WithMemoryLimit(c.memory))
	if err != nil {
		return nil, err
	}
	return c.compile(p)
}

// LoadFS is Load for a file of a file system, such as an embed.FS.
func LoadFS(fsys fs.FS, name string, opts ...Option) (*Model, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	p, err := onnx.LoadFS(fsys, name, onnx.WithMemoryLimit(c.memory), onnx.WithoutWrites())
	if err != nil {
		return nil, err
	}
	return c.compile(p)
}

// Compile makes a Model of a decoded or hand-built file. p must not change
// afterwards.
func Compile(p *onnx.Model, opts ...Option) (*Model, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return c.compile(p)
}

func (c *config) compile(p *onnx.Model) (*Model, error) {
	m := &Model{proto: p, compiler: compiler{config: c, pool: kernel.NewPool(c.threads), held: p.Memory(), waste: new(atomic.Int64),
		packs: &packs{byKey: map[string]*pack{}, ids: map[*tensor.Tensor]uint64{}}}}
	memory := m.budget()
	g, err := bind(p, c, &memory)
	if err != nil {
		return nil, err
	}
	m.graph, m.held = g, memory.held
	m.ports()
	if c.level == Plain {
		return m, nil
	}
	if err := m.optimise(); err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	return m, nil
}

// optimise rewrites the graph at load.
func (m *Model) optimise() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrInternal, r)
		}
	}()
	in := make([]ops.Fact, len(m.inputs))
	m.defaults = make([]*tensor.Tensor, len(m.inputs))
	for i, p := range m.inputs {
		in[i] = p.fact()
		for _, k := range m.graph.consts {
			if k.slot == m.graph.inputs[i] {
				m.defaults[i] = k.value
			}
		}
	}
	memory := m.budget()
	file := &census{seen: map[*byte]bool{}}
	m.graph.addTo(file)
	before := file.bytes
	if m.opt, err = m.compiler.optimise(m.graph, in, &memory); err != nil {
		return err
	}
	m.opt.addTo(file)
	m.held += file.bytes - before + m.packs.bytes
	memory.tidy(memory.held - m.held)
	m.graph.forget()
	if !m.unpacked {
		m.packs.ids = map[*tensor.Tensor]uint64{}
	}
	return nil
}

// ports describes inputs and outputs. Before IR version 4 every initializer is
// also listed as an input, and is a constant; since then one that is listed is
// the default of an input.
func (m *Model) ports() {
	g := m.graph
	isConst := map[int]bool{}
	for _, c := range g.consts {
		isConst[c.slot] = true
	}
	var slots []int
	for i, v := range m.proto.Graph.Inputs {
		p := portOf(v)
		if isConst[g.inputs[i]] {
			if m.proto.IRVersion < 4 {
				continue
			}
			p.Optional = true
		}
		m.inputs = append(m.inputs, p)
		slots = append(slots, g.inputs[i])
	}
	g.inputs = slots
	for _, v := range m.proto.Graph.Outputs {
		m.outputs = append(m.outputs, portOf(v))
	}
}
