package kernel

// Range is dst[i] = start + i*delta, both operations rounded.
func Range[T Number](dst []T, start, delta T) {
	for i := range dst {
		dst[i] = start + T(T(i)*delta)
	}
}

// An Index is a type that indices come in.
type Index interface{ int32 | int64 }

// CheckIndices returns the position of the first index outside
// [-extent, extent), or -1.
func CheckIndices[I Index](idx []I, extent int) int {
	n := int64(extent)
	for k, v := range idx {
		if v := int64(v); v < -n || v >= n {
			return k
		}
	}
	return -1
}

// Gather is
//
//	dst[o][j][:] = src[o][idx[j]][:]
//
// for dst (outer, len(idx), inner) and src (outer, extent, inner), rows lo to
// hi of the outer*len(idx) rows of dst. Negative indices count from the end;
// all lie in range.
func Gather[T any, I Index](dst, src []T, idx []I, extent, inner, lo, hi int) {
	n := len(idx)
	for o := lo / n; o*n < hi; o++ {
		first, last := max(lo-o*n, 0), min(hi-o*n, n)
		from := src[o*extent*inner : (o+1)*extent*inner]
		to := dst[(o*n+first)*inner : (o*n+last)*inner]
		if inner == 1 {
			for j, v := range idx[first:last] {
				k := int(v)
				if k < 0 {
					k += extent
				}
				to[j] = from[k]
			}
			continue
		}
		for j, v := range idx[first:last] {
			k := int(v)
			if k < 0 {
				k += extent
			}
			copy(to[j*inner:(j+1)*inner], from[k*inner:(k+1)*inner])
		}
	}
}
