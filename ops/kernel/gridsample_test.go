package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// sampled is one place of an image in float64, dimension by dimension, with what lies
// beyond the edges as the definition of the operator has it.
func sampled(s *Sampler, image []float32, g []float32) float64 {
	element := func(at []int) float64 {
		offset := 0
		for d, i := range at {
			n := s.Dims[d]
			switch {
			case s.Border:
				i = max(0, min(i, n-1))
			case s.Reflect:
				i = mirrored(i, n, s.Corners)
			case i < 0 || i >= n:
				return 0
			}
			offset = offset*n + i
		}
		return float64(image[offset])
	}
	rank := len(s.Dims)
	at := make([]int, rank)
	var along func(d int) float64
	along = func(d int) float64 {
		if d == rank {
			return element(at)
		}
		x := (float64(g[rank-1-d])+1)/2*float64(s.Dims[d]) - 0.5
		if s.Corners {
			x = (float64(g[rank-1-d]) + 1) / 2 * float64(s.Dims[d]-1)
		}
		if s.Nearest {
			at[d] = int(math.RoundToEven(x))
			return along(d + 1)
		}
		first := int(math.Floor(x))
		lo, hi := first, first+1
		weight := func(i int) float64 { return 1 - math.Abs(x-float64(i)) }
		if s.Cubic {
			lo, hi = first-1, first+2
			weight = func(i int) float64 {
				const a = -0.75
				switch v := math.Abs(x - float64(i)); {
				case v <= 1:
					return (a+2)*v*v*v - (a+3)*v*v + 1
				default:
					return a*v*v*v - 5*a*v*v + 8*a*v - 4*a
				}
			}
		}
		sum := 0.0
		for i := lo; i <= hi; i++ {
			at[d] = i
			sum += weight(i) * along(d+1)
		}
		return sum
	}
	return along(0)
}

// mirrored is element i of an extent of n that goes on as its mirror image: about the
// outermost elements if corners, else about their outer edges.
func mirrored(i, n int, corners bool) int {
	period := 2 * n
	if corners {
		period = max(2*n-2, 1)
	}
	i = ((i % period) + period) % period
	switch {
	case i < n:
		return i
	case corners:
		return period - i
	}
	return period - 1 - i
}

// Every mode, padding and rank reads what the definition says, of any number of places.
func TestSample(t *testing.T) {
	r := seeded()
	for _, dims := range [][]int{{7}, {6, 9}, {2, 2}, {1, 5}, {3, 4, 5}} {
		for mode := range 3 {
			for padding := range 3 {
				for _, corners := range []bool{false, true} {
					s := &Sampler{Dims: dims, Nearest: mode == 1, Cubic: mode == 2, Border: padding == 1, Reflect: padding == 2, Corners: corners}
					if s.Cubic && len(dims) != 2 {
						continue
					}
					t.Run(fmt.Sprint(dims, mode, padding, corners), func(t *testing.T) {
						const channels, points = 3, 2*sampleLen + 5
						size := 1
						for _, d := range dims {
							size *= d
						}
						x, grid := random(r, channels*size), random(r, points*len(dims))
						for i := range grid {
							grid[i] *= 1.7
						}
						y := make([]float32, channels*points)
						Fill(y, 99)
						Sample(s, y, x, grid, channels, points, 0, 10)
						Sample(s, y, x, grid, channels, points, 10, points)
						for i, v := range y {
							c, p := i/points, i%points
							want := sampled(s, x[c*size:], grid[p*len(dims):][:len(dims)])
							require.InDelta(t, want, float64(v), 3e-5, "channel %d, place %d: %v", c, p, grid[p*len(dims):][:len(dims)])
						}
					})
				}
			}
		}
	}
}

// What is outside is not read: an infinity elsewhere stays where it is.
func TestSampleLeavesOutZeros(t *testing.T) {
	inf := float32(math.Inf(1))
	x := []float32{inf, 1, 2, 3, 4, 5, 6, 7, 8} // 3 by 3
	y := make([]float32, 3)
	Sample(&Sampler{Dims: []int{3, 3}}, y, x, []float32{1, 1, 5, 5, 0, 1.2}, 1, 3, 0, 3)
	require.Equal(t, []float32{2, 0}, y[:2])
	require.InDelta(t, 7*0.2, y[2], 1e-5)

	x = []float32{0, 1, 2, inf, 4, 5, 6, 7, 8}
	Sample(&Sampler{Dims: []int{3, 3}, Corners: true}, y, x, []float32{1, -1, 1, 1, 0, 1}, 1, 3, 0, 3) // on the last column or row
	require.Equal(t, []float32{2, 8, 7}, y)
}
