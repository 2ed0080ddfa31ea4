package onnx

import (
	"errors"
	"strconv"
	"strings"
)

// FormatError says that a file, or a model built by hand, is not what the ONNX format allows. Its text reads like
//
//	onnx: graph "main": node 12 (LSTM "enc"): attribute "hidden_size": truncated varint at byte 40213
type FormatError struct {
	File    string // as the caller named it; empty if there is none
	Place   string // from the outside inwards, such as `graph "main": node 12 (LSTM "enc")`; empty for the file as a whole
	Problem string // what was found and what may be there
	Offset  int64  // of the byte in the file at which Problem was noticed; negative if no one byte is to blame
	Err     error  // what is behind Problem, if anything: ErrMemoryLimit or the system's error
}

// ErrMemoryLimit is behind the error of a load that [WithMemoryLimit] stopped.
var ErrMemoryLimit = errors.New("memory limit exceeded")

// Error is one line: the file, the place, the problem and the byte, as far as they are known.
func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString("onnx: ")
	for _, s := range []string{e.File, e.Place} {
		if s != "" {
			b.WriteString(s)
			b.WriteString(": ")
		}
	}
	b.WriteString(e.Problem)
	if e.Offset >= 0 {
		b.WriteString(" at byte ")
		b.WriteString(strconv.FormatInt(e.Offset, 10))
	}
	return b.String()
}

// Unwrap gives what is behind the problem.
func (e *FormatError) Unwrap() error { return e.Err }

// within puts a label before the place of a FormatError on its way outwards.
func within(label string, err error) error {
	var f *FormatError
	if errors.As(err, &f) && label != "" {
		if f.Place == "" {
			f.Place = label
		} else {
			f.Place = label + ": " + f.Place
		}
	}
	return err
}

// inFile names the file of a FormatError.
func inFile(name string, err error) error {
	var f *FormatError
	if errors.As(err, &f) {
		f.File = name
	}
	return err
}

// place is where in a model something is: a chain of labels, made into text only when there is something to say.
type place struct {
	up    *place
	kind  string
	index int // among its like; negative if it is the only one
	what  any // a message, whose name is used if it has one
}

func (p *place) at(kind string, index int, what any) *place {
	return &place{p, kind, index, what}
}

func (p *place) String() string {
	if p == nil {
		return ""
	}
	l := label(p.kind, p.index, p.what)
	if up := p.up.String(); up != "" {
		return up + ": " + l
	}
	return l
}

// label names a part of a message: by kind and name (graph "main"), else by kind and index (node 12), else by kind. A
// node has its index, operator and name.
func label(kind string, index int, what any) string {
	name := ""
	switch m := what.(type) {
	case *Node:
		if m != nil {
			return kind + indexed(index) + nodeTitle(m)
		}
	case interface{ title() string }:
		name = m.title()
	}
	if name != "" {
		return kind + " " + quote(name)
	}
	return kind + indexed(index)
}

func indexed(i int) string {
	if i < 0 {
		return ""
	}
	return " " + strconv.Itoa(i)
}

// nodeTitle is ` (LSTM "enc")` with what is known of it.
func nodeTitle(n *Node) string {
	var parts []string
	if n.OpType != "" {
		op := n.OpType
		if d := normalDomain(n.Domain); d != "" {
			op = d + "." + op
		}
		parts = append(parts, shorten(op))
	}
	if n.Name != "" {
		parts = append(parts, quote(n.Name))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, " ") + ")"
}

// quote is a name in quotes, shortened: names come from the file and may be of any length.
func quote(s string) string { return strconv.Quote(shorten(s)) }

func shorten(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// The names by which errors call the messages that have one. They accept nil.

func (m *Graph) title() string {
	if m == nil {
		return ""
	}
	return m.Name
}

func (m *Function) title() string {
	if m == nil {
		return ""
	}
	return m.Name
}

func (m *Attribute) title() string {
	if m == nil {
		return ""
	}
	return m.Name
}

func (m *Tensor) title() string {
	if m == nil {
		return ""
	}
	return m.Name
}

func (m *ValueInfo) title() string {
	if m == nil {
		return ""
	}
	return m.Name
}

func (m *SparseTensor) title() string {
	if m == nil {
		return ""
	}
	return m.Values.title()
}
