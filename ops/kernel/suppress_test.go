package kernel

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Boxes are chosen in falling order of score, of equals the first, NaN last, and one
// that overlaps a chosen one too much is not.
func TestSuppression(t *testing.T) {
	r := seeded()
	const n = 300
	for _, most := range []int{0, 1, 20, n} {
		for _, limited := range []bool{false, true} {
			s := Suppression{Boxes: make([][4]float32, n), Overlap: 0.3, Least: 0.2, Limited: limited, Most: most}
			scores, order := make([]float32, n), make([]int, 0, n)
			for i := range s.Boxes {
				y, x := r.Float32(), r.Float32()
				s.Boxes[i] = [4]float32{y, x, y + r.Float32()/2, x + r.Float32()/2}
				scores[i] = float32(r.IntN(40)-5) / 30
				if i%50 == 7 {
					scores[i] = float32(math.NaN())
				}
				if !limited || scores[i] > s.Least {
					order = append(order, i)
				}
			}
			slices.SortStableFunc(order, func(a, b int) int {
				u, v := scores[a], scores[b]
				switch {
				case u > v || u == u && v != v:
					return -1
				case u < v || u != u && v == v:
					return 1
				}
				return 0
			})
			want := []int{}
			for _, i := range order {
				if len(want) < most && !slices.ContainsFunc(want, func(j int) bool { return shared(s.Boxes[i], s.Boxes[j]) > 0.3 }) {
					want = append(want, i)
				}
			}
			got, err := s.Choose([]int{}, scores, going)
			require.NoError(t, err)
			require.Equal(t, want, got, "most %d, limited %v", most, limited)
		}
	}
	s := Suppression{Boxes: make([][4]float32, 2), Most: 2}
	_, err := s.Choose(nil, []float32{1, 2}, func() error { return fmt.Errorf("enough") })
	require.EqualError(t, err, "enough")
}

// What was chosen before, of another class, neither counts nor covers; boxes that overlap
// by just what is allowed are both chosen; and one Suppression chooses again and again.
func TestSuppressionAppends(t *testing.T) {
	s := Suppression{Boxes: [][4]float32{{0, 0, 1, 1}, {0, 0, 1, 2}, {5, 5, 6, 6}, {0, 0, 1, 1.5}}, Overlap: 0.5, Most: 3}
	for _, c := range []struct {
		scores []float32
		want   []int
	}{{[]float32{4, 3, 2, 1}, []int{0, 1, 2, 0, 1, 2}}, {[]float32{1, 2, 3, 4}, []int{0, 1, 2, 3, 2}}} {
		got, err := s.Choose([]int{0, 1, 2}, c.scores, going)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

// Of boxes apart all are chosen, in order, however few they are.
func TestSuppressionSorts(t *testing.T) {
	r := seeded()
	for n := range 20 {
		s, scores, want := Suppression{Boxes: make([][4]float32, n), Most: n}, random(r, n), make([]int, n)
		for i := range n {
			s.Boxes[i], want[i] = [4]float32{float32(i), 0, float32(i) + 1, 1}, i
		}
		slices.SortFunc(want, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
		got, err := s.Choose([]int{}, scores, going)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// shared is the intersection of two boxes over their union.
func shared(a, b [4]float32) float64 {
	area := func(b [4]float64) float64 { return max(b[2]-b[0], 0) * max(b[3]-b[1], 0) }
	u, v := [4]float64{}, [4]float64{}
	for i := range u {
		u[i], v[i] = float64(a[i]), float64(b[i])
	}
	both := area([4]float64{max(u[0], v[0]), max(u[1], v[1]), min(u[2], v[2]), min(u[3], v[3])})
	return both / (area(u) + area(v) - both)
}

// What an earlier call left over is forgotten.
func TestSuppressionStartsAnew(t *testing.T) {
	s := Suppression{Boxes: [][4]float32{{0, 0, 1, 1}, {2, 2, 3, 3}, {4, 4, 5, 5}}, Most: 1}
	for _, c := range []struct {
		scores []float32
		best   int
	}{{[]float32{9, 8, 7}, 0}, {[]float32{1, 2, 3}, 2}, {[]float32{1, 2, 1}, 1}} {
		kept, err := s.Choose(nil, c.scores, going)
		require.NoError(t, err)
		require.Equal(t, []int{c.best}, kept)
	}
}
