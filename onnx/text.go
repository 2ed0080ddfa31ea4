package onnx

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Text writes a model for people to read, close to ONNX's textual syntax:
//
//	<ir_version: 8, opset_import: ["": 17]>
//	main (float[batch,168,5] x) => (float[batch,24] y)
//	<float[4,64,5] W, float[4,64,64] R>
//	{
//	   [enc] h, , c = LSTM <hidden_size = 64> (x, W, R)
//	}
//
// Names that are not plain words are quoted; the elements of large constants and long lists are left out.
func Text(w io.Writer, m *Model) error {
	b := bufio.NewWriter(w)
	t := &textWriter{w: b}
	t.model(m)
	return b.Flush()
}

type textWriter struct {
	w     *bufio.Writer // keeps the first error
	depth int
}

// longList is from where on a list is cut short.
const longList = 16

func (t *textWriter) print(s ...string) {
	for _, s := range s {
		_, _ = t.w.WriteString(s)
	}
}

func (t *textWriter) model(m *Model) {
	if m == nil {
		return
	}
	fields := []string{"ir_version: " + strconv.FormatInt(m.IRVersion, 10), "opset_import: " + opsetText(m.OpsetImports)}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, name+": "+strconv.Quote(value))
		}
	}
	add("producer_name", m.ProducerName)
	add("producer_version", m.ProducerVersion)
	add("domain", m.Domain)
	if m.ModelVersion != 0 {
		fields = append(fields, "model_version: "+strconv.FormatInt(m.ModelVersion, 10))
	}
	for _, e := range m.Metadata {
		add("metadata_props "+strconv.Quote(e.Key), e.Value)
	}
	t.print("<", strings.Join(fields, ", "), ">\n")
	if m.Graph != nil {
		t.graph(m.Graph)
		t.print("\n")
	}
	for _, f := range m.Functions {
		if f != nil {
			t.function(f)
		}
	}
}

func (t *textWriter) function(f *Function) {
	t.print("<domain: ", strconv.Quote(f.Domain), ", opset_import: ", opsetText(f.OpsetImports), ">\n", word(f.Name))
	if len(f.Attributes)+len(f.AttributeProtos) > 0 {
		t.print(" <", strings.Join(words(f.Attributes), ", "))
		for i, a := range f.AttributeProtos {
			if i > 0 || len(f.Attributes) > 0 {
				t.print(", ")
			}
			t.attribute(a)
		}
		t.print(">")
	}
	t.print(" (", strings.Join(words(f.Inputs), ", "), ") => (", strings.Join(words(f.Outputs), ", "), ")\n")
	t.nodes(f.Nodes)
	t.print("\n")
}

func (t *textWriter) graph(g *Graph) {
	t.print(word(g.Name), " (", valuesText(g.Inputs), ") => (", valuesText(g.Outputs), ")\n")
	if len(g.Initializers)+len(g.SparseInitializers) > 0 {
		t.indent("<")
		for i, c := range g.Initializers {
			if i > 0 {
				t.print(", ")
			}
			t.print(tensorText(c))
		}
		for i, c := range g.SparseInitializers {
			if i > 0 || len(g.Initializers) > 0 {
				t.print(", ")
			}
			t.print(sparseText(c))
		}
		t.print(">\n")
	}
	t.nodes(g.Nodes)
}

func (t *textWriter) nodes(nodes []*Node) {
	t.indent("{\n")
	t.depth++
	for _, n := range nodes {
		if n != nil && t.depth <= maxDepth {
			t.node(n)
		}
	}
	t.depth--
	t.indent("}")
}

func (t *textWriter) node(n *Node) {
	t.indent("")
	if n.Name != "" {
		t.print("[", word(n.Name), "] ")
	}
	op := word(n.OpType)
	if n.Domain != "" {
		op = word(n.Domain) + "." + op
	}
	if n.Overload != "" {
		op += ":" + word(n.Overload)
	}
	t.print(strings.Join(words(n.Outputs), ", "), " = ", op, " ")
	if len(n.Attributes) > 0 {
		t.print("<")
		for i, a := range n.Attributes {
			if i > 0 {
				t.print(", ")
			}
			t.attribute(a)
		}
		t.print("> ")
	}
	t.print("(", strings.Join(words(n.Inputs), ", "), ")\n")
}

func (t *textWriter) attribute(a *Attribute) {
	if a == nil {
		return
	}
	t.print(word(a.Name), " = ")
	switch {
	case a.RefAttrName != "":
		t.print("@", word(a.RefAttrName))
	case a.Type == AttributeGraph && a.G != nil:
		t.graph(a.G)
	case a.Type == AttributeGraphs:
		t.print("[")
		for i, g := range a.Graphs {
			if i > 0 {
				t.print(", ")
			}
			if g != nil {
				t.graph(g)
			}
		}
		t.print("]")
	default:
		t.print(valueText(a))
	}
}

func (t *textWriter) indent(s string) { t.print(strings.Repeat("   ", t.depth), s) }

// valueText is the value of an attribute that is not a graph.
func valueText(a *Attribute) string {
	switch a.Type {
	case AttributeFloat:
		return floatText(a.F)
	case AttributeInt:
		return strconv.FormatInt(a.I, 10)
	case AttributeString:
		return strconv.Quote(shorten(string(a.S)))
	case AttributeTensor:
		return tensorText(a.T)
	case AttributeSparseTensor:
		return sparseText(a.SparseTensor)
	case AttributeTypeProto:
		return typeText(a.TypeProto, 0)
	case AttributeFloats:
		return listText(a.Floats, floatText)
	case AttributeInts:
		return listText(a.Ints, func(v int64) string { return strconv.FormatInt(v, 10) })
	case AttributeStrings:
		return listText(a.Strings, func(s []byte) string { return strconv.Quote(shorten(string(s))) })
	case AttributeTensors:
		return listText(a.Tensors, tensorText)
	case AttributeSparseTensors:
		return listText(a.SparseTensors, sparseText)
	case AttributeTypeProtos:
		return listText(a.TypeProtos, func(p *Type) string { return typeText(p, 0) })
	}
	return a.Type.String()
}

func floatText(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }

func listText[T any](list []T, text func(T) string) string {
	var s []string
	for i, v := range list {
		if i == longList {
			s = append(s, fmt.Sprintf("... %d more", len(list)-i))
			break
		}
		s = append(s, text(v))
	}
	return "[" + strings.Join(s, ", ") + "]"
}

func opsetText(imports []OpsetImport) string {
	var s []string
	for i := range imports {
		s = append(s, strconv.Quote(imports[i].Domain)+": "+strconv.FormatInt(imports[i].Version, 10))
	}
	return "[" + strings.Join(s, ", ") + "]"
}

func valuesText(values []*ValueInfo) string {
	var s []string
	for _, v := range values {
		if v == nil {
			continue
		}
		name := word(v.Name)
		if typ := typeText(v.Type, 0); typ != "" {
			name = typ + " " + name
		}
		s = append(s, name)
	}
	return strings.Join(s, ", ")
}

// words quotes the names that are not plain; a left-out optional name stays empty.
func words(names []string) []string {
	s := make([]string, len(names))
	for i, n := range names {
		if n != "" {
			s[i] = word(n)
		}
	}
	return s
}

// word is a name as it is, or quoted if it is empty, long or has anything but letters, digits and a few signs.
func word(name string) string {
	plain := name != "" && shorten(name) == name
	for _, r := range name {
		plain = plain && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_./:-", r))
	}
	if plain {
		return name
	}
	return quote(name)
}
