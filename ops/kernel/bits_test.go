package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// requireBits compares Bitwise with its loop, for every pair of steps and in place.
func requireBits[T Integer](t *testing.T, mask T, ops ...BitOp) {
	r := seeded()
	for _, n := range []int{1, 7, 31, 32, 33, 64, 100} {
		for _, op := range ops {
			for _, s := range [][2]bool{{true, true}, {true, false}, {false, true}, {false, false}} {
				shape := func(long bool) []int {
					if long {
						return []int{n}
					}
					return []int{1}
				}
				out := shape(s[0] || s[1])
				bc := NewBroadcast(out, shape(s[0]), shape(s[1]))
				a, b, dst := make([]T, n), make([]T, n), make([]T, n+1)
				for i := range n {
					a[i], b[i] = T(r.Uint64())&mask, T(r.Uint64())&mask
				}
				dst[out[0]] = 99
				Bitwise(nil, op, dst[:out[0]], a, b, &bc)
				require.Equal(t, T(99), dst[out[0]])
				for i := range out[0] {
					x, y := a[i*bc.Step[0]], b[i*bc.Step[1]]
					want := [...]T{OpAnd: x & y, OpOr: x | y, OpXor: x ^ y, OpXnor: x ^ y ^ 1}[op]
					require.Equal(t, want, dst[i], "%v op %d %v, steps %v, %d of %d", x, op, y, bc.Step, i, n)
				}
				if s[0] {
					Bitwise(nil, op, a, a, b, &bc)
					require.Equal(t, dst[:n], a)
				}
			}
		}
	}
}

func TestBitwise(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		requireBits[uint8](t, 1, OpAnd, OpOr, OpXor, OpXnor)
		requireBits[uint8](t, 0xff, OpAnd, OpOr, OpXor)
		requireBits[uint16](t, 0xffff, OpAnd, OpOr, OpXor)
		requireBits(t, ^uint64(0), OpAnd, OpOr, OpXor)
	})
}

func TestNotOf(t *testing.T) {
	for n := range 70 {
		x, y := make([]uint8, n), make([]uint8, n+1)
		for i := range x {
			x[i] = uint8(i * 37)
		}
		for _, mask := range []uint8{1, 0xff} {
			NotOf(y[:n], x, mask)
			for i, v := range x {
				require.Equal(t, ^v&mask, y[i])
			}
			require.Zero(t, y[n])
		}
		NotOf(x, x, 0xff)
		require.Equal(t, y[:n], x)
	}
}

// Where chooses for all steps of its three inputs, and in place of either.
func TestWhereForms(t *testing.T) {
	for _, n := range []int{0, 1, 9} {
		for steps := range 8 {
			sc, sa, sb := steps&1, steps>>1&1, steps>>2
			for _, first := range []bool{false, true} {
				cond, a, b, dst, want := make([]bool, max(n, 1)), make([]uint32, max(n, 1)), make([]uint32, max(n, 1)), make([]uint32, n), make([]uint32, n)
				for i := range n {
					cond[i], a[i], b[i] = (i%3 == 0) == first, uint32(100+i), uint32(200+i)
				}
				for i := range want {
					if want[i] = b[i*sb]; cond[i*sc] {
						want[i] = a[i*sa]
					}
				}
				whereRow(dst, cond, a, b, sc, sa, sb)
				require.Equal(t, want, dst, "steps %d %d %d", sc, sa, sb)
				for i, s := range [][]uint32{a, b} {
					if []int{sa, sb}[i] == 1 {
						was := append([]uint32{}, s...)
						whereRow(s[:n], cond, a, b, sc, sa, sb)
						require.Equal(t, want, s[:n], "in place")
						copy(s, was)
					}
				}
			}
		}
	}
}
