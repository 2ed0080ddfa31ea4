package runtime_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/testmodels"
)

// contents is what the rows of PRODUCERS.md look for in a model.
type contents struct {
	model *onnx.Model
	graph map[string]*onnx.Tensor // initialisers of every graph
	nodes []*onnx.Node            // of every graph and function
	inner map[string]bool         // operators in bodies
}

func contentsOf(m *onnx.Model) *contents {
	c := &contents{model: m, graph: map[string]*onnx.Tensor{}, inner: map[string]bool{}}
	c.add(m.Graph, false)
	for _, f := range m.Functions {
		c.nodes = append(c.nodes, f.Nodes...)
	}
	return c
}

func (c *contents) add(g *onnx.Graph, inner bool) {
	for _, t := range g.Initializers {
		c.graph[t.Name] = t
	}
	for _, n := range g.Nodes {
		c.nodes = append(c.nodes, n)
		if inner {
			c.inner[n.Domain+"."+n.OpType] = true
		}
		for _, a := range n.Attributes {
			if a.G != nil {
				c.add(a.G, true)
			}
		}
	}
}

func (c *contents) has(ops ...string) bool {
	return slices.ContainsFunc(c.nodes, func(n *onnx.Node) bool { return slices.Contains(ops, n.OpType) })
}

func (c *contents) hasAll(ops ...string) bool {
	return !slices.ContainsFunc(ops, func(op string) bool { return !c.has(op) })
}

func (c *contents) domain(name string) bool {
	return slices.ContainsFunc(c.nodes, func(n *onnx.Node) bool { return n.Domain == name })
}

func (c *contents) producer(name string) bool {
	return strings.Contains(c.model.ProducerName, name)
}

// recurrent is whether a recurrent node has input i (0 for any) and attribute name
// ("" for any) that is neither 0 nor empty.
func (c *contents) recurrent(i int, name string) bool {
	return slices.ContainsFunc(c.nodes, func(n *onnx.Node) bool {
		if !slices.Contains([]string{"LSTM", "GRU", "RNN"}, n.OpType) || i >= len(n.Inputs) || n.Inputs[i] == "" {
			return false
		}
		return name == "" || slices.ContainsFunc(n.Attributes, func(a *onnx.Attribute) bool {
			return a.Name == name && (a.I != 0 || a.F != 0 || len(a.Strings) > 0)
		})
	})
}

func (c *contents) constant(dt ...onnx.DataType) bool {
	for _, t := range c.graph {
		if slices.Contains(dt, t.DataType) {
			return true
		}
	}
	return false
}

func (c *contents) opset() int64 {
	for _, o := range c.model.OpsetImports {
		if o.Domain == "" {
			return o.Version
		}
	}
	return 0
}

var producers = map[string]func(c *contents) bool{
	"baked state": func(c *contents) bool {
		return slices.ContainsFunc(c.nodes, func(n *onnx.Node) bool {
			return n.OpType == "LSTM" && len(n.Inputs) > 5 && c.graph[n.Inputs[5]] != nil
		})
	},
	"lengths":  func(c *contents) bool { return c.recurrent(4, "") },
	"layout 1": func(c *contents) bool { return c.recurrent(0, "layout") },
	"fixed batch": func(c *contents) bool {
		return c.producer("pytorch") && c.has("Softmax") && slices.ContainsFunc(c.model.Graph.Inputs, func(v *onnx.ValueInfo) bool {
			return slices.ContainsFunc(v.Type.Tensor.Shape.Dims[:2], func(d onnx.Dim) bool { return d.HasValue })
		})
	},
	"traced loop":   func(c *contents) bool { return c.has("LSTM") && len(c.nodes) > 150 && !c.has("Loop", "Scan") },
	"scripted loop": func(c *contents) bool { return c.has("Loop", "If") },
	"sequences in a loop": func(c *contents) bool {
		return c.hasAll("Loop", "SequenceEmpty", "SequenceInsert", "ConcatFromSequence")
	},
	"control flow of the newer exporter": func(c *contents) bool {
		return strings.HasPrefix(c.model.ProducerVersion, "2.") && c.has("Loop", "If", "Scan")
	},
	"functions in bodies": func(c *contents) bool {
		return slices.ContainsFunc(c.model.Functions, func(f *onnx.Function) bool { return c.inner[f.Domain+"."+f.Name] })
	},
	"foreign GRU": func(c *contents) bool {
		return c.producer("pytorch") && c.has("GRU") && !c.recurrent(0, "linear_before_reset")
	},
	"flat weights": func(c *contents) bool {
		return c.opset() == 7 || slices.ContainsFunc(c.nodes, func(n *onnx.Node) bool {
			return len(n.Inputs) > 1 && c.graph[n.Inputs[1]] != nil && len(c.graph[n.Inputs[1]].Dims) == 2
		})
	},
	"Keras":            func(c *contents) bool { return c.producer("tf2onnx") && c.has("Loop") },
	"Keras backwards":  func(c *contents) bool { return c.producer("tf2onnx") && c.has("ReverseSequence") },
	"peepholes":        func(c *contents) bool { return c.recurrent(7, "") },
	"clip":             func(c *contents) bool { return c.recurrent(0, "clip") },
	"coupled gates":    func(c *contents) bool { return c.recurrent(0, "input_forget") },
	"activation lists": func(c *contents) bool { return c.recurrent(0, "activations") },
	"float64":          func(c *contents) bool { return c.has("LSTM", "GRU", "RNN") && c.constant(onnx.Double) },
	"16 bits":          func(c *contents) bool { return c.constant(onnx.Float16, onnx.BFloat16) },
	"int8 QDQ": func(c *contents) bool {
		return c.producer("onnx.quantize") && c.hasAll("QuantizeLinear", "DequantizeLinear")
	},
	"int8 by integers": func(c *contents) bool {
		return c.producer("onnx.quantize") && c.has("MatMulInteger", "QLinearMatMul", "QLinearConv")
	},
	"int8 LSTM":          func(c *contents) bool { return c.has("DynamicQuantizeLSTM") },
	"int8 fused":         func(c *contents) bool { return c.has("DynamicQuantizeMatMul") },
	"optimised":          func(c *contents) bool { return c.domain("com.microsoft") },
	"blocks of channels": func(c *contents) bool { return c.domain("com.microsoft.nchwc") },
	"external data":      nil, // looked for below: loading has read it
	"malformed":          nil,
	"text":               func(c *contents) bool { return c.has("Tokenizer") },
	"distances":          func(c *contents) bool { return c.has("CDist") },
	"trees": func(c *contents) bool {
		return c.has("TreeEnsembleRegressor", "TreeEnsembleClassifier", "TreeEnsemble")
	},
}

// TestProducers looks into each model that testmodels/PRODUCERS.md names for what
// its row says.
func TestProducers(t *testing.T) {
	text, err := os.ReadFile("../testmodels/PRODUCERS.md")
	require.NoError(t, err)
	row, name := regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \| ([^|]+) \|`), regexp.MustCompile("`([a-z0-9_]+/[a-z0-9_]+)`")
	seen := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "row" {
			continue
		}
		holds, known := producers[m[1]]
		require.True(t, known, "row %q has no property", m[1])
		models := name.FindAllStringSubmatch(m[2], -1)
		require.NotEmpty(t, models, m[1])
		for _, model := range models {
			data, err := testmodels.FS().Open(model[1] + "/model.onnx")
			require.NoError(t, err, m[1])
			require.NoError(t, data.Close())
			if m[1] == "external data" {
				bytes, err := os.ReadFile("../testmodels/" + model[1] + "/model.onnx")
				require.NoError(t, err)
				require.Contains(t, string(bytes), "location", model[1])
			}
			if holds == nil {
				continue
			}
			proto, err := onnx.LoadFS(testmodels.FS(), model[1]+"/model.onnx")
			require.NoError(t, err, m[1])
			require.True(t, holds(contentsOf(proto)), "%s isn't %q", model[1], m[1])
		}
		seen[m[1]] = true
	}
	require.Len(t, seen, len(producers))
}
