package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// recurrentCase is one node of LSTM, GRU or RNN with sizes T, B, I, H.
type recurrentCase struct {
	op         string
	T, B, I, H int
	direction  string // forward if empty
	layout     int
	lens       []int64
	noBias     bool
	states     bool
	peepholes  bool
	clip       float32
	forget     int // input_forget
	resetLast  int // linear_before_reset
	acts       []string
	alpha      []float32
	beta       []float32
}

func (c *recurrentCase) gates() int { return map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[c.op] }

func (c *recurrentCase) directions() int {
	if c.direction == "bidirectional" {
		return 2
	}
	return 1
}

func (c *recurrentCase) node() *onnx.Node {
	inputs, outputs := 6, 2
	if c.op == "LSTM" {
		inputs, outputs = 8, 3
	}
	n := node(c.op, inputs, outputs, onnx.AttrInt("hidden_size", int64(c.H)))
	add := func(given bool, a *onnx.Attribute) {
		if given {
			n.Attributes = append(n.Attributes, a)
		}
	}
	add(c.direction != "", onnx.AttrString("direction", c.direction))
	add(c.layout != 0, onnx.AttrInt("layout", int64(c.layout)))
	add(c.clip != 0, onnx.AttrFloat("clip", c.clip))
	add(c.forget != 0, onnx.AttrInt("input_forget", int64(c.forget)))
	add(c.resetLast != 0, onnx.AttrInt("linear_before_reset", int64(c.resetLast)))
	add(c.acts != nil, onnx.AttrStrings("activations", c.acts...))
	add(c.alpha != nil, onnx.AttrFloats("activation_alpha", c.alpha...))
	add(c.beta != nil, onnx.AttrFloats("activation_beta", c.beta...))
	return n
}

// inputs makes the node's tensors. Every weight is different, so exchanged
// gates, rows or directions show.
func (c *recurrentCase) inputs(r *rand.Rand, dt tensor.DType) []*tensor.Tensor {
	D, G := c.directions(), c.gates()*c.H
	shaped := func(first, second int) []int {
		if c.layout == 1 {
			first, second = second, first
		}
		return []int{first, second}
	}
	in := []*tensor.Tensor{
		randomOf(r, dt, append(shaped(c.T, c.B), c.I)...),
		randomOf(r, dt, D, G, c.I), randomOf(r, dt, D, G, c.H), nil, nil, nil, nil, nil,
	}
	if !c.noBias {
		in[inB] = randomOf(r, dt, D, 2*G)
	}
	if c.lens != nil {
		in[inLens] = i64(c.lens, c.B)
	}
	if c.states {
		in[inH0] = randomOf(r, dt, append(shaped(D, c.B), c.H)...)
		if c.op == "LSTM" {
			in[inC0] = randomOf(r, dt, append(shaped(D, c.B), c.H)...)
		}
	}
	if c.peepholes {
		in[inP] = randomOf(r, dt, D, 3*c.H)
	}
	if c.op != "LSTM" {
		return in[:6]
	}
	return in
}

// naiveAct is one activation function of ONNX's list.
func naiveAct(name string, alpha, beta float64) func(float64) float64 {
	return func(x float64) float64 {
		switch name {
		case "Sigmoid":
			return 1 / (1 + math.Exp(-x))
		case "Tanh":
			return math.Tanh(x)
		case "Relu":
			return math.Max(x, 0)
		case "Affine":
			return alpha*x + beta
		case "LeakyRelu":
			if x < 0 {
				return alpha * x
			}
			return x
		case "ThresholdedRelu":
			if x >= alpha {
				return x
			}
			return 0
		case "ScaledTanh":
			return alpha * math.Tanh(beta*x)
		case "HardSigmoid":
			return math.Min(math.Max(alpha*x+beta, 0), 1)
		case "Elu":
			if x < 0 {
				return alpha * (math.Exp(x) - 1)
			}
			return x
		case "Softsign":
			return x / (1 + math.Abs(x))
		case "Softplus":
			return math.Log(1 + math.Exp(x))
		}
		panic(name)
	}
}

// functions are the activations of direction d, each preceded by the clip.
func (c *recurrentCase) functions(d int) (f [3]func(float64) float64) {
	each := map[string]int{"RNN": 1, "GRU": 2, "LSTM": 3}[c.op]
	names := c.acts
	if names == nil {
		names = map[string][]string{"RNN": {"Tanh"}, "GRU": {"Sigmoid", "Tanh"}, "LSTM": {"Sigmoid", "Tanh", "Tanh"}}[c.op]
		names = append(names, names...)
	}
	takes := map[string]int{"Affine": 2, "LeakyRelu": 1, "ThresholdedRelu": 1, "ScaledTanh": 2, "HardSigmoid": 2, "Elu": 1}
	defaults := map[string][2]float64{"Affine": {1, 0}, "LeakyRelu": {0.01, 0}, "ThresholdedRelu": {1, 0},
		"ScaledTanh": {1, 1}, "HardSigmoid": {0.2, 0.5}, "Elu": {1, 0}}
	ai, bi := 0, 0
	for i, name := range names {
		v := defaults[name]
		if takes[name] >= 1 {
			if ai < len(c.alpha) {
				v[0] = float64(c.alpha[ai])
			}
			ai++
		}
		if takes[name] >= 2 {
			if bi < len(c.beta) {
				v[1] = float64(c.beta[bi])
			}
			bi++
		}
		if i/each != d {
			continue
		}
		act := naiveAct(name, v[0], v[1])
		f[i%each] = func(x float64) float64 {
			if c.clip > 0 {
				x = math.Min(math.Max(x, -float64(c.clip)), float64(c.clip))
			}
			return act(x)
		}
	}
	return f
}

// naive is the formulas of ONNX's RNN, GRU and LSTM, a scalar at a time in
// float64: y (T, D, B, H), h and c (D, B, H).
func (c *recurrentCase) naive(t testing.TB, in []*tensor.Tensor) (y, yh, yc []float64) {
	D, B, H := c.directions(), c.B, c.H
	v := make([][]float64, 8)
	for i, x := range in {
		if x != nil {
			v[i] = floatsOf(t, x)
		}
	}
	stateAt := func(d, b, j int) int {
		if c.layout == 1 {
			return (b*D+d)*H + j
		}
		return (d*B+b)*H + j
	}
	y, yh, yc = make([]float64, c.T*D*B*H), make([]float64, D*B*H), make([]float64, D*B*H)
	for db := range D * B {
		d, b := db/B, db%B
		g := &naiveGates{c: c, v: v, d: d, f: c.functions(d), h: make([]float64, H), cell: make([]float64, H)}
		for j := range H {
			if v[inH0] != nil {
				g.h[j] = v[inH0][stateAt(d, b, j)]
			}
			if v[inC0] != nil {
				g.cell[j] = v[inC0][stateAt(d, b, j)]
			}
		}
		steps := c.T
		if c.lens != nil {
			steps = int(c.lens[b])
		}
		for s := range steps {
			at := s
			if c.direction == "reverse" || d == 1 {
				at = steps - 1 - s
			}
			g.x = v[inX][(at*B+b)*c.I:]
			if c.layout == 1 {
				g.x = v[inX][(b*c.T+at)*c.I:]
			}
			g.step()
			for j := range H {
				if c.layout == 1 {
					y[((b*c.T+at)*D+d)*H+j] = g.h[j]
				} else {
					y[((at*D+d)*B+b)*H+j] = g.h[j]
				}
			}
		}
		for j := range H {
			yh[stateAt(d, b, j)], yc[stateAt(d, b, j)] = g.h[j], g.cell[j]
		}
	}
	return y, yh, yc
}

// naiveGates is a step of direction d of one sequence: its input x (I), its state
// h and cell (H), the activations f.
type naiveGates struct {
	c    *recurrentCase
	v    [][]float64 // the node's inputs
	d    int
	f    [3]func(float64) float64
	x    []float64
	h    []float64
	cell []float64
}

// fromX is unit j of x W + Wb for a gate, fromH the same of h R + Rb.
func (g *naiveGates) fromX(gate, j int) float64 { return g.sum(inW, g.c.I, 0, gate, j, g.x) }

func (g *naiveGates) fromH(gate, j int, h []float64) float64 {
	return g.sum(inR, g.c.H, 1, gate, j, h)
}

func (g *naiveGates) sum(weights, n, half, gate, j int, x []float64) (sum float64) {
	gates := g.c.gates()
	for l := range n {
		sum += g.v[weights][((g.d*gates+gate)*g.c.H+j)*n+l] * x[l]
	}
	if g.v[inB] != nil {
		sum += g.v[inB][((g.d*2+half)*gates+gate)*g.c.H+j]
	}
	return sum
}

// peep is what unit j of the cell adds to a gate through P.
func (g *naiveGates) peep(gate, j int) float64 {
	if g.v[inP] == nil {
		return 0
	}
	return g.v[inP][(g.d*3+gate)*g.c.H+j] * g.cell[j]
}

// step moves h and cell by one step.
func (g *naiveGates) step() {
	next := make([]float64, len(g.h))
	for j := range next {
		switch g.c.op {
		case "RNN":
			next[j] = g.f[0](g.fromX(0, j) + g.fromH(0, j, g.h))
		case "GRU":
			next[j] = g.gru(j)
		case "LSTM":
			next[j] = g.lstm(j)
		}
	}
	g.h = next
}

func (g *naiveGates) gru(j int) float64 {
	reset := func(l int) float64 { return g.f[0](g.fromX(1, l) + g.fromH(1, l, g.h)) }
	z := g.f[0](g.fromX(0, j) + g.fromH(0, j, g.h))
	var n float64
	if g.c.resetLast != 0 {
		n = g.f[1](g.fromX(2, j) + reset(j)*g.fromH(2, j, g.h))
	} else {
		rh := make([]float64, len(g.h))
		for l := range rh {
			rh[l] = reset(l) * g.h[l]
		}
		n = g.f[1](g.fromX(2, j) + g.fromH(2, j, rh))
	}
	return (1-z)*n + z*g.h[j]
}

func (g *naiveGates) lstm(j int) float64 {
	i := g.f[0](g.fromX(0, j) + g.fromH(0, j, g.h) + g.peep(0, j))
	forget := g.f[0](g.fromX(2, j) + g.fromH(2, j, g.h) + g.peep(2, j))
	if g.c.forget != 0 {
		forget = 1 - i
	}
	g.cell[j] = forget*g.cell[j] + i*g.f[1](g.fromX(3, j)+g.fromH(3, j, g.h))
	o := g.f[0](g.fromX(1, j) + g.fromH(1, j, g.h) + g.peep(1, j))
	return o * g.f[2](g.cell[j])
}
