package kernel

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTranspose2DF32(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range [][2]int{{1, 1}, {1, 20}, {20, 1}, {7, 7}, {7, 9}, {8, 8}, {9, 8}, {8, 15}, {16, 24}, {17, 33}, {40, 7}, {8, 2}, {3, 8}, {71, 5}, {6, 150}, {129, 4}, {2, 64}, {130, 9}, {300, 20}} {
			rows, cols := s[0], s[1]
			src, dst := guard(r, rows*cols, 1), guard(r, rows*cols, 3)
			Transpose2D(dst.s, src.s, rows, cols)
			for i := range rows {
				for j := range cols {
					require.Equal(t, src.s[i*cols+j], dst.s[j*rows+i])
				}
			}
			src.checkUnchanged(t)
			dst.checkZone(t)
		}
	})
}

// Parts of a larger matrix leave what is around them as it is.
func TestTransposeWithin(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range slices.Repeat([][2]int{{3, 20}, {20, 3}, {7, 65}, {66, 7}, {13, 11}, {140, 24}}, 8) {
			rows, cols := s[0], s[1]
			lds, ldd := cols+5*r.IntN(2), rows+5*r.IntN(2)
			src, dst := guard(r, (rows-1)*lds+cols, 1), guard(r, (cols-1)*ldd+rows+20, 3)
			transpose(dst.s, ldd, src.s, lds, rows, cols)
			for j := range dst.s {
				want := dst.was[j]
				if j/ldd < cols && j%ldd < rows {
					want = src.s[j%ldd*lds+j/ldd]
				}
				require.Equal(t, want, dst.s[j], "%d by %d, rows %d and %d apart, %d", rows, cols, lds, ldd, j)
			}
			src.checkUnchanged(t)
			dst.checkZone(t)
		}
	})
}

func TestTranspose2D(t *testing.T) {
	for _, s := range [][2]int{{0, 3}, {1, 1}, {1, 9}, {5, 3}, {16, 16}, {17, 33}, {40, 7}} {
		rows, cols := s[0], s[1]
		src, dst := make([]int, rows*cols), make([]int, rows*cols)
		for i := range src {
			src[i] = i
		}
		Transpose2D(dst, src, rows, cols)
		for i := range rows {
			for j := range cols {
				require.Equal(t, src[i*cols+j], dst[j*rows+i])
			}
		}
	}
}
