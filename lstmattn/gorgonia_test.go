package lstmattn

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A tape of Gorgonia's: the package comment's formulas once more, as a graph in
// float64 that Gorgonia differentiates. Every vector is a matrix of one row.
type oracle struct {
	t      *testing.T
	g      *gorgonia.ExprGraph
	params *Params
	parts  []part // in the order of use
	cache  map[string]*gorgonia.Node
}

// A part is some rows and columns of a parameter, transposed: (columns, rows).
type part struct {
	name                          string
	row, rows, col, cols, columns int // columns of the parameter
	node                          *gorgonia.Node
}

type node = *gorgonia.Node

func newOracle(t *testing.T, p *Params) *oracle {
	return &oracle{t: t, g: gorgonia.NewGraph(), params: p, cache: map[string]*gorgonia.Node{}}
}

func (o *oracle) must(n node, err error) node {
	require.NoError(o.t, err)
	return n
}

// constant is a row that carries no gradient.
func (o *oracle) constant(v vec) node {
	return gorgonia.NewMatrix(o.g, tensor.Float64, gorgonia.WithShape(1, len(v)), gorgonia.WithName(fmt.Sprintf("c%d", len(o.g.AllNodes()))),
		gorgonia.WithValue(tensor.New(tensor.WithShape(1, len(v)), tensor.WithBacking(append(vec{}, v...)))))
}

// weight is rows row.. and columns col.. of a parameter, transposed, so that
// x times it is a linear layer of a row x. A bias is a matrix of one column.
func (o *oracle) weight(name string, row, rows, col, cols int) node {
	key := fmt.Sprint(name, row, col)
	if n, ok := o.cache[key]; ok {
		return n
	}
	view, width := o.params.View(name), 1
	for _, p := range o.params.Table() {
		if p.Name == name && len(p.Shape) == 2 {
			width = p.Shape[1]
		}
	}
	v := make(vec, rows*cols)
	for r := range rows {
		for c := range cols {
			v[c*rows+r] = float64(view[(row+r)*width+col+c])
		}
	}
	n := gorgonia.NewMatrix(o.g, tensor.Float64, gorgonia.WithShape(cols, rows), gorgonia.WithName(key),
		gorgonia.WithValue(tensor.New(tensor.WithShape(cols, rows), tensor.WithBacking(v))))
	o.cache[key] = n
	o.parts = append(o.parts, part{name: name, row: row, rows: rows, col: col, cols: cols, columns: width, node: n})
	return n
}

func (o *oracle) linear(name, bias string, row, rows int, x node) node {
	y := o.must(gorgonia.Mul(x, o.weight(name, row, rows, 0, x.Shape()[1])))
	return o.must(gorgonia.Add(y, o.weight(bias, row, rows, 0, 1)))
}

// cell is one LSTM step.
func (o *oracle) cell(module, suffix string, x, h, c node) (node, node) {
	H := h.Shape()[1]
	gate := func(g int, act func(node) (node, error)) node {
		in := o.linear(module+".weight_ih"+suffix, module+".bias_ih"+suffix, g*H, H, x)
		rec := o.linear(module+".weight_hh"+suffix, module+".bias_hh"+suffix, g*H, H, h)
		return o.must(act(o.must(gorgonia.Add(in, rec))))
	}
	i, out, f, g := gate(0, gorgonia.Sigmoid), gate(1, gorgonia.Sigmoid), gate(2, gorgonia.Sigmoid), gate(3, gorgonia.Tanh)
	c = o.must(gorgonia.Add(o.must(gorgonia.HadamardProd(f, c)), o.must(gorgonia.HadamardProd(i, g))))
	return o.must(gorgonia.HadamardProd(out, o.must(gorgonia.Tanh(c)))), c
}

// attend is multi-head attention of one query row over rows of memory.
func (o *oracle) attend(heads int, q node, memory []node) node {
	H, E := q.Shape()[1], memory[0].Shape()[1]
	d := H / heads
	weight := func(at int) (string, int) {
		if E == H {
			return "attention.in_proj_weight", at * H
		}
		return fmt.Sprintf("attention.%c_proj_weight", "qkv"[at]), 0
	}
	project := func(at, head int, x node) node {
		name, row := weight(at)
		y := o.must(gorgonia.Mul(x, o.weight(name, row+head*d, d, 0, x.Shape()[1])))
		return o.must(gorgonia.Add(y, o.weight("attention.in_proj_bias", at*H+head*d, d, 0, 1)))
	}
	out := o.weight("attention.out_proj.bias", 0, H, 0, 1)
	for head := range heads {
		query := project(0, head, q)
		var total, mixed node
		for _, m := range memory {
			score := o.must(gorgonia.Sum(o.must(gorgonia.HadamardProd(query, project(1, head, m)))))
			share := o.must(gorgonia.Exp(o.must(gorgonia.Div(score, gorgonia.NewConstant(math.Sqrt(float64(d)))))))
			value := o.must(gorgonia.Mul(project(2, head, m), share))
			if total == nil {
				total, mixed = share, value
				continue
			}
			total, mixed = o.must(gorgonia.Add(total, share)), o.must(gorgonia.Add(mixed, value))
		}
		mixed = o.must(gorgonia.Div(mixed, total))
		out = o.must(gorgonia.Add(out, o.must(gorgonia.Mul(mixed, o.weight("attention.out_proj.weight", 0, H, head*d, d)))))
	}
	return out
}

// loss is the model's mean square error for one window, normalised values in
// and out, feeding its own values back.
func (o *oracle) loss(c Config, x, target []vec) node {
	H := c.HiddenSize
	rows := make([]node, len(x))
	for i := range x {
		rows[i] = o.constant(x[i])
	}
	zero := o.constant(make(vec, H))
	first := rows[len(rows)-1]
	hs, cs := make([]node, c.NumEncoderLayers), make([]node, c.NumEncoderLayers)
	for k := range hs {
		h, cell := zero, zero
		for i := range rows {
			h, cell = o.cell("encoder", fmt.Sprintf("_l%d", k), rows[i], h, cell)
			rows[i] = h
		}
		hs[k], cs[k] = h, cell
	}
	memory, prev, context := rows, first, zero
	var sum node
	for t := range target {
		in := o.must(gorgonia.Concat(1, prev, context))
		for k := range c.NumDecoderLayers {
			hs[k], cs[k] = o.cell("decoder", fmt.Sprintf("_l%d", k), in, hs[k], cs[k])
			in = hs[k]
		}
		context = o.attend(c.NumAttentionHeads, in, memory)
		prev = o.linear("output.weight", "output.bias", 0, c.NumFeatures, o.must(gorgonia.Add(in, context)))
		square := o.must(gorgonia.Sum(o.must(gorgonia.Square(o.must(gorgonia.Sub(prev, o.constant(target[t])))))))
		if sum == nil {
			sum = square
		} else {
			sum = o.must(gorgonia.Add(sum, square))
		}
	}
	return o.must(gorgonia.Div(sum, gorgonia.NewConstant(float64(len(target)*c.NumFeatures))))
}

// The gradient of LSTM cells through time, of attention and of linear layers is
// what Gorgonia's automatic differentiation makes of the formulas.
func TestGradientIsGorgonias(t *testing.T) {
	c := small()
	c.Bidirectional, c.LayerNorm = false, false
	c.InputSize, c.HiddenSize, c.NumAttentionHeads = 4, 6, 2
	m := randomModel(t, c, 4)
	x, target := windows(m, 1, c.InputSize, 1), windows(m, 1, 3, 8)
	grad := m.Params().NewGradient()
	got, err := m.Gradient(context.Background(), grad, x, target, Loss{Kind: MSE}, nil)
	require.NoError(t, err)

	scaled := func(raw []float32) (rows []vec) {
		for i, v := range raw {
			f := i % c.NumFeatures
			if f == 0 {
				rows = append(rows, make(vec, c.NumFeatures))
			}
			rows[len(rows)-1][f] = (float64(v) - float64(m.Params().ScalerMean[f])) / float64(m.Params().ScalerScale[f])
		}
		return rows
	}
	o := newOracle(t, m.Params())
	loss := o.loss(c, scaled(x), scaled(target))
	var nodes gorgonia.Nodes
	for _, p := range o.parts {
		nodes = append(nodes, p.node)
	}
	_, err = gorgonia.Grad(loss, nodes...)
	require.NoError(t, err)
	machine := gorgonia.NewTapeMachine(o.g, gorgonia.BindDualValues(nodes...))
	defer machine.Close()
	require.NoError(t, machine.RunAll())
	require.InDelta(t, loss.Value().Data(), got, 1e-6)

	compared := map[string]int{}
	for _, p := range o.parts {
		d, err := p.node.Grad()
		require.NoError(t, err)
		view, want := grad.View(p.name), d.Data().([]float64)
		for r := range p.rows {
			for col := range p.cols {
				at := (p.row+r)*p.columns + p.col + col
				w := want[col*p.rows+r]
				require.InDelta(t, w, float64(view[at]), 2e-6*math.Max(1, math.Abs(w)), "%s[%d]", p.name, at)
			}
		}
		compared[p.name] += p.rows * p.cols
	}
	for _, row := range m.Params().Table() {
		require.Equal(t, row.Len(), compared[row.Name], "elements of %s compared", row.Name)
	}
}
