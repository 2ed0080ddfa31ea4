package kernel

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// fastest returns the shortest time f took within the benchmark's time and the
// highest multiply-add rate measured between its runs: the machine may be
// shared, so only the ratio of the two means anything.
func fastest(b *testing.B, f func()) (seconds, peak float64) {
	f()
	seconds = 1e9
	for b.Loop() {
		start := time.Now()
		f()
		seconds = min(seconds, time.Since(start).Seconds())
		start = time.Now()
		flops := MultiplyAdds(20000)
		peak = max(peak, flops/time.Since(start).Seconds())
	}
	b.ReportMetric(0, "ns/op") // includes the measurement of the peak
	return seconds, peak
}

// report publishes the ratios for work of so many floating-point operations
// and bytes read.
func report(b *testing.B, f func(), flops, bytes float64) (seconds float64) {
	seconds, peak := fastest(b, f)
	b.ReportMetric(seconds*1e6, "best-µs")
	if flops > 0 {
		b.ReportMetric(flops/seconds*1e-9, "GFLOP/s")
		if peak > 0 {
			b.ReportMetric(100*flops/seconds/peak, "%peak")
		}
	}
	if bytes > 0 {
		b.ReportMetric(bytes/seconds*1e-9, "GB/s")
		b.ReportMetric(100*bytes/seconds/readRate(bytes), "%read")
	}
	return seconds
}

// readRate is the bytes per second at which Sum reads an array of the given
// size: what a product of few rows can reach at best.
func readRate(bytes float64) float64 {
	x := make([]float32, int(bytes/4))
	Fill(x, 1)
	best := 1e9
	for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; {
		start := time.Now()
		Sum(x)
		best = min(best, time.Since(start).Seconds())
	}
	return bytes / best
}

// forEachVariantB is forEachVariant for benchmarks.
func forEachVariantB(b *testing.B, f func(b *testing.B)) {
	for _, v := range variants() {
		b.Run(v.name, func(b *testing.B) {
			defer func(was *variant) { active = was }(active)
			active = v
			f(b)
		})
	}
}

func BenchmarkGemm(b *testing.B) {
	forEachVariantB(b, func(b *testing.B) {
		for _, s := range [][3]int{{1024, 1024, 1024}, {168, 1024, 2048}, {168, 2048, 512}, {32, 1024, 1024}, {32, 2048, 512}, {8, 1024, 1024}, {4, 1024, 1024}, {1, 1024, 1024}, {1, 2048, 512}, {1, 1024, 256}, {168, 64, 168}} {
			m, n, k := s[0], s[1], s[2]
			if active.name == "generic" && m > 200 {
				continue
			}
			r := seeded()
			x, w, y := random(r, m*k), random(r, k*n), make([]float32, m*n)
			packed := PackB(false, k, n, w, n)
			flops, bytes := 2*float64(m*n*k), 0.0
			if m <= 8 {
				bytes = 4 * float64(n*k)
			}
			b.Run(fmt.Sprintf("packed/%dx%dx%d", m, n, k), func(b *testing.B) {
				report(b, func() { GemmPacked(nil, m, x, k, packed, y, n, Epilogue{}) }, flops, bytes)
			})
			b.Run(fmt.Sprintf("nn/%dx%dx%d", m, n, k), func(b *testing.B) {
				report(b, func() { Gemm(nil, false, false, m, n, k, 1, x, k, w, n, 0, y, n) }, flops, bytes)
			})
			b.Run(fmt.Sprintf("nt/%dx%dx%d", m, n, k), func(b *testing.B) {
				report(b, func() { Gemm(nil, false, true, m, n, k, 1, x, k, w, k, 0, y, n) }, flops, bytes)
			})
			b.Run(fmt.Sprintf("tn/%dx%dx%d", m, n, k), func(b *testing.B) {
				report(b, func() { Gemm(nil, true, false, m, n, k, 1, x, m, w, n, 0, y, n) }, flops, bytes)
			})
		}
	})
}

func BenchmarkLSTM(b *testing.B) {
	const T = 168
	forEachVariantB(b, func(b *testing.B) {
		for _, s := range [][3]int{{1, 64, 256}, {1, 512, 512}, {1, 1, 64}, {8, 64, 256}, {32, 64, 256}, {32, 512, 512}} {
			B, I, H := s[0], s[1], s[2]
			if active.name == "generic" && B > 1 {
				continue
			}
			d := newLSTMData(seeded(), lstmCase{T: T, B: B, I: I, H: H})
			w := PackLSTM(I, H, d.w, d.r, d.b)
			y := make([]float32, T*B*H)
			a := &LSTMArgs{T: T, B: B, X: d.x, XT: d.xt, XB: d.xb, Y: y, YT: d.yt, YB: d.yb}
			for _, threads := range []int{1, 2} {
				p := NewPool(threads)
				streams := 0.0 // what T steps read of the recurrent weights
				if B == 1 {
					streams = T * 16 * float64(H*H)
				}
				b.Run(fmt.Sprintf("B%d/%dto%d/%dthreads", B, I, H, threads), func(b *testing.B) {
					seconds := report(b, func() { _ = LSTM(p, w, a) }, float64(8*T*B*H*(I+H)), 0)
					if streams > 0 {
						b.ReportMetric(streams/seconds*1e-9, "GB/s")
					}
				})
			}
		}
	})
}

// BenchmarkLSTMInt8 is the dynamic-quantised LSTM, as DynamicQuantizeLSTM has it.
func BenchmarkLSTMInt8(b *testing.B) {
	const T = 168
	forEachVariantB(b, func(b *testing.B) {
		for _, s := range [][3]int{{1, 64, 256}, {1, 512, 512}, {32, 64, 256}, {32, 512, 512}} {
			B, I, H := s[0], s[1], s[2]
			if active.name == "generic" {
				continue
			}
			r := seeded()
			d := newLSTMData(r, lstmCase{T: T, B: B, I: I, H: H})
			for i := range d.x {
				d.x[i] = float32(r.NormFloat64())
			}
			weights := func(k int) []int8 {
				w := make([]int8, k*4*H)
				for i := range w {
					w[i] = int8(r.IntN(255) - 127)
				}
				return w
			}
			scale, zero := []float32{float32(1 / (127 * math.Sqrt(float64(H))))}, []int8{0}
			w := PackLSTMInt8(I, H, weights(I), scale, zero, weights(H), scale, zero, d.b)
			y := make([]float32, T*B*H)
			a := &LSTMArgs{T: T, B: B, X: d.x, XT: d.xt, XB: d.xb, Y: y, YT: d.yt, YB: d.yb}
			for _, threads := range []int{1, 2} {
				p := NewPool(threads)
				b.Run(fmt.Sprintf("B%d/%dto%d/%dthreads", B, I, H, threads), func(b *testing.B) {
					report(b, func() { _ = LSTM(p, w, a) }, float64(8*T*B*H*(I+H)), 0)
				})
			}
		}
	})
}

func BenchmarkAttention(b *testing.B) {
	forEachVariantB(b, func(b *testing.B) {
		for _, tq := range []int{1, 168} {
			const B, heads, tk, d = 1, 8, 168, 64
			r := seeded()
			s := Strides{tk * heads * d, d, heads * d}
			a := &AttentionArgs{
				B: B, Heads: heads, Tq: tq, Tk: tk, D: d, DV: d, Scale: 0.125,
				Q: random(r, tk*heads*d), K: random(r, tk*heads*d), V: random(r, tk*heads*d), Out: make([]float32, tk*heads*d),
				QS: s, KS: s, VS: s, OutS: s,
			}
			b.Run(fmt.Sprintf("%dx%d/8x64", tq, tk), func(b *testing.B) {
				report(b, func() { Attention(nil, a) }, float64(4*B*heads*tq*tk*d), 0)
			})
		}
	})
}

func BenchmarkVector(b *testing.B) {
	const n = 4096 // both sides in the first-level cache
	forEachVariantB(b, func(b *testing.B) {
		r := seeded()
		x, y, z := random(r, n), random(r, n), make([]float32, n)
		for _, c := range []struct {
			name string
			f    func()
		}{
			{"exp", func() { Exp(z, x) }}, {"log", func() { Log(z, x) }}, {"tanh", func() { Tanh(z, x) }},
			{"sigmoid", func() { Sigmoid(z, x) }}, {"erf", func() { Erf(z, x) }}, {"gelu", func() { Gelu(z, x) }},
			{"add", func() { Add(z, x, y) }}, {"axpy", func() { Axpy(z, 1e-3, x) }}, {"dot", func() { Dot(x, y) }},
			{"maxOf", func() { MaxOf(x) }}, {"softmax", func() { Softmax(z, x) }},
			{"layerNorm", func() { LayerNorm(z, x, y, y, 1e-5) }}, {"transpose", func() { Transpose2D(z, x, 64, 64) }},
		} {
			b.Run(c.name, func(b *testing.B) {
				seconds, _ := fastest(b, c.f)
				b.ReportMetric(seconds/n*1e9, "ns/value")
			})
		}
	})
}

// BenchmarkLSTMWeights compares the ways to store weights, on one thread.
func BenchmarkLSTMWeights(b *testing.B) {
	const T = 168
	for _, s := range [][3]int{{1, 64, 256}, {1, 512, 512}, {32, 64, 256}, {32, 512, 512}} {
		B, I, H := s[0], s[1], s[2]
		d := newLSTMData(seeded(), lstmCase{T: T, B: B, I: I, H: H})
		a := &LSTMArgs{T: T, B: B, X: d.x, XT: d.xt, XB: d.xb, Y: make([]float32, T*B*H), YT: d.yt, YB: d.yb}
		for i, name := range []string{"float32", "bfloat16", "int8"} {
			w := PackLSTMAs(WeightType(i), I, H, d.w, d.r, d.b)
			b.Run(fmt.Sprintf("B%d/%dto%d/%s", B, I, H, name), func(b *testing.B) {
				report(b, func() { _ = LSTM(nil, w, a) }, float64(8*T*B*H*(I+H)), 0)
			})
		}
	}
}
