package runtime

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Regions that are in use at the same time lie apart, aligned and inside the
// arena, and the arena is not much larger than what is alive at the worst time.
func TestAssign(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		regions := make([]region, 1+r.IntN(60))
		for i := range regions {
			first := r.IntN(40)
			regions[i] = region{bytes: r.IntN(2000), first: first, last: first + r.IntN(12), source: -1, output: -1}
			switch r.IntN(8) {
			case 0:
				regions[i].source = 3
			case 1:
				regions[i].output = 0
			}
		}
		size := assign(regions)
		laid := func(g region) bool { return g.source < 0 && g.output < 0 && g.bytes > 0 }
		alive := make([]int, 60)
		for i, a := range regions {
			if !laid(a) {
				continue
			}
			require.Zero(t, a.offset%alignment)
			require.LessOrEqual(t, a.offset+a.bytes, size)
			for s := a.first; s <= a.last; s++ {
				alive[s] += roundUp(a.bytes)
			}
			for _, b := range regions[:i] {
				if laid(b) && a.first <= b.last && b.first <= a.last {
					require.True(t, a.offset+a.bytes <= b.offset || b.offset+b.bytes <= a.offset, "round %d: %+v and %+v", round, a, b)
				}
			}
		}
		worst := 0
		for _, n := range alive {
			worst = max(worst, n)
		}
		require.LessOrEqual(t, worst, size)
		require.LessOrEqual(t, size, 2*worst)
	}
}
