package ops

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onda-ml/onda/onnx"
)

// Set is an immutable collection of operators.
type Set struct {
	ops map[opKey]Op
	own map[opKey]bool // added or replaced by a user
}

type opKey struct{ domain, name string }

// canonical turns the spelled-out name of ONNX's default domain into "".
func canonical(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// Standard is the set of every operator in this package.
func Standard() *Set {
	s := &Set{ops: map[opKey]Op{}}
	for _, family := range families() {
		for _, op := range family {
			s.ops[opKey{op.Domain, op.Name}] = op
		}
	}
	return s
}

// With is a set with more operators; one that is there already is replaced.
func (s *Set) With(more ...Op) (*Set, error) {
	out := &Set{ops: maps.Clone(s.ops), own: maps.Clone(s.own)}
	if out.own == nil {
		out.own = map[opKey]bool{}
	}
	for _, op := range more {
		if op.Name == "" || len(op.Versions) == 0 {
			return nil, fmt.Errorf("ops: operator %q of domain %q needs a name and at least one version", op.Name, op.Domain)
		}
		for i, v := range op.Versions {
			if v.New == nil {
				return nil, fmt.Errorf("ops: operator %q of domain %q: version %d has no constructor", op.Name, op.Domain, v.Since)
			}
			if i > 0 && op.Versions[i-1].Since >= v.Since {
				return nil, fmt.Errorf("ops: operator %q of domain %q: versions must be in rising order", op.Name, op.Domain)
			}
		}
		op.Domain = canonical(op.Domain)
		out.ops[opKey{op.Domain, op.Name}] = op
		out.own[opKey{op.Domain, op.Name}] = true
	}
	return out, nil
}

// Replaced reports whether an operator was added, or put in the place of one of
// this package's, by [Set.With]: what is known of the standard operator of that
// name doesn't hold for it.
func (s *Set) Replaced(domain, name string) bool { return s.own[opKey{canonical(domain), name}] }

// Ops lists the operators by domain and name.
func (s *Set) Ops() []Op {
	return slices.SortedFunc(maps.Values(s.ops), func(a, b Op) int {
		return strings.Compare(a.Domain+"\x00"+a.Name, b.Domain+"\x00"+b.Name)
	})
}

// NewestOpset is the newest opset of a domain whose meaning this package knows,
// and false for a domain it doesn't number, such as a user's own.
func NewestOpset(domain string) (int64, bool) {
	switch canonical(domain) {
	case "":
		return 27, true
	case "ai.onnx.ml":
		return 5, true
	case "ai.onnx.preview", "ai.onnx.preview.training":
		return 1, true
	}
	return 0, false
}

// Lookup is the version of an operator that a model importing the given opset
// of its domain means.
func (s *Set) Lookup(domain, name string, opset int64) (Version, error) {
	op, ok := s.ops[opKey{canonical(domain), name}]
	if !ok {
		if domain = canonical(domain); domain != "" {
			return Version{}, Unsupportedf("operator %s of domain %q", name, domain)
		}
		return Version{}, Unsupportedf("operator %s", name)
	}
	for _, v := range slices.Backward(op.Versions) {
		if int64(v.Since) <= opset {
			return v, nil
		}
	}
	return Version{}, Unsupportedf("operator %s before opset %d", name, op.Versions[0].Since)
}

// Bind makes the kernel of a node: it finds the version, checks the arity and
// reads the attributes. The error doesn't name the node: the caller does.
func (s *Set) Bind(node *onnx.Node, opset int64, bind func(*onnx.Graph) (Body, error)) (Kernel, Version, error) {
	v, err := s.Lookup(node.Domain, node.OpType, opset)
	if err != nil {
		return nil, v, err
	}
	if err := checkArity("input", named(node.Inputs), v.MinIn, v.MaxIn); err != nil {
		return nil, v, err
	}
	for i, name := range node.Inputs[:min(v.MinIn, len(node.Inputs))] {
		if name == "" && !v.Holes {
			return nil, v, fmt.Errorf("input %d is missing", i)
		}
	}
	if err := checkArity("output", named(node.Outputs), v.MinOut, v.MaxOut); err != nil {
		return nil, v, err
	}
	a := NewAttrs(node, opset, bind)
	k, err := v.New(a)
	if err != nil {
		return nil, v, err
	}
	if err := a.Done(); err != nil {
		return nil, v, err
	}
	return k, v, nil
}

// named is the number of names up to the last that isn't empty.
func named(names []string) int {
	n := len(names)
	for n > 0 && names[n-1] == "" {
		n--
	}
	return n
}

func checkArity(what string, n, least, most int) error {
	switch {
	case n >= least && n <= most:
		return nil
	case least == most:
		return fmt.Errorf("has %d %ss, expected %d", n, what, least)
	case most == Unlimited:
		return fmt.Errorf("has %d %ss, expected at least %d", n, what, least)
	}
	return fmt.Errorf("has %d %ss, expected %d to %d", n, what, least, most)
}
