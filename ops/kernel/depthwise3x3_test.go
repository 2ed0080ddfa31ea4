package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Depthwise convolutions of three by three taps that read images where they are have the
// bits of those that lay them out, whatever lies beside an image, and touch nothing else.
func TestDepthwise3x3(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		plain := *active
		plain.depthwise3x3 = [3][]depthwise3x3Kernel{}
		for n := range 400 {
			step := 1 + n%2
			w := image(3, step, 1, 1, r.IntN(30), least3x3[step]*step+r.IntN(40))
			for d := range 2 {
				w.Pad[d] = r.IntN(3)
				w.Out[d] = max(1, (w.In[d]+w.Pad[d]+r.IntN(3)-3)/step+1)
			}
			c := convCase{w, 1 + r.IntN(2), 3 + r.IntN(4), 1, 1 + r.IntN(2)}
			m, share := c.g*c.o, 3+r.IntN(4)
			x, y := guard(r, c.b*c.g*w.InLen(), n%9), guard(r, c.b*m*w.OutLen(), n%7)
			want := make([]float32, len(y.s))
			weights, bias := random(r, 9*m), random(r, m)
			if len(x.s) > 0 {
				x.s[r.IntN(len(x.s))], x.s[r.IntN(len(x.s))] = float32(math.Inf(1)), float32(math.NaN())
				x.was = append(x.was[:0], x.s...)
			}

			run := func(v *variant, y []float32) {
				was := active
				defer func() { active = was }()
				active = v
				s := ConvRun{a: c.args(x.s, weights, y, bias), w: PackConv(weights, c.g, 1, c.o, 9), end: ConvEnd{Lo: -1, Hi: 1.5}}
				s.plan(1)
				s.tables()
				for lo := 0; lo < c.b*c.g; lo += share {
					buf := make([]float32, s.room())
					fillWith(buf, float32(math.NaN()))
					s.channels(lo, min(lo+share, c.b*c.g), buf)
				}
			}
			run(&plain, want)
			run(active, y.s)
			for i, v := range want {
				if math.Float32bits(v) != math.Float32bits(y.s[i]) {
					require.Failf(t, "other bits", "%v to %v, padding %v, stride %d: %v at %d, expected %v", w.In[:2], w.Out[:2], w.Pad[:2], step, y.s[i], i, v)
				}
			}
			y.checkZone(t)
			x.checkUnchanged(t)
		}
	})
}
