package kernel

import "math"

// LpNormalize divides by the 1- or 2-norm along the middle of x (outer, n,
// inner):
//
//	y(o,i,j) = x(o,i,j) / norm(x(o,:,j))
//
// Where the norm is 0, y is 0.
func LpNormalize[T Float](p *Pool, y, x []T, norm, outer, n, inner int) {
	if f, ok := any(y).([]float32); ok && n > 0 && (inner == 1 || inner >= abreastLeast) {
		lpVectors(p, f, any(x).([]float32), norm, outer, n, inner)
		return
	}
	p.For(outer, rowGrain(n*inner), func(lo, hi int) {
		for o := lo; o < hi; o++ {
			lpSeries(y[o*n*inner:], x[o*n*inner:], norm, n, inner, inner)
		}
	})
}

// lpSeries divides count neighbouring series, whose elements are inner apart.
func lpSeries[T Float](y, x []T, norm, n, inner, count int) {
	for j := range count {
		var sum float64
		for i := range n {
			v := float64(x[i*inner+j])
			if norm == 1 {
				sum += math.Abs(v)
			} else {
				sum += v * v
			}
		}
		if norm != 1 {
			sum = math.Sqrt(sum)
		}
		for i := range n {
			at := i*inner + j
			if sum == 0 {
				y[at] = 0
			} else {
				y[at] = T(float64(x[at]) / sum)
			}
		}
	}
}

// lpVectors is LpNormalize by vectors: of rows, or of neighbouring series.
func lpVectors(p *Pool, y, x []float32, norm, outer, n, inner int) {
	if inner == 1 {
		grain := rowGrain(n)
		if inlined(p, outer, grain) {
			lpRows(y, x, norm, n, 0, outer)
			return
		}
		p.For(outer, grain, func(lo, hi int) { lpRows(y, x, norm, n, lo, hi) })
		return
	}
	parts, grain := abreast(outer, n, inner)
	if inlined(p, parts, grain) {
		lpParts(y, x, norm, n, inner, 0, parts)
		return
	}
	p.For(parts, grain, func(lo, hi int) { lpParts(y, x, norm, n, inner, lo, hi) })
}

// lpHolds reports whether float32 holds a sum of magnitudes or squares well.
func lpHolds(sum float64) bool { return sum > 1e-20 && sum < 1e30 }

// lpRows divides rows [lo, hi) of n elements by their norms.
func lpRows(y, x []float32, norm, n, lo, hi int) {
	if n <= pieceLen/2 {
		lpShortRows(y, x, norm, n, lo, hi)
		return
	}
	v := active
	m, buf := borrow(min(n, pieceLen))
	defer m.release()
	for r := lo; r < hi; r++ {
		to, from := y[r*n:(r+1)*n], x[r*n:(r+1)*n]
		sum := 0.0
		for at := 0; at < n; at += pieceLen {
			piece := from[at:min(at+pieceLen, n)]
			if norm == 1 {
				t := buf[:len(piece)]
				magnitudes(v, t, piece)
				sum += float64(v.sum(t))
			} else {
				sum += float64(v.dot(piece, piece))
			}
		}
		if !lpHolds(sum) {
			lpSeries(to, from, norm, n, 1, 1)
			continue
		}
		if norm != 1 {
			sum = math.Sqrt(sum)
		}
		Fill(buf, float32(sum))
		for at := 0; at < n; at += pieceLen {
			piece := to[at:min(at+pieceLen, n)]
			v.div(piece, from[at:at+len(piece)], buf[:len(piece)])
		}
	}
}

// lpShortRows is lpRows where several rows make a piece.
func lpShortRows(y, x []float32, norm, n, lo, hi int) {
	v := active
	per := pieceLen / n
	size := per * n
	m, buf := borrow(2*size + per + n)
	defer m.release()
	norms, sums, ones := buf[size:2*size], buf[2*size:][:per], buf[2*size+per:]
	Fill(ones, 1)
	for ; lo < hi; lo += per {
		k := min(per, hi-lo)
		to, from := y[lo*n:(lo+k)*n], x[lo*n:(lo+k)*n]
		terms := from
		if norm == 1 {
			terms = buf[:k*n]
			magnitudes(v, terms, from)
		}
		all := true
		for i := range k {
			row := terms[i*n : (i+1)*n]
			sum, by := float32(0), float32(1)
			if norm == 1 {
				sum = v.sum(row)
				by = sum
			} else {
				sum = v.dot(row, row)
				by = float32(math.Sqrt(float64(sum)))
			}
			if sums[i] = sum; !lpHolds(float64(sum)) {
				all, by = false, 1 // the row stays for now
			}
			v.mulScalar(norms[i*n:(i+1)*n], ones, by)
		}
		v.div(to, from, norms[:k*n])
		for i := 0; i < k && !all; i++ {
			if row := to[i*n : (i+1)*n]; !lpHolds(float64(sums[i])) {
				lpSeries(row, row, norm, n, 1, 1)
			}
		}
	}
}

// lpParts divides parts [lo, hi) of neighbouring series, see abreast.
func lpParts(y, x []float32, norm, n, inner, lo, hi int) {
	const together = 32 // rows that are added up by themselves, to lose less
	v := active
	m, buf := borrow(3 * min(inner, abreastLen))
	defer m.release()
	for part := lo; part < hi; part++ {
		at, w := abreastAt(part, n, inner)
		to, from := y[at:], x[at:]
		sums, few, t := buf[:w], buf[w:2*w], buf[2*w:3*w]
		clear(sums)
		for i0 := 0; i0 < n; i0 += together {
			clear(few)
			for i := i0; i < min(i0+together, n); i++ {
				row := from[i*inner:][:w]
				if norm == 1 {
					magnitudes(v, t, row)
					v.add(few, few, t)
				} else {
					v.mulAdd(few, row, row)
				}
			}
			v.add(sums, sums, few)
		}
		if !lpHolds(float64(MinOf(sums))) || !lpHolds(float64(v.maxOf(sums))) {
			lpSeries(to, from, norm, n, inner, w)
			continue
		}
		if norm != 1 {
			v.sqrt(sums, sums)
		}
		for i := range n {
			v.div(to[i*inner:][:w], from[i*inner:][:w], sums)
		}
	}
}

// magnitudes is |x|, of which zeros keep their sign.
func magnitudes(v *variant, y, x []float32) {
	v.mulScalar(y, x, -1)
	v.max(y, y, x)
}
