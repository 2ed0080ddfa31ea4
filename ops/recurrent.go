package ops

import (
	"strings"

	"github.com/onda-ml/onda/ops/kernel"
)

// recurrentOps are LSTM, GRU and RNN.
func recurrentOps() []Op {
	op := func(name string, kind kernel.CellKind, maxIn, maxOut int) Op {
		version := func(since int, types dtypes) Version {
			return Version{Since: since, MinIn: 3, MaxIn: maxIn, MinOut: 0, MaxOut: maxOut,
				New: func(a *Attrs) (Kernel, error) { return newRecurrent(a, kind, since, types) }}
		}
		versions := []Version{version(1, floats), version(7, floats), version(14, floats), version(22, floatsBF)}
		if kind == kernel.CellGRU { // linear_before_reset
			versions = append(versions[:1], append([]Version{version(3, floats)}, versions[1:]...)...)
		}
		return Op{Name: name, Versions: versions}
	}
	return []Op{
		op("LSTM", kernel.CellLSTM, 8, 3),
		op("GRU", kernel.CellGRU, 6, 2),
		op("RNN", kernel.CellRNN, 6, 2),
	}
}

// The inputs of LSTM; GRU and RNN have the first six.
const (
	inX = iota
	inW
	inR
	inB
	inLens
	inH0
	inC0
	inP
)

// recurrent is one node of LSTM, GRU or RNN.
type recurrent struct {
	kind        kernel.CellKind
	types       dtypes
	hidden      int // 0: whatever R has
	directions  int
	reverse     bool   // of the first direction
	xBatch      bool   // X is (batch, time, width)
	yAxes       [4]int // axis i of Y is axis yAxes[i] of (time, directions, batch, hidden)
	stateBatch  bool   // initial and last states are (batch, directions, hidden)
	acts        [2][3]kernel.CellActivation
	clip        float32
	inputForget bool
	resetLast   bool
	lens, bias  bool // the node has sequence_lens, B
	peepholes   bool
	weights     kernel.WeightType
	quantised   bool // h is rounded to 8 bits before its product

	packed *recurrentWeights // W, R, B and P if constant
}

func newRecurrent(a *Attrs, kind kernel.CellKind, since int, types dtypes) (Kernel, error) {
	given := func(i int) bool { return i < len(a.Inputs) && a.Inputs[i] }
	k := &recurrent{kind: kind, types: types, directions: 1, yAxes: [4]int{0, 1, 2, 3}, lens: given(inLens), bias: given(inB), peepholes: given(inP)}
	if k.hidden = int(a.Int("hidden_size", 0)); k.hidden < 0 || a.Has("hidden_size") && k.hidden == 0 {
		a.Fail("hidden_size", "is %d, expected a positive number", k.hidden)
	}
	switch a.Enum("direction", "forward", "forward", "reverse", "bidirectional") {
	case "reverse":
		k.reverse = true
	case "bidirectional":
		k.directions = 2
	}
	if k.clip = a.Float("clip", 0); k.clip < 0 || k.clip != k.clip {
		a.Fail("clip", "is %v, expected a threshold above 0", k.clip)
	}
	if since < 7 { // a hint which outputs are wanted; their names say it too
		a.Ignore("output_sequence")
	}
	if since >= 14 {
		switch layout := a.Int("layout", 0); layout {
		case 0:
		case 1:
			k.xBatch, k.yAxes, k.stateBatch = true, [4]int{2, 0, 1, 3}, true
		default:
			a.Fail("layout", "is %d, expected 0 or 1", layout)
		}
	}
	switch kind {
	case kernel.CellLSTM:
		k.inputForget = a.Bool("input_forget", false)
	case kernel.CellGRU:
		if since >= 3 {
			k.resetLast = a.Bool("linear_before_reset", false)
		}
	}
	k.readActivations(a)
	return k, nil
}

// cellActs are the activations by name in lower case, with the parameters they
// take and those parameters' defaults.
var cellActs = map[string]struct {
	act         kernel.CellAct
	params      int // 1: alpha, 2: alpha and beta
	alpha, beta float64
}{
	"sigmoid":         {kernel.CellSigmoid, 0, 0, 0},
	"tanh":            {kernel.CellTanh, 0, 0, 0},
	"relu":            {kernel.CellRelu, 0, 0, 0},
	"affine":          {kernel.CellAffine, 2, 1, 0},
	"leakyrelu":       {kernel.CellLeakyRelu, 1, 0.01, 0},
	"thresholdedrelu": {kernel.CellThresholdedRelu, 1, 1, 0},
	"scaledtanh":      {kernel.CellScaledTanh, 2, 1, 1},
	"hardsigmoid":     {kernel.CellHardSigmoid, 2, 0.2, 0.5},
	"elu":             {kernel.CellElu, 1, 1, 0},
	"softsign":        {kernel.CellSoftsign, 0, 0, 0},
	"softplus":        {kernel.CellSoftplus, 0, 0, 0},
}

// readActivations reads the three lists. The lists of alpha and beta are
// consumed by the functions that have such a parameter, in order; a list with
// one value per function is read by position.
func (k *recurrent) readActivations(a *Attrs) {
	each := [...]int{1, 2, 3}[k.kind] // functions per direction
	names := a.Strings("activations")
	alphas, betas := a.Floats("activation_alpha"), a.Floats("activation_beta")
	total := each * k.directions
	switch n := len(names); {
	case n == 0:
		for range k.directions {
			names = append(names, []string{"Sigmoid", "Tanh", "Tanh"}[:each]...)
		}
		if k.kind == kernel.CellRNN {
			names = []string{"Tanh", "Tanh"}[:total]
		}
	case n == each && k.directions == 2: // the same for both
		names = append(names[:n:n], names...)
	case k.kind == kernel.CellRNN && n == 2 && total == 1: // the default written out
		names = names[:1]
	case n != total:
		a.Fail("activations", "has %d names, expected %d", n, total)
		return
	}
	takeAlpha, takeBeta := consume(alphas, total), consume(betas, total)
	for i, name := range names {
		f, ok := cellActs[strings.ToLower(name)]
		if !ok {
			a.Fail("activations", "has %q, which is no activation of a recurrent operator", name)
			return
		}
		alpha := takeAlpha(f.params >= 1, f.alpha)
		beta := takeBeta(f.params >= 2, f.beta)
		k.acts[i/each][i%each] = kernel.CellActivation{Act: f.act, Alpha: alpha, Beta: beta}
	}
}

// consume hands out a list of parameters to functions in order.
func consume(list []float32, functions int) func(has bool, def float64) float64 {
	byPosition := len(list) == functions
	i := 0
	return func(has bool, def float64) float64 {
		v := def
		if has && i < len(list) {
			v = float64(list[i])
		}
		if has || byPosition {
			i++
		}
		return v
	}
}

// plain reports whether the node is an LSTM without options, or the GRU that
// PyTorch and cuDNN have, for which there are faster kernels.
func (k *recurrent) plain() bool {
	if k.kind == kernel.CellRNN || k.clip != 0 || k.inputForget || k.peepholes {
		return false
	}
	if k.kind == kernel.CellGRU && !k.resetLast {
		return false
	}
	for _, acts := range k.acts[:k.directions] {
		if acts[0].Act != kernel.CellSigmoid || acts[1].Act != kernel.CellTanh {
			return false
		}
		if k.kind == kernel.CellLSTM && acts[2].Act != kernel.CellTanh {
			return false
		}
	}
	return true
}
