package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// axisShapes are (outer, n, inner): one series, neighbours, and more of them than go
// together.
var axisShapes = [][3]int{{1, 1, 1}, {3, 9, 1}, {2, 300, 1}, {2, 4, 3}, {3, 7, 70}, {1, 5, 2*neighbours + 1}, {2, 1, 5}, {2, 13, 8}}

// eachType calls f with numbers that repeat, as every kind of type; floats have NaN,
// infinities and both zeros among them.
func eachType(n int, ints32 func([]int32), ints64 func([]int64), bytes func([]uint8), singles func([]float32), doubles func([]float64)) {
	r := seeded()
	i32, i64, u8, f32, f64 := make([]int32, n), make([]int64, n), make([]uint8, n), make([]float32, n), make([]float64, n)
	for i := range n {
		v := r.IntN(7) - 3
		i32[i], i64[i], u8[i], f64[i] = int32(v), int64(v)<<40, uint8(v), float64(v)
		if r.IntN(9) == 0 {
			f64[i] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)}[r.IntN(4)]
			i64[i], i32[i] = math.MinInt64, math.MaxInt32
		}
		f32[i] = float32(f64[i])
	}
	ints32(i32)
	ints64(i64)
	bytes(u8)
	singles(f32)
	doubles(f64)
}

// The index of the largest or least of each series, of equals the first or last; NaN
// comes before all.
func TestArgMaxAxis(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, s := range axisShapes {
			eachType(s[0]*s[1]*s[2], requireArgMax[int32](t, s), requireArgMax[int64](t, s), requireArgMax[uint8](t, s), requireArgMax[float32](t, s), requireArgMax[float64](t, s))
		}
	})
}

func requireArgMax[T Number](t *testing.T, s [3]int) func(x []T) {
	outer, n, inner := s[0], s[1], s[2]
	return func(x []T) {
		for _, least := range []bool{false, true} {
			for _, last := range []bool{false, true} {
				got := make([]int64, outer*inner)
				ArgMaxAxis(NewPool(2), got, x, outer, n, inner, least, last)
				for o := range outer {
					for j := range inner {
						at := func(i int) T { return x[(o*n+i)*inner+j] }
						best := 0
						for i := 1; i < n; i++ {
							a, b := at(i), at(best)
							wins := a > b
							if least {
								wins = a < b
							}
							if a != a || b != b {
								wins = a != a && b == b
							}
							if wins || last && (a == b || a != a && b != b) {
								best = i
							}
						}
						require.Equal(t, int64(best), got[o*inner+j], "%T %v least %v last %v: %d, %d", x, s, least, last, o, j)
					}
				}
			}
		}
	}
}

func TestCumulateAxis(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, s := range axisShapes {
			eachType(s[0]*s[1]*s[2], requireCumulated[int32](t, s), requireCumulated[int64](t, s), requireCumulated[uint8](t, s), requireCumulated[float32](t, s), requireCumulated[float64](t, s))
		}
	})
}

func requireCumulated[T Number](t *testing.T, s [3]int) func(x []T) {
	outer, n, inner := s[0], s[1], s[2]
	return func(x []T) {
		for kind := range 8 {
			prod, exclusive, reverse := kind&1 != 0, kind&2 != 0, kind&4 != 0
			got, inPlace := make([]T, len(x)), append([]T{}, x...)
			CumulateAxis(NewPool(2), got, x, outer, n, inner, prod, exclusive, reverse)
			CumulateAxis(nil, inPlace, inPlace, outer, n, inner, prod, exclusive, reverse)
			for o := range outer {
				for j := range inner {
					acc := T(0)
					if prod {
						acc = 1
					}
					for i := range n {
						if reverse {
							i = n - 1 - i
						}
						at := (o*n+i)*inner + j
						before := acc
						if prod {
							acc *= x[at]
						} else {
							acc += x[at]
						}
						want := acc
						if exclusive {
							want = before
						}
						for _, y := range []T{got[at], inPlace[at]} {
							require.True(t, want == y || want != want && y != y, "%T %v kind %d: %v, want %v", x, s, kind, y, want)
						}
					}
				}
			}
		}
	}
}

// Reductions of integers wrap around, and those of float64 are those of the definition:
// of neighbouring rows and of columns, each folded on its own.
func TestReduceAlongAxis(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, s := range axisShapes {
			eachType(s[0]*s[1]*s[2], requireReduced[int32, int64](t, s), requireReduced[int64, int64](t, s), requireReduced[uint8, uint64](t, s),
				requireReduced[float32, float64](t, s), requireReduced[float64, float64](t, s))
		}
	})
}

// The largest and the least integer of a row are found wherever they stand.
func TestExtremeIntegers(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{1, 8, 63, 64, 65, 127, 1000, 2 * pieceLen, 2*pieceLen + 1, 5*pieceLen - 3} {
			x := make([]int32, n)
			for i := range x {
				x[i] = int32(r.Uint32()) >> 2
			}
			fold := NewReduction([]int{n}, &[maxRank]bool{0: true})
			for _, at := range []int{0, n / 2, (n - 1) / 2, min(pieceLen, n-1), n - 1, r.IntN(n)} {
				for op, v := range map[ReduceOp]int32{ReduceMax: math.MaxInt32, ReduceMin: math.MinInt32} {
					was, y := x[at], []int32{0}
					x[at] = v
					Reduce[int32, int64](nil, op, y, x, &fold)
					require.Equal(t, v, y[0], "op %d at %d of %d", op, at, n)
					x[at] = was
				}
			}
		}
	})
}

func requireReduced[T, A Number](t *testing.T, s [3]int) func(x []T) {
	outer, n, inner := s[0], s[1], s[2]
	return func(x []T) {
		r := NewReduction(s[:], &[maxRank]bool{1: true})
		for _, op := range []ReduceOp{ReduceSum, ReduceMean, ReduceProd, ReduceMax, ReduceMin} {
			got := make([]T, outer*inner)
			Reduce[T, A](NewPool(2), op, got, x, &r)
			for o := range outer {
				for j := range inner {
					acc := A(x[o*n*inner+j])
					for i := 1; i < n; i++ {
						switch v := A(x[(o*n+i)*inner+j]); op {
						case ReduceProd:
							acc *= v
						case ReduceMax:
							acc = max(acc, v)
						case ReduceMin:
							acc = min(acc, v)
						default:
							acc += v
						}
					}
					if op == ReduceMean {
						acc /= A(n)
					}
					want, y := T(acc), got[o*inner+j]
					near := want == y || want != want && y != y
					if isFloat[T]() && (op == ReduceMean || op == ReduceProd) { // in any order
						near = near || math.Abs(float64(want)-float64(y)) <= 1e-6*math.Abs(float64(want))
					}
					require.True(t, near, "%T %v op %d: %v, want %v", x, s, op, y, want)
				}
			}
		}
	}
}

// Of equal elements Hardmax takes the first, along any axis.
func TestHardmaxTakesTheFirst(t *testing.T) {
	HardmaxAxis(nil, []float64{}, []float64{}, 2, 0, 3) // there is none
	const n = 5
	for _, inner := range []int{1, 3, 70} {
		for first := range n {
			for second := first + 1; second < n; second++ {
				x, y := make([]float64, n*inner), make([]float64, n*inner)
				narrow, short := make([]float32, n*inner), make([]float32, n*inner)
				for j := range inner {
					for _, i := range []int{first, second} {
						x[i*inner+j], narrow[i*inner+j] = 2, 2
					}
				}
				HardmaxAxis(nil, y, x, 1, n, inner)
				HardmaxAxis(nil, short, narrow, 1, n, inner)
				for at := range x {
					want := 0.0
					if at/inner == first {
						want = 1
					}
					require.Equal(t, want, y[at], "%d and %d: element %d of %d series", first, second, at, inner)
					require.Equal(t, float32(want), short[at], "%d and %d: element %d of %d series", first, second, at, inner)
				}
			}
		}
	}
}
