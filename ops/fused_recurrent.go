package ops

import "github.com/onda-ml/onda/ops/kernel"

// fusedRecurrent are LSTM, GRU and RNN, and ONNX Runtime's DynamicQuantizeLSTM,
// with the transposes around them. Beside their own attributes but layout they
// have x_perm, by which axis i of (time, batch, width) is axis x_perm[i] of input
// 0, and y_perm, by which axis i of output 0 is axis y_perm[i] of (time,
// directions, batch, hidden). The last axes stay last; states are (directions,
// batch, hidden).
func fusedRecurrent() []Op {
	op := func(name string, kind kernel.CellKind, maxIn, maxOut int) Op {
		return Op{Name: name, Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 3, MaxIn: maxIn, MinOut: 0, MaxOut: maxOut,
			New: func(a *Attrs) (Kernel, error) { return newFusedRecurrent(a, kind) }}}}
	}
	return []Op{op("LSTM", kernel.CellLSTM, 8, 3), op("GRU", kernel.CellGRU, 6, 2), op("RNN", kernel.CellRNN, 6, 2),
		{Name: "DynamicQuantizeLSTM", Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 12, MaxIn: 12, MinOut: 0, MaxOut: 3, Holes: true, New: newFusedDynamicLSTM}}}}
}

func newFusedDynamicLSTM(a *Attrs) (Kernel, error) {
	k, err := newDynamicLSTM(a)
	if err != nil {
		return nil, err
	}
	k.(dynamicLSTM).order(a)
	return k, nil
}

func newFusedRecurrent(a *Attrs, kind kernel.CellKind) (Kernel, error) {
	made, err := newRecurrent(a, kind, 7, floatsBF)
	if err != nil {
		return nil, err
	}
	k := made.(*recurrent)
	k.order(a)
	return k, nil
}

// order reads the order of the axes.
func (k *recurrent) order(a *Attrs) {
	x, y := axesOf(a, "x_perm", 3), axesOf(a, "y_perm", 4)
	if x != nil {
		k.xBatch = x[0] == 1
	}
	if y != nil {
		k.yAxes = [4]int(y)
	}
}

// axesOf reads an attribute that must be a permutation of n axes which leaves
// the last in its place; it is nil if it isn't.
func axesOf(a *Attrs, name string, n int) []int {
	a.Require(name)
	axes, seen := a.Ints(name), 0
	perm := make([]int, 0, n)
	for _, x := range axes {
		if x >= 0 && x < int64(n) {
			seen |= 1 << x
		}
		perm = append(perm, int(x))
	}
	if len(perm) != n || seen != 1<<n-1 || perm[n-1] != n-1 {
		a.Fail(name, "is %v, expected a permutation of %d axes that leaves the last in its place", axes, n)
		return nil
	}
	return perm
}
