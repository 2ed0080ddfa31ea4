package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel/alloctest"
)

// Warm calls of what a model runs allocate nothing, with and without threads.
func TestKernelsDoNotAllocate(t *testing.T) {
	r := seeded()
	const m, n, k = 40, 200, 160
	a, b, c := random(r, m*k), random(r, k*n), make([]float32, m*n)
	wide := make([]float32, m*320)
	w := PackB(false, k, n, b, n)
	s := Strides{m * k, 20, k}
	attention := &AttentionArgs{B: 1, Heads: 8, Tq: m, Tk: m, D: 20, DV: 20, Scale: 1,
		Q: a, K: a, V: a, Out: make([]float32, m*k), QS: s, KS: s, VS: s, OutS: s}
	d := newLSTMData(r, lstmCase{T: 20, B: 2, I: 4, H: 256})
	lstm := PackLSTM(d.I, d.H, d.w, d.r, d.b)
	w8, lstm8 := PackBAs(WeightInt8, false, k, n, b, n), PackLSTMAs(WeightInt8, d.I, d.H, d.w, d.r, d.b)
	run := &LSTMArgs{T: d.T, B: d.B, X: d.x, XT: d.xt, XB: d.xb, Y: make([]float32, d.T*d.B*d.H), YT: d.yt, YB: d.yb}
	other := *run
	other.Reverse, other.Y = true, make([]float32, len(run.Y))
	once := *run
	once.T, once.B = 1, 1
	doubles := make([]float64, 3*64*(64+32))
	gru := &Recurrence[float64]{Kind: CellGRU, Acts: [3]CellActivation{{Act: CellSigmoid}, {Act: CellTanh}}}
	gru.Pack(32, 64, doubles[:3*64*32], doubles[:3*64*64], nil, nil)
	var gruRoom RecurrenceScratch[float64]
	gruRun := &RecurrenceArgs[float64]{T: 20, B: 2, X: doubles, XT: 64, XB: 32, Y: make([]float64, 20*2*64), YT: 128, YB: 64}
	step := &LSTMStepArgs{B: d.B, X: d.x, XB: d.I, H: d.h0, C: d.c0, HOut: d.h0, COut: d.c0}
	half := convCase{image(3, 2, 1, 1, 33, 34), 2, 1, 16, 20}
	conv := convCase{image(3, 1, 1, 1, 33, 34), 2, 1, 16, 20}
	image, maps := random(r, 2*16*conv.w.InLen()), make([]float32, 2*20*conv.w.OutLen())
	halfArgs := half.args(image, nil, maps[:2*20*half.w.OutLen()], nil)
	args, direct, winograd := conv.args(image, nil, maps, nil), PackConv(random(r, 20*16*9), 1, 16, 20, 9), PackWinograd(random(r, 20*16*9), 16, 20)
	forest := NewForest(randomTrees(r, 20, 6, 5, 1, TreeLEQ))
	rows, scores := make([]float64, 600*5), make([]float64, 600)
	for _, p := range []*Pool{nil, NewPool(2)} {
		var directRun, halfRun ConvRun
		var winogradRun WinogradRun
		for name, f := range map[string]func(){
			"ConvPacked":           func() { _ = ConvPacked(p, args, direct, ConvEnd{}, &directRun) },
			"ConvPacked of step 2": func() { _ = ConvPacked(p, halfArgs, direct, ConvEnd{}, &halfRun) },
			"ConvWinograd": func() {
				winogradRun.Moderate(p, args)
				_ = ConvWinograd(p, args, winograd, ConvEnd{}, &winogradRun)
			},
			"Gemm":                 func() { Gemm(p, false, false, m, n, k, 1, a, k, b, n, 0, c, n) },
			"Gemm of many columns": func() { Gemm(p, false, false, m, 320, 100, 1, a, k, b, 320, 0, wide, 320) },
			"Gemm of 1":            func() { Gemm(p, false, true, 1, n, k, 1, a, k, b, k, 1, c, n) },
			"GemmPacked":           func() { GemmPacked(p, m, a, k, w, c, n, Epilogue{Act: ActGelu}) },
			"SoftmaxRows":          func() { SoftmaxRows(p, c, c, m, n) },
			"LayerNormRows":        func() { LayerNormRows(p, c, c, b[:n], b[:n], 1e-5, m, n, nil, nil) },
			"Attention":            func() { Attention(p, attention) },
			"LSTM":                 func() { _ = LSTM(p, lstm, run) },
			"LSTM of a step":       func() { _ = LSTM(p, lstm, &once) },
			"BiLSTM": func() {
				_ = BiLSTM(p, [2]*LSTMWeights{lstm, lstm}, [2]*LSTMArgs{run, &other})
			},
			"Forest":         func() { forest.PredictRows(scores, rows, 5, 1, TreeSum) },
			"LSTMStep":       func() { LSTMStep(p, lstm, step) },
			"GemmPacked8":    func() { GemmPacked(p, m, a, k, w8, c, n, Epilogue{Act: ActGelu}) },
			"GRU of float64": func() { _ = gru.Run(nil, gruRun, &gruRoom) },
			"LSTM with int8": func() { _ = LSTM(p, lstm8, run) },
		} {
			// Enough runs that what a helper needs when it first comes, in
			// whichever of them, does not count.
			allocs := alloctest.PerRun(60, f)
			require.True(t, allocs == 0 || !alloctest.Counts, "%s with %d threads: %v allocations", name, p.Threads(), allocs)
		}
	}
}
