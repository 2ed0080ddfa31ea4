package lstmattn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func windowFor(kind Normalization, steps, cols, batch int) *window {
	w := &window{kind: kind, steps: steps, cols: cols, mean: make([]float32, cols), scale: make([]float32, cols),
		anchor: make([]float32, batch*cols), shift: make([]float32, batch*cols), spread: make([]float32, batch*cols), sorted: make([]float32, steps)}
	for f := range cols {
		w.mean[f], w.scale[f] = float32(3+f), float32(2+f)
	}
	return w
}

// restore turns the normalised values of one window into raw ones.
func (w *window) restore(n []float32, steps int) {
	for i := range n {
		n[i] = w.raw(i/(steps*w.cols), i%w.cols, n[i])
	}
}

func TestWindowNormalization(t *testing.T) {
	// mean 3, scale 2: scaled values are -1, 4, 0, 1, 6
	x := []float32{1, 11, 3, 5, 15}
	for kind, want := range map[Normalization]struct{ shift, spread float64 }{
		NormalizationNone:    {0, 1},
		NormalizationLast:    {6, 1},
		NormalizationMeanStd: {2, math.Sqrt((9 + 4 + 4 + 1 + 16) / 5.)},
		NormalizationRobust:  {1, 4 / 1.349},
	} {
		w := windowFor(kind, 5, 1, 1)
		n := make([]float32, 5)
		w.normalize(n, x, 1)
		require.InDelta(t, want.shift, float64(w.anchor[0]+w.shift[0]), 1e-6, kind)
		require.InDelta(t, want.spread, float64(w.spread[0]), 1e-6, kind)
		for i := range x {
			require.InDelta(t, ((float64(x[i])-3)/2-want.shift)/want.spread, float64(n[i]), 1e-6, kind)
		}
		again := make([]float32, 5)
		w.normalizeTarget(again, x, 1, 5)
		require.Equal(t, n, again, kind)
		w.restore(n, 5)
		for i := range x {
			require.InDelta(t, float64(x[i]), float64(n[i]), 1e-5, kind)
		}
	}
}

// Each of two windows and three columns is measured by itself.
func TestWindowsAreIndependent(t *testing.T) {
	const steps, cols, batch = 6, 3, 2
	x := randomValues(batch*steps*cols, 4)
	for _, kind := range []Normalization{NormalizationLast, NormalizationMeanStd, NormalizationRobust} {
		w := windowFor(kind, steps, cols, batch)
		n := make([]float32, len(x))
		w.normalize(n, x, batch)
		for b := range batch {
			for f := range cols {
				one := windowFor(kind, steps, 1, 1)
				one.mean[0], one.scale[0] = w.mean[f], w.scale[f]
				column, got := make([]float32, steps), make([]float32, steps)
				for s := range column {
					column[s], got[s] = x[(b*steps+s)*cols+f], n[(b*steps+s)*cols+f]
				}
				want := make([]float32, steps)
				one.normalize(want, column, 1)
				require.Equal(t, want, got)
			}
		}
	}
}

func TestConstantWindowStaysFinite(t *testing.T) {
	for _, kind := range []Normalization{NormalizationMeanStd, NormalizationRobust} {
		w := windowFor(kind, 4, 1, 1)
		n := make([]float32, 4)
		w.normalize(n, []float32{7, 7, 7, 7}, 1)
		require.Equal(t, float32(.01), w.spread[0])
		require.Equal(t, []float32{0, 0, 0, 0}, n)
		w.restore(n, 4)
		require.Equal(t, []float32{7, 7, 7, 7}, n)
	}
}

// Values far from zero beside their spread lose nothing more than they lost as
// float32.
func TestLargeOffsetsKeepTheirPrecision(t *testing.T) {
	const steps = 168
	x := make([]float32, steps)
	rows := make([]vec, steps)
	for i := range x {
		x[i] = 1e6 + float32(3*math.Sin(float64(i)))
		rows[i] = vec{float64(x[i])}
	}
	for _, kind := range []Normalization{NormalizationLast, NormalizationMeanStd, NormalizationRobust} {
		w := windowFor(kind, steps, 1, 1)
		w.mean[0], w.scale[0] = 0, 1
		n := make([]float32, steps)
		w.normalize(n, x, 1)
		shift, spread := refWindow(kind, rows, 0)
		for i := range x {
			require.InDelta(t, (float64(x[i])-shift)/spread, float64(n[i]), 1e-6, kind)
		}
		w.restore(n, steps)
		require.InDeltaSlice(t, x, n, .1, kind)
	}
}

func TestQuartilePosition(t *testing.T) {
	for _, tc := range []struct {
		n, q, lo, hi int
		frac         float32
	}{{1, 2, 0, 0, 0}, {2, 1, 0, 1, .25}, {2, 3, 0, 1, .75}, {5, 3, 3, 4, 0}, {168, 1, 41, 42, .75}, {168, 2, 83, 84, .5}} {
		lo, hi, frac := QuartilePosition(tc.n, tc.q)
		require.Equal(t, []any{tc.lo, tc.hi, tc.frac}, []any{lo, hi, frac})
	}
}
