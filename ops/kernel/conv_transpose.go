package kernel

// ConvTransposeArgs are the data of a transposed convolution: x (Batch,
// Group*Cin, input), w (Group*Cin, Cout, taps), y (Batch, Group*Cout, output).
// Window is that of the convolution it transposes: its In is y's positions and
// its Out x's.
type ConvTransposeArgs[T Number] struct {
	Window
	Batch, Group, Cin, Cout int // channels per group
	X, W, Y                 []T
	Bias                    []T // (Group*Cout); nil for none
	Stop                    func() error
}

// Block is how many output channels are computed at a time: what their taps
// hold should stay in the cache.
func (a *ConvTransposeArgs[T]) Block() int {
	return min(a.Cout, max(1, 1<<18/max(a.Taps()*a.OutLen(), 1)))
}

// ConvTranspose is
//
//	y(b,g*Cout+m,input of (o,k)) += w(g*Cin+c,m,k) * x(b,g*Cin+c,o)
//
// from y = bias. The error is Stop's; y is incomplete then.
func ConvTranspose[T Number](p *Pool, a *ConvTransposeArgs[T]) error {
	if f, ok := any(a).(*ConvTransposeArgs[float32]); ok {
		if t, ok := rowsOf(&f.Window); ok {
			return convTransposeRows(p, f, &t)
		}
	}
	block := a.Block()
	blocks := (a.Cout + block - 1) / block
	taps, in, out := a.Taps(), a.OutLen(), a.InLen()
	p.For(a.Batch*a.Group*blocks, 1, func(lo, hi int) {
		col := make([]T, block*taps*in)
		for i := lo; i < hi; i++ {
			if a.Stop() != nil {
				return
			}
			item, m0 := i/blocks, i%blocks*block
			g, n := item%a.Group, min(block, a.Cout-m0)
			x := a.X[item*a.Cin*in:]
			w := a.W[(g*a.Cin*a.Cout+m0)*taps:]
			gemmTransA(n*taps, in, a.Cin, w, a.Cout*taps, x, in, col)
			for m := range n {
				y := a.Y[(item*a.Cout+m0+m)*out:][:out]
				bias := T(0)
				if a.Bias != nil {
					bias = a.Bias[g*a.Cout+m0+m]
				}
				fillWith(y, bias)
				scatter(&a.Window, y, col[m*taps*in:])
			}
		}
	})
	return a.Stop()
}

// gemmTransA is c (m, n) = a^T b for a (k, m) and b (k, n).
func gemmTransA[T Number](m, n, k int, a []T, lda int, b []T, ldb int, c []T) {
	if f, ok := any(a).([]float32); ok {
		Gemm(nil, true, false, m, n, k, 1, f, lda, any(b).([]float32), ldb, 0, any(c).([]float32), n)
		return
	}
	GemmOf(nil, true, false, m, n, k, 1, a, lda, b, ldb, 0, c, n)
}
