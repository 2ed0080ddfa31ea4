package lstmattn

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var testLevels = []float64{0.1, 0.5, 0.9}

// headOf is the head whose numbers a loss is made for.
func headOf(l LossKind) *head {
	for _, kind := range []Head{HeadQuantile, HeadGaussian, HeadStudentT} {
		if kind.OwnLoss() == l {
			return newHead(kind, testLevels)
		}
	}
	return newHead(HeadPoint, nil)
}

// The cases are PyTorch's: testmodels/scripts/make_losses.py makes them.
func TestLossesArePyTorchs(t *testing.T) {
	data, err := os.ReadFile("testdata/losses.json")
	require.NoError(t, err)
	var cases []struct {
		Loss                LossKind
		Y                   []float32
		Target, Unit, Value float64
		Gradient            []float64
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	seen := map[LossKind]int{}
	for i, tc := range cases {
		seen[tc.Loss]++
		l, h := Loss{Kind: tc.Loss, Delta: .7}, headOf(tc.Loss)
		dy := make([]float32, len(tc.Y))
		got := l.at(h, dy, tc.Y, tc.Target, tc.Unit, 1)
		require.InDelta(t, tc.Value, got, 1e-9*max(1, math.Abs(tc.Value)), "case %d, %s", i, tc.Loss)
		for k, want := range tc.Gradient {
			require.InDelta(t, want, float64(dy[k]), 1e-6*max(1e-3, math.Abs(want)), "case %d, %s, number %d", i, tc.Loss, k)
		}
	}
	require.Len(t, seen, 6)
}

// Slopes are the central differences of the values, and add up by share.
func TestSlopesOfLosses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []LossKind{MSE, MAE, Huber, Pinball, GaussianNLL, StudentTNLL} {
		l := Loss{Kind: kind, Delta: .7}
		heads := []*head{headOf(kind)}
		if kind == MSE || kind == MAE || kind == Huber { // of any head's point forecast
			heads = append(heads, newHead(HeadStudentT, nil), newHead(HeadQuantile, []float64{.2, .4, .8}))
		}
		for _, h := range heads {
			for range 50 {
				y, dy := make([]float32, h.width), make([]float32, h.width)
				for k := range y {
					y[k] = float32(2 * rng.NormFloat64())
				}
				target, unit, share := 2*rng.NormFloat64(), math.Exp(rng.NormFloat64()), rng.Float64()
				l.at(h, dy, y, target, unit, share)
				l.at(h, dy, y, target, unit, share)
				for k := range y {
					at, step := y[k], float32(1./1024)
					y[k] = at + step
					up, above := l.at(h, nil, y, target, unit, share), float64(y[k])
					y[k] = at - step
					down, below := l.at(h, nil, y, target, unit, share), float64(y[k])
					y[k] = at
					want := 2 * share * (up - down) / (above - below)
					require.InDelta(t, want, float64(dy[k]), 2e-3*max(1, math.Abs(want)), "%s of %s, number %d of %v at %v", kind, h.kind, k, y, target)
				}
			}
		}
	}
}

// The numbers that make the loss of many draws least are the distribution's own.
func TestLikelihoodIsLeastAtTheTruth(t *testing.T) {
	for _, kind := range []Head{HeadGaussian, HeadStudentT} {
		h, l := newHead(kind, nil), Loss{Kind: kind.OwnLoss()}
		truth := []float32{.4, .3, 1}[:h.width]
		d, rng := h.distribution(truth), stream(3, "draws")
		draws := make([]float64, 40000)
		for i := range draws {
			draws[i] = d.sample(rng)
		}
		mean := func(y []float32) (sum float64) {
			for _, v := range draws {
				sum += l.at(h, nil, y, v, 1, 1)
			}
			return sum / float64(len(draws))
		}
		least := mean(truth)
		for k := range truth {
			for _, off := range []float32{-.3, .3} {
				other := append([]float32(nil), truth...)
				other[k] += off
				require.Greater(t, mean(other), least, "%s, number %d moved by %v", kind, k, off)
			}
		}
	}
}

func TestLossesRefused(t *testing.T) {
	for _, tc := range []struct {
		loss Loss
		head Head
		want string
	}{
		{Loss{Kind: Pinball}, HeadPoint, "lstmattn: the loss is quantile, which a point head doesn't give the numbers for"},
		{Loss{Kind: StudentTNLL}, HeadGaussian, "lstmattn: the loss is student_t, which a gaussian head doesn't give the numbers for"},
		{Loss{Kind: "crps"}, HeadGaussian, `lstmattn: the loss is "crps", must be mse, mae, huber, quantile, gaussian or student_t`},
	} {
		require.EqualError(t, tc.loss.Validate(tc.head), tc.want)
	}
	for _, h := range []Head{HeadPoint, HeadQuantile, HeadGaussian, HeadStudentT} {
		require.NoError(t, Loss{Kind: h.OwnLoss()}.Validate(h))
		require.NoError(t, Loss{Kind: MAE}.Validate(h))
	}
}

func TestPointOfQuantiles(t *testing.T) {
	y := []float32{1, 2, 4}
	for _, tc := range []struct {
		levels []float64
		want   float32
	}{
		{[]float64{.1, .5, .9}, 2},
		{[]float64{.5, .6, .9}, 1},
		{[]float64{.6, .7, .9}, 1},
		{[]float64{.1, .2, .3}, 4},
		{[]float64{.1, .2, .5}, 4},
		{[]float64{.1, .4, .6}, 3},
		{[]float64{.25, .75, .9}, 1.5},
	} {
		require.Equal(t, tc.want, newHead(HeadQuantile, tc.levels).point(y), tc.levels)
	}
	require.Equal(t, float32(7), newHead(HeadQuantile, []float64{.9}).point([]float32{7}))
}
