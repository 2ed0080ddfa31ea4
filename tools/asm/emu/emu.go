// Package emu executes functions that avo has compiled, one instruction after
// the other, so that kernels are tested on machines without their instruction
// set. It knows the instructions the kernels use, as Intel's Software
// Developer's Manual defines them, and fails at any other; at a load or store
// outside the arguments, or a store to one that is only read; at a jump on
// flags that are undefined; and at a return that leaves the upper halves of
// vectors dirty. Registers start with noise, not zeros.
package emu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"unsafe"

	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// A Program holds the functions and the tables of a compiled file.
type Program struct {
	functions map[string]*ir.Function
	globals   map[string]*region
}

// New takes a file after pass.Compile.
func New(file *ir.File) (*Program, error) {
	p := &Program{map[string]*ir.Function{}, map[string]*region{}}
	for _, s := range file.Sections {
		switch s := s.(type) {
		case *ir.Function:
			p.functions[s.Name] = s
		case *ir.Global:
			r := &region{name: s.Symbol.Name, base: uint64(len(p.globals)+1) << 48, data: make([]byte, s.Size)}
			for _, d := range s.Data {
				word, ok := d.Value.(operand.U32)
				if !ok {
					return nil, fmt.Errorf("datum of %s is a %T, want an operand.U32", s.Symbol.Name, d.Value)
				}
				order.PutUint32(r.data[d.Offset:], uint32(word))
			}
			p.globals[s.Symbol.Name] = r
		}
	}
	return p, nil
}

// Written marks a slice that a function may store to.
type Written struct{ slice any }

// Out returns an argument that a function may store to.
func Out[T any](s []T) Written { return Written{s} }

// Call executes a function and returns its results, which are float32. Args are
// int, int32, uint32, float32, float64, bool, and slices, for parameters that are slices and
// such that point to their first element. Slices not wrapped by [Out] are only
// read. The same slice may be given twice.
func (p *Program) Call(name string, args ...any) (results []float32, err error) {
	fn := p.functions[name]
	if fn == nil {
		return nil, fmt.Errorf("no function %s", name)
	}
	m := newMachine(p)
	if err := m.arguments(fn, args); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("%s: %s: %s", name, m.at(), string(f))
		}
	}()
	m.run(fn)
	for i := 0; ; i++ {
		r, err := fn.Signature.Results().At(i).Resolve()
		if err != nil {
			return results, nil
		}
		results = append(results, math.Float32frombits(order.Uint32(m.frame.data[r.Addr.Disp:])))
	}
}

// newMachine fills the registers with noise.
func newMachine(p *Program) *machine {
	m := &machine{globals: p.globals}
	noise := rand.New(rand.NewPCG(1, 2))
	for i := range m.gp {
		m.gp[i] = noise.Uint64()
	}
	for i := range m.masks {
		m.masks[i] = noise.Uint64()
	}
	for i := range m.vectors {
		for j := range m.vectors[i] {
			m.vectors[i][j] = byte(noise.Uint32())
		}
	}
	return m
}

// arguments lays out the frame.
func (m *machine) arguments(fn *ir.Function, args []any) error {
	m.frame = &region{name: "the frame", base: 1 << 40, data: make([]byte, fn.ArgumentBytes()), writable: true}
	for i := range m.frame.data {
		m.frame.data[i] = 0xa5
	}
	m.memory = []*region{m.frame}
	for _, g := range m.globals {
		m.memory = append(m.memory, g)
	}
	params := fn.Signature.Params()
	for i, arg := range args {
		writable := false
		if w, ok := arg.(Written); ok {
			arg, writable = w.slice, true
		}
		v := reflect.ValueOf(arg)
		c := params.At(i)
		if base, err := c.Base().Resolve(); err == nil { // a slice
			if v.Kind() != reflect.Slice {
				return fmt.Errorf("argument %d is a %T, want a slice", i, arg)
			}
			at := m.frame.data[base.Addr.Disp:]
			order.PutUint64(at, m.add(fmt.Sprintf("argument %d", i), v, writable))
			order.PutUint64(at[8:], uint64(v.Len()))
			order.PutUint64(at[16:], uint64(v.Len()))
			continue
		}
		b, err := c.Resolve()
		if err != nil {
			return fmt.Errorf("argument %d: %w", i, err)
		}
		at, size := m.frame.data[b.Addr.Disp:], int(gotypes.Sizes.Sizeof(b.Type))
		want := size
		switch v.Kind() {
		case reflect.Slice:
			order.PutUint64(at, m.add(fmt.Sprintf("argument %d", i), v, writable))
			want = 8
		case reflect.Int:
			order.PutUint64(at, uint64(v.Int()))
			want = 8
		case reflect.Int32:
			order.PutUint32(at, uint32(v.Int()))
			want = 4
		case reflect.Uint32:
			order.PutUint32(at, uint32(v.Uint()))
			want = 4
		case reflect.Float32:
			order.PutUint32(at, math.Float32bits(float32(v.Float())))
			want = 4
		case reflect.Float64:
			order.PutUint64(at, math.Float64bits(v.Float()))
			want = 8
		case reflect.Bool:
			at[0] = 0
			if v.Bool() {
				at[0] = 1
			}
			want = 1
		default:
			return fmt.Errorf("argument %d is a %T", i, arg)
		}
		if size != want {
			return fmt.Errorf("argument %d is a %T, of %d bytes, the parameter has %d", i, arg, want, size)
		}
	}
	if c := params.At(len(args)); hasAddress(c) {
		return fmt.Errorf("%d arguments are too few for %s", len(args), fn.Stub())
	}
	return nil
}

func hasAddress(c gotypes.Component) bool {
	_, value := c.Resolve()
	_, slice := c.Base().Resolve()
	return value == nil || slice == nil
}

// add makes a slice memory and returns its address, which is a multiple of four
// and no more.
func (m *machine) add(name string, v reflect.Value, writable bool) uint64 {
	if v.Len() == 0 {
		return 0
	}
	data := unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*int(v.Type().Elem().Size()))
	for _, r := range m.memory {
		if &r.data[0] == &data[0] && len(r.data) == len(data) {
			r.writable = r.writable || writable
			return r.base
		}
	}
	r := &region{name: name, base: uint64(len(m.memory)+1)<<32 + 4, data: data, writable: writable}
	m.memory = append(m.memory, r)
	return r.base
}
