package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func requireNear(t *testing.T, want []float64, got []float32, each float64, format string, args ...any) {
	t.Helper()
	for i, w := range want {
		if math.IsNaN(w) && math.IsNaN(float64(got[i])) {
			continue
		}
		require.InDelta(t, w, float64(got[i]), each*max(1, math.Abs(w)), append([]any{format + ", element %d"}, append(args, i)...)...)
	}
}

// Along an axis float32 has forms of its own, of rows or of neighbouring series:
// they give what float64 gives, in place as well, and no bit depends on threads.
func TestAxesInFloat32(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range [][3]int{{3, 37, 1}, {2, 1, 1}, {3, 300, 1}, {2, 128, 1}, {2, 5, 8}, {3, 7, 9}, {2, 3, 513}, {1, 40, 1030}, {3, 9, 56}, {9, 4, 8}, {2, 5, 3}} {
			outer, n, inner := s[0], s[1], s[2]
			x := random(r, outer*n*inner)
			x[len(x)/2], x[len(x)-1] = 3*x[0], 120 // whose exponential is infinite
			for name, f := range map[string]struct {
				f32  func(p *Pool, y, x []float32)
				want func(y, x []float64)
			}{
				"softmax":     {func(p *Pool, y, x []float32) { SoftmaxAxis(p, y, x, outer, n, inner) }, func(y, x []float64) { SoftmaxAxis(nil, y, x, outer, n, inner) }},
				"log softmax": {func(p *Pool, y, x []float32) { LogSoftmaxAxis(p, y, x, outer, n, inner) }, func(y, x []float64) { LogSoftmaxAxis(nil, y, x, outer, n, inner) }},
				"hardmax":     {func(p *Pool, y, x []float32) { HardmaxAxis(p, y, x, outer, n, inner) }, func(y, x []float64) { HardmaxAxis(nil, y, x, outer, n, inner) }},
				"sums":        {func(p *Pool, y, x []float32) { CumulateAxis(p, y, x, outer, n, inner, false, false, false) }, func(y, x []float64) { CumulateAxis(nil, y, x, outer, n, inner, false, false, false) }},
				"sums back": {func(p *Pool, y, x []float32) { CumulateAxis(p, y, x, outer, n, inner, false, true, true) },
					func(y, x []float64) { CumulateAxis(nil, y, x, outer, n, inner, false, true, true) }},
			} {
				want := make([]float64, len(x))
				f.want(want, wide(x))
				got := make([]float32, len(x))
				f.f32(nil, got, x)
				requireNear(t, want, got, 1e-5, "%s %v", name, s)
				threaded := make([]float32, len(x))
				f.f32(NewPool(2), threaded, x)
				requireSameBits(t, got, threaded, "%s %v, two threads", name, s)
				f.f32(nil, threaded[:copy(threaded, x)], threaded)
				requireSameBits(t, got, threaded, "%s %v, in place", name, s)
			}
			for _, least := range []bool{false, true} {
				for _, last := range []bool{false, true} {
					for _, odd := range []float32{x[0], float32(math.NaN()), float32(math.Inf(-1))} {
						y := append([]float32{}, x...)
						y[len(y)-1], y[len(y)/3] = odd, y[0] // an equal one, or a NaN
						want, got := make([]int64, outer*inner), make([]int64, outer*inner)
						ArgMaxAxis(nil, want, wide(y), outer, n, inner, least, last)
						ArgMaxAxis(nil, got, y, outer, n, inner, least, last)
						require.Equal(t, want, got, "%v %v %v %v", s, least, last, odd)
					}
				}
			}
		}
	})
}

func TestReductionsInFloat32(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, shape := range [][]int{{3, 2100}, {2, 5, 9}, {4, 1, 8}, {5, 3}, {1, 1}, {2, 3, 1100}} {
			n := 1
			for _, d := range shape {
				n *= d
			}
			x := random(r, n)
			for axis := range shape {
				var folded [maxRank]bool
				folded[axis] = true
				red := NewReduction(shape, &folded)
				for op := ReduceSum; op <= ReduceMin; op++ {
					if op == ReduceLogSum {
						continue // of a negative sum
					}
					for _, odd := range []float32{x[0], float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.NaN())} {
						y := append([]float32{}, x...)
						y[n/2] = odd
						want, got := make([]float64, red.Out), make([]float32, red.Out)
						Reduce[float64, float64](nil, op, want, wide(y), &red)
						Reduce[float32, float64](nil, op, got, y, &red)
						name := fmt.Sprintf("%v axis %d op %d with %v", shape, axis, op, odd)
						for i, w := range want {
							if math.IsInf(w, 0) {
								require.Equal(t, float32(w), got[i], name)
								want[i], got[i] = 0, 0
							}
						}
						requireNear(t, want, got, 1e-5, "%s", name)
					}
				}
			}
		}
	})
}

// Logarithms of sums of powers are finite where the powers are not, or all of them are 0.
func TestLogSumExpOfLargeNumbers(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, shape := range [][]int{{2, 7, 600}, {3, 5, 8}, {4, 1030, 1}} {
			n := shape[0] * shape[1] * shape[2]
			for _, about := range []float32{500, -500} {
				x := random(r, n)
				for i := range x {
					x[i] += about
				}
				red := NewReduction(shape, &[maxRank]bool{1: true})
				got, want := make([]float32, red.Out), make([]float64, red.Out)
				Reduce[float32, float64](nil, ReduceLogSumExp, got, x, &red)
				for i := range want {
					for j := range shape[1] {
						want[i] += math.Exp(float64(x[i/shape[2]*shape[1]*shape[2]+j*shape[2]+i%shape[2]] - about))
					}
					want[i] = math.Log(want[i]) + float64(about)
				}
				requireNear(t, want, got, 1e-6, "%v", shape)
			}
		}
	})
}

// Reductions have the same bits on several threads, of one matrix, too.
func TestReductionsOnThreads(t *testing.T) {
	r := seeded()
	shape := []int{1, 40, 3000}
	x := random(r, 40*3000)
	p := NewPool(3)
	for axis := range shape {
		var folded [maxRank]bool
		folded[axis] = true
		red := NewReduction(shape, &folded)
		for op := ReduceSum; op <= ReduceMin; op++ {
			one, several := make([]float32, red.Out), make([]float32, red.Out)
			Reduce[float32, float64](nil, op, one, x, &red)
			Reduce[float32, float64](p, op, several, x, &red)
			for i, v := range one {
				require.True(t, sameFloat(v, several[i]), "axis %d op %d: %d", axis, op, i)
			}
		}
	}
}

// A maximum over all of a plane is that of its elements.
func TestMaxPoolOfPlanes(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		w := image(5, 1, 1, 0, 5, 5)
		x := random(seeded(), 3*25)
		x[30] = float32(math.NaN())
		y := make([]float32, 3)
		MaxPool(nil, &w, y, nil, x, float32(math.Inf(-1)), 3)
		for i := range y {
			m := math.Inf(-1)
			for _, v := range x[i*25 : (i+1)*25] {
				m = max(m, float64(v))
			}
			require.True(t, float32(m) == y[i] || m != m && y[i] != y[i], "plane %d: %v, want %v", i, y[i], m)
		}
	})
}

// One operand may be a scalar: repeated for vectors or not, the values are the same.
func TestScalarOperands(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{0, 1, 200, scalarLeast - 1, scalarLeast, scalarLeast + 3, 3*scalarLen + 77, 2*pieceLen + 5} {
			x := guard(r, n, n%3)
			if n > 5 {
				x.s[n-1], x.s[n-2], x.s[n/2], x.s[n/3] = float32(math.NaN()), float32(math.Inf(-1)), 0, 0.25
			}
			least := float32(math.Inf(1))
			for _, v := range x.s {
				least = min(least, v)
			}
			require.True(t, MinOf(x.s) == least || least != least && MinOf(x.s) != MinOf(x.s))
			for name, f := range map[string]struct {
				do   func(dst, a []float32)
				want func(v float32) float32
			}{
				"x/s":   {func(dst, a []float32) { DivScalar(dst, a, 3) }, func(v float32) float32 { return v / 3 }},
				"s/x":   {func(dst, a []float32) { ScalarDiv(dst, 3, a) }, func(v float32) float32 { return 3 / v }},
				"s-x":   {func(dst, a []float32) { ScalarSub(dst, 3, a) }, func(v float32) float32 { return 3 - v }},
				"max":   {func(dst, a []float32) { MaxScalar(dst, a, 0.25) }, func(v float32) float32 { return max(v, 0.25) }},
				"min":   {func(dst, a []float32) { MinScalar(dst, a, 0.25) }, func(v float32) float32 { return min(v, 0.25) }},
				"x*x*x": {func(dst, a []float32) { binaryF32(OpPow, dst, a, []float32{3}, 1, 0) }, func(v float32) float32 { return v * (v * v) }},
				"x above": {func(dst, a []float32) { ThresholdedRelu(dst, a, 0.25) }, func(v float32) float32 {
					if v > 0.25 {
						return v
					}
					return 0
				}},
			} {
				y := guard(r, n, n%5)
				f.do(y.s, x.s)
				y.checkZone(t)
				for i, v := range x.s {
					w := f.want(v)
					require.True(t, w == y.s[i] || w != w && y.s[i] != y.s[i], "%s of %v: %v, want %v", name, v, y.s[i], w)
				}
			}
		}
	})
}

// Comparisons are the same for neighbours, for one value and for every stride.
func TestCompareForms(t *testing.T) {
	nan := float32(math.NaN())
	a, b := []float32{1, 2, 3, nan, 2}, []float32{2, 2, 2, 2, nan}
	want := map[CompareOp][]bool{
		OpEqual: {false, true, false, false, false}, OpLess: {true, false, false, false, false}, OpLessOrEqual: {true, true, false, false, false},
		OpGreater: {false, false, true, false, false}, OpGreaterOrEqual: {false, true, true, false, false},
	}
	twice := func(x []float32) (y []float32) {
		for _, v := range x {
			y = append(y, v, 7)
		}
		return y
	}
	for op, w := range want {
		got := make([]bool, 5)
		compareRow(op, got, a, b, 1, 1)
		require.Equal(t, w, got, "op %d", op)
		compareRow(op, got, twice(a), twice(b), 2, 2)
		require.Equal(t, w, got, "op %d", op)
		compareRow(op, got[:4], a, b, 1, 0)
		require.Equal(t, w[:4], got[:4], "op %d", op)
		mirrored := map[CompareOp]CompareOp{OpEqual: OpEqual, OpLess: OpGreater, OpLessOrEqual: OpGreaterOrEqual, OpGreater: OpLess, OpGreaterOrEqual: OpLessOrEqual}[op]
		compareRow(mirrored, got[:4], b, a, 0, 1)
		require.Equal(t, w[:4], got[:4], "op %d, the other way round", op)
	}
}
