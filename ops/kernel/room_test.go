package kernel

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel/alloctest"
)

var roomShapes = [][2]int{{1, 1}, {3, 1}, {1000, 1}, {1, 1000}, {7, 9}, {64, 65}, {300, 33}, {5, 512}}

// What packing keeps is known beforehand, padding included, to the alignment.
func TestRoomIsWhatPackingTakes(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		requireRoom := func(r Room, bytes int) {
			t.Helper()
			require.LessOrEqual(t, bytes, r.Kept)
			require.LessOrEqual(t, r.Kept, bytes+bytes/16+16*64)
		}
		for _, s := range roomShapes {
			a, b := s[0], s[1]
			for _, weights := range []WeightType{WeightFloat32, WeightBFloat16, WeightInt8} {
				requireRoom(RoomForB(weights, a, b), PackBAs(weights, false, a, b, make([]float32, a*b), b).Bytes())
				requireRoom(RoomForLSTM(weights, a, b), PackLSTMAs(weights, a, b, make([]float32, 4*b*a), make([]float32, 4*b*b), nil).Bytes())
			}
			requireRoom(RoomForInt8(a, b), PackInt8(a, b, make([]int8, a*b), []float32{1}, []int8{0}).Bytes())
			requireRoom(RoomForLSTMInt8(a, b), PackLSTMInt8(a, b, make([]int8, 4*a*b), []float32{1}, []int8{0}, make([]int8, 4*b*b), []float32{1}, []int8{0}, nil).Bytes())
		}
	})
}

// The memory of products, attention and recurrences, as the Go runtime counts
// it, is no more than they said.
func TestRoomIsWhatKernelsTake(t *testing.T) {
	if !alloctest.Counts {
		t.Skip("the race detector allocates too")
	}
	var p *Pool
	for _, s := range [][3]int{{1 << 16, 1, 64}, {64, 1, 1 << 16}, {2000, 300, 1}, {1, 4000, 64}, {257, 129, 513}} {
		m, n, k := s[0], s[1], s[2]
		a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
		for _, transA := range []bool{false, true} {
			for _, transB := range []bool{false, true} {
				lda, ldb := k, n
				if transA {
					lda = m
				}
				if transB {
					ldb = k
				}
				requireTaken(t, RoomToMultiply(4, transA, transB, m, n, k, false), func() { Gemm(p, transA, transB, m, n, k, 1, a, lda, b, ldb, 0, c, n) })
			}
		}
	}
	for _, s := range [][3]int{{1, 3, 1 << 16}, {5, 3, 1 << 16}, {4000, 3, 65}, {1 << 15, 3, 1}} {
		m, n, k := s[0], s[1], s[2]
		w := PackInt8(k, n, make([]int8, k*n), []float32{1}, []int8{0})
		a, c := make([]float32, m*k), make([]float32, m*n)
		requireTaken(t, RoomToMultiplyPacked(m, w), func() { GemmPacked(p, m, a, k, w, c, n, Epilogue{}) })
	}
	for _, s := range [][4]int{{100, 1 << 16, 1, 1}, {1, 1 << 14, 64, 1}, {700, 300, 8, 64}} {
		a := &AttentionArgs{B: 1, Heads: 1, Tq: s[0], Tk: s[1], D: s[2], DV: s[3], Scale: 1,
			Q: make([]float32, s[0]*s[2]), K: make([]float32, s[1]*s[2]), V: make([]float32, s[1]*s[3]), Out: make([]float32, s[0]*s[3]),
			QS: Strides{T: s[2]}, KS: Strides{T: s[2]}, VS: Strides{T: s[3]}, OutS: Strides{T: s[3]}}
		requireTaken(t, RoomToAttend(p, a), func() { Attention(p, a) })
	}
	for _, s := range [][4]int{{1, 1 << 16, 1, 1}, {300, 64, 3, 1}, {40, 3, 500, 65}} {
		T, B, I, H := s[0], s[1], s[2], s[3]
		lstm := PackLSTM(I, H, make([]float32, 4*H*I), make([]float32, 4*H*H), nil)
		gru := PackGRU(I, H, make([]float32, 3*H*I), make([]float32, 3*H*H), nil)
		general := &Recurrence[float32]{Kind: CellLSTM, Acts: [3]CellActivation{{Act: CellSigmoid}, {Act: CellTanh}, {Act: CellTanh}}}
		general.Pack(I, H, make([]float32, 4*H*I), make([]float32, 4*H*H), nil, nil)
		x, y := make([]float32, T*B*I), make([]float32, T*B*H)
		requireTaken(t, RoomToRecur(p, CellLSTM, T, B, I, H), func() {
			require.NoError(t, LSTM(p, lstm, &LSTMArgs{T: T, B: B, X: x, XT: B * I, XB: I, Y: y, YT: B * H, YB: H}))
		})
		requireTaken(t, RoomToRecur(p, CellGRU, T, B, I, H), func() {
			require.NoError(t, GRU(p, gru, &GRUArgs{T: T, B: B, X: x, XT: B * I, XB: I, Y: y, YT: B * H, YB: H}))
		})
		requireTaken(t, RoomToRecur(p, CellLSTM, T, B, I, H), func() {
			var scratch RecurrenceScratch[float32]
			require.NoError(t, general.Run(p, &RecurrenceArgs[float32]{T: T, B: B, X: x, XT: B * I, XB: I, Y: y, YT: B * H, YB: H}, &scratch))
		})
	}
	require.Equal(t, math.MaxInt, RoomForB(WeightFloat32, math.MaxInt/2, math.MaxInt/2).Kept)
}

// requireTaken runs f with empty pools and compares what it allocates, the least
// of a few counts: a goroutine that is moved to another processor does not find
// what it gave back on the one before.
func requireTaken(t *testing.T, room int, f func()) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const small = 256 << 10 // tasks, and a panel of B
	limit := room + room/8 + small
	least := math.MaxInt
	for try := 0; try < 5 && least > limit; try++ {
		runtime.GC()
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, int(after.TotalAlloc-before.TotalAlloc))
	}
	require.LessOrEqual(t, least, limit)
}
