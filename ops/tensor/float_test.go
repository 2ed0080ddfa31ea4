package tensor

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is one of the formats, as the tests see it.
type small struct {
	name     string
	patterns int
	value    func(b int) float64
	encode   func(v float64) int
	largest  float64 // finite, as the format's definition gives it
}

func smallFormats() []small {
	return []small{
		{"float16", 1 << 16, func(b int) float64 { return float64(F16(b).Float32()) }, func(v float64) int { return int(ToF16(v)) }, 65504},
		{"float8e4m3fn", 256, func(b int) float64 { return float64(F8E4M3(b).Float32()) }, func(v float64) int { return int(ToF8E4M3(v, true)) }, 448},
		{"float8e4m3fnuz", 256, func(b int) float64 { return float64(F8E4M3UZ(b).Float32()) }, func(v float64) int { return int(ToF8E4M3UZ(v, true)) }, 240},
		{"float8e5m2", 256, func(b int) float64 { return float64(F8E5M2(b).Float32()) }, func(v float64) int { return int(ToF8E5M2(v, true)) }, 57344},
		{"float8e5m2fnuz", 256, func(b int) float64 { return float64(F8E5M2UZ(b).Float32()) }, func(v float64) int { return int(ToF8E5M2UZ(v, true)) }, 57344},
		{"float4e2m1", 16, func(b int) float64 { return float64(F4E2M1(b).Float32()) }, func(v float64) int { return int(ToF4E2M1(v)) }, 6},
		{"bfloat16", 1 << 16, func(b int) float64 { return float64(BF16(b).Float32()) }, func(v float64) int { return int(ToBF16(float32(v))) }, 3.3895313892515355e38},
	}
}

// Every finite value encodes to itself, and between neighbours the nearer one
// wins, on a tie the even one.
func TestSmallFloatsRoundToNearestEven(t *testing.T) {
	for _, f := range smallFormats() {
		t.Run(f.name, func(t *testing.T) {
			finite := map[float64]int{}
			largest := 0.0
			for b := range f.patterns {
				v := f.value(b)
				if math.IsNaN(v) || math.IsInf(v, 0) {
					continue
				}
				largest = max(largest, v)
				require.Equal(t, v, f.value(f.encode(v)), "pattern %#x", b)
				if v != 0 {
					require.Equal(t, b, f.encode(v), "of %v", v)
				}
				finite[v] = b
			}
			require.Equal(t, f.largest, largest)
			sign := f.patterns / 2
			for b := 0; b+1 < sign; b++ { // the patterns of rising values of one sign
				lo, hi := f.value(b), f.value(b+1)
				if _, ok := finite[lo]; !ok {
					continue
				}
				if _, ok := finite[hi]; !ok {
					continue
				}
				mid := lo + (hi-lo)/2
				even := b + b&1
				require.Equal(t, f.value(even), f.value(f.encode(mid)), "between %v and %v", lo, hi)
				require.Equal(t, lo, f.value(f.encode(lo+(hi-lo)*0.375)))
				require.Equal(t, hi, f.value(f.encode(lo+(hi-lo)*0.625)))
			}
		})
	}
}

func TestSmallFloatsBeyondTheirRange(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	require.True(t, math.IsInf(float64(ToF16(65520).Float32()), 1))
	require.Equal(t, float32(65504), ToF16(65519).Float32())
	require.True(t, math.IsNaN(float64(ToF16(nan).Float32())))
	require.Equal(t, float32(-448), ToF8E4M3(-inf, true).Float32())
	require.True(t, math.IsNaN(float64(ToF8E4M3(1000, false).Float32())))
	require.True(t, math.IsInf(float64(ToF8E5M2(-inf, false).Float32()), -1))
	require.Equal(t, float32(57344), ToF8E5M2(inf, true).Float32())
	require.True(t, math.IsNaN(float64(ToF8E5M2UZ(inf, false).Float32())))
	require.Equal(t, F8E4M3UZ(0), ToF8E4M3UZ(math.Copysign(0, -1), true), "there is no negative zero")
	require.Equal(t, F16(0x8000), ToF16(math.Copysign(0, -1)))
	require.Equal(t, float32(6), ToF4E2M1(inf).Float32())
	require.True(t, math.IsNaN(float64(ToBF16(float32(nan)).Float32())))
	require.True(t, math.IsNaN(float64(F8E8M0(255).Float32())))
	require.Equal(t, float32(1), F8E8M0(127).Float32())
}
