package kernel

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The elements chosen along an axis are the first of a stable sort: NaN is above all,
// zeros are equal, and of equals the lower index comes first.
func TestTopKSorts(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		specials := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, float32(math.Copysign(0, -1)), math.Float32frombits(0xffc00001), 1e-45}
		for name, value := range map[string]func(i int) float32{
			"random":     func(int) float32 { return 2*r.Float32() - 1 },
			"rising":     func(i int) float32 { return float32(i) },
			"falling":    func(i int) float32 { return float32(-i) },
			"few values": func(int) float32 { return float32(r.IntN(4)) },
			"special":    func(int) float32 { return specials[r.IntN(len(specials))] },
			"mostly NaN": func(i int) float32 {
				return []float32{specials[0], float32(r.IntN(90))}[min(r.IntN(30), 1)] + float32(i%2)
			},
			"all NaN": func(int) float32 { return specials[0] },
		} {
			for _, s := range [][4]int{{2, 1, 1, 1}, {3, 9, 1, 4}, {2, 64, 1, 64}, {1, 1000, 1, 1}, {1, 1000, 1, 7}, {1, 3000, 1, 200}, {2, 300, 1, 299}, {2, 400, 3, 5}, {1, 200, 40, 17}, {3, 10, 19, 10}, {40, 7, 1, 3}, {3, 333, 1, 2}, {2, 90, 1, 1}} {
				x := make([]float32, s[0]*s[1]*s[2])
				for i := range x {
					x[i] = value(i)
				}
				checkTopK(t, name, x, s)
			}
		}
	})
}

func TestTopKOfIntegers(t *testing.T) {
	r := seeded()
	s := [4]int{2, 500, 3, 9}
	checkTopK(t, "int8", integersOf[int8](r, 3000), s)
	checkTopK(t, "uint8", integersOf[uint8](r, 3000), s)
	checkTopK(t, "int16", integersOf[int16](r, 3000), s)
	checkTopK(t, "uint16", integersOf[uint16](r, 3000), s)
	checkTopK(t, "int32", integersOf[int32](r, 3000), s)
	checkTopK(t, "uint32", integersOf[uint32](r, 3000), s)
	checkTopK(t, "int64", integersOf[int64](r, 3000), s)
	checkTopK(t, "uint64", integersOf[uint64](r, 3000), s)
	checkTopK(t, "float64", integersOf[float64](r, 3000), s)
}

func integersOf[T Number](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.Uint64())
	}
	return x
}

func checkTopK[T Number](t *testing.T, name string, x []T, s [4]int) {
	t.Helper()
	outer, n, inner, k := s[0], s[1], s[2], s[3]
	for _, least := range []bool{false, true} {
		for threads := 1; threads <= 2; threads++ {
			at := fmt.Sprint(name, s, least, threads)
			values, indices := make([]T, outer*k*inner), make([]int64, outer*k*inner)
			TopKAxis(NewPool(threads), func() error { return nil }, values, indices, x, outer, n, inner, k, least)
			for series := range outer * inner {
				order := make([]int, n)
				for i := range order {
					order[i] = i
				}
				from := func(i int) T { return x[(series/inner*n+i)*inner+series%inner] }
				slices.SortStableFunc(order, func(a, b int) int { // cmp.Compare has NaN below all
					u, v := from(a), from(b)
					c := cmp.Compare(u, v)
					if u != u || v != v {
						c = -c
					}
					if least {
						return c
					}
					return -c
				})
				for i, want := range order[:k] {
					to := (series/inner*k+i)*inner + series%inner
					require.Equal(t, int64(want), indices[to], "%s: series %d, place %d", at, series, i)
					v, w := values[to], from(want)
					require.True(t, v == w || v != v && w != w, "%s: series %d, place %d: %v, want %v", at, series, i, v, w)
				}
			}
		}
	}
}

func TestTopKStops(t *testing.T) {
	asked := 0
	halt := func() error {
		asked++
		return fmt.Errorf("enough")
	}
	for _, k := range []int{1, 3, 9} {
		asked = 0
		x := make([]float32, 4*haltEvery)
		TopKAxis(nil, halt, make([]float32, 2*k), make([]int64, 2*k), x, 2, len(x)/2, 1, k, false)
		require.Equal(t, 1, asked)
	}
}
