package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
)

// ErrUnsupported marks a model that is right but needs something this build
// lacks: an operator, opset, domain, attribute or type.
var ErrUnsupported = ops.ErrUnsupported

// ErrInput marks inputs of a run that don't fit the model: a missing or unknown
// name, another type, another shape.
var ErrInput = errors.New("input")

// ErrMemoryLimit marks a load or a run that would have taken more memory than
// allowed.
var ErrMemoryLimit = onnx.ErrMemoryLimit

// ErrInternal marks a defect of ours that a model or input brought to light;
// the process goes on.
var ErrInternal = errors.New("internal error")

// OpError is an error of one node, found while loading or running.
type OpError struct {
	Graph  string // name of the subgraph or function the node is in; "" for the main graph
	Index  int    // position in its graph
	Node   string // its name, often empty
	OpType string // such as "LSTM"
	Domain string // "" is ai.onnx
	Opset  int64  // of Domain, as the model imports it
	Err    error  // what is wrong, without the place
}

// Error is the place and what is wrong: node "enc" (LSTM, opset 14): attribute
// "clip": is -1, expected a threshold above 0.
func (e *OpError) Error() string {
	var b strings.Builder
	if e.Graph != "" {
		fmt.Fprintf(&b, "graph %q: ", e.Graph)
	}
	if e.Node != "" {
		fmt.Fprintf(&b, "node %q (", e.Node)
	} else {
		fmt.Fprintf(&b, "node %d (", e.Index)
	}
	if e.Domain != "" {
		b.WriteString(e.Domain + ".")
	}
	fmt.Fprintf(&b, "%s, opset %d): %v", e.OpType, e.Opset, e.Err)
	return b.String()
}

// Unwrap is the node's own error.
func (e *OpError) Unwrap() error { return e.Err }

// LoadError lists everything that keeps a model from being loaded.
type LoadError struct{ Errs []error }

// Error is a line for each error, for the first 50.
func (e *LoadError) Error() string {
	if len(e.Errs) == 1 {
		return "runtime: " + e.Errs[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "runtime: %d nodes can't be bound:", len(e.Errs))
	for i, err := range e.Errs {
		if i == 50 {
			fmt.Fprintf(&b, "\n\tand %d more", len(e.Errs)-i)
			break
		}
		b.WriteString("\n\t" + err.Error())
	}
	return b.String()
}

// Unwrap is every error, for errors.Is and errors.As.
func (e *LoadError) Unwrap() []error { return e.Errs }
