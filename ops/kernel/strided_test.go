package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// naiveStrided is the contract of CopyStrided, on the dimensions as they were
// added.
func naiveStrided(dst, src []uint16, dims [][3]int, d, s int) {
	if len(dims) == 0 {
		dst[d] = src[s]
		return
	}
	for i := range dims[0][0] {
		naiveStrided(dst, src, dims[1:], d+i*dims[0][1], s+i*dims[0][2])
	}
}

// Permuted, reversed, repeated and cut dimensions, joined or not, in one piece
// or in parts: elements go where the contract says and nowhere else.
func TestCopyStrided(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 400 {
		rank := r.IntN(5)
		extents := make([]int, rank)
		for i := range extents {
			extents[i] = 1 + r.IntN([]int{3, 9, 70}[r.IntN(3)])
			if rank > 3 {
				extents[i] = 1 + r.IntN(6)
			}
		}
		// The destination is row-major in a block with room before, after and
		// between rows; the source is a permuted, partly reversed or repeated one.
		dims := make([][3]int, rank)
		size := 1
		for i := rank - 1; i >= 0; i-- {
			dims[i] = [3]int{extents[i], size, 0}
			size *= extents[i]
			if i > 0 && r.IntN(3) == 0 {
				size += 1 + r.IntN(3)
			}
		}
		room, from := 1, 7
		for _, i := range r.Perm(rank) {
			switch r.IntN(6) {
			case 0: // repeated
			case 1:
				dims[i][2] = -room
				from += (extents[i] - 1) * room
				room *= extents[i]
			default:
				dims[i][2] = room
				room *= extents[i]
			}
		}
		src := make([]uint16, from+room+7)
		for i := range src {
			src[i] = uint16(r.Uint32() | 1)
		}
		s := Strided{DstOff: 3, SrcOff: from}
		for _, d := range dims {
			s.Add(d[0], d[1], d[2])
		}
		want, got, parts := make([]uint16, size+9), make([]uint16, size+9), make([]uint16, size+9)
		naiveStrided(want, src, dims, 3, from)
		CopyStrided(got, src, &s)
		require.Equal(t, want, got, "%v", dims)
		dim, n := s.Widest(4)
		if dim < 0 {
			continue
		}
		for lo := 0; lo < n; lo += 3 {
			part := s.Part(dim, lo, min(lo+3, n))
			CopyStrided(parts, src, &part)
		}
		require.Equal(t, want, parts, "%v in parts", dims)
	}
}

// A dimension of no extent moves nothing, whatever the others say.
func TestCopyStridedOfNothing(t *testing.T) {
	var s Strided
	s.Add(1<<30, 1, 0)
	s.Add(0, 1, 1)
	CopyStrided([]byte{}, []byte{}, &s)
	require.Zero(t, s.Len())
}

// Elements of 32 bits, whatever they are, keep their bits in every variant's
// transposes.
func TestTransposedWordsKeepTheirBits(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, dims := range [][3]int{{1, 8, 8}, {3, 16, 168}, {2, 129, 41}, {1, 4, 7}, {2, 300, 5}} {
			n, rows, cols := dims[0], dims[1], dims[2]
			src, dst := make([]uint32, n*rows*cols), make([]uint32, n*rows*cols)
			for i := range src {
				src[i] = uint32(i)*2654435761 | 0x7f800000 // infinities and NaNs of all kinds
			}
			var s Strided
			s.Add(n, rows*cols, rows*cols)
			s.Add(cols, rows, 1)
			s.Add(rows, 1, cols)
			CopyStrided(dst, src, &s)
			for i, v := range dst {
				b, j, r := i/rows/cols, i/rows%cols, i%rows
				require.Equal(t, src[(b*rows+r)*cols+j], v, "%v at %d", dims, i)
			}
		}
	})
}
