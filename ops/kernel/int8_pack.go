package kernel

import "unsafe"

// int8Panels is a matrix (k, n) of integers, laid out for int8Kernel: panels of
// v.int8Width columns, each of quads rows of four weights for every column.
type int8Panels struct {
	quads int
	parts []int8Part // their sum is the matrix: one, unless weights pass 127
	sums  []int32    // of the columns
	scale []float32  // of the columns
	whole bool       // data are rounded by the range of all rows, as DynamicQuantizeLinear
}

type int8Part struct {
	b    []int8
	sums []int32
}

// packInt8 packs the integers at(l, j), of magnitude up to 255, of l < k and
// j < n. scale has n elements or one for all.
func packInt8(v *variant, k, n int, at func(l, j int) int, scale []float32) *int8Panels {
	width, columns := v.int8Width, roundUp(n, v.panel())
	q := &int8Panels{quads: ceilDiv(k, 4), sums: make([]int32, columns), scale: aligned(columns)}
	for j := range n {
		q.scale[j] = scale[j%len(scale)]
	}
	for rest := true; rest; {
		part := int8Part{alignedBytes(q.quads * 4 * columns), make([]int32, columns)}
		before := len(q.parts) * 127
		rest = false
		for j := range n {
			panel := part.b[j/width*width*q.quads*4:]
			for l := range k {
				w := at(l, j)
				w = sign(w) * max(abs(w)-before, 0)
				rest = rest || abs(w) > 127
				w = min(max(w, -127), 127)
				panel[(l/4*width+j%width)*4+l%4] = int8(w)
				part.sums[j] += int32(w)
			}
			q.sums[j] += part.sums[j]
		}
		q.parts = append(q.parts, part)
	}
	return q
}

func abs(x int) int { return max(x, -x) }

func sign(x int) int { return min(max(x, -1), 1) }

func alignedBytes(n int) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(aligned(ceilDiv(n, 4)+1)))), n)
}

func (q *int8Panels) bytes() int {
	n := 8 * len(q.sums)
	for _, p := range q.parts {
		n += len(p.b) + 4*len(p.sums)
	}
	return n
}

// quantizeColumns packs B (k, n) with symmetric scales for each column.
func quantizeColumns(v *variant, transB bool, k, n int, b []float32, ldb int) *int8Panels {
	rowStep, colStep := ldb, 1
	if transB {
		rowStep, colStep = 1, ldb
	}
	scale := make([]float32, n)
	for j := range scale {
		for l := range k {
			w := b[l*rowStep+j*colStep]
			scale[j] = max(scale[j], w, -w) // NaN stays
		}
		if scale[j] /= 127; scale[j] == 0 {
			scale[j] = 1
		}
	}
	return packInt8(v, k, n, func(l, j int) int {
		var w int8
		int8QuantizeGeneric(&w, []float32{b[l*rowStep+j*colStep]}, scale[j], 0)
		return int(w)
	}, scale)
}

// PackBAs is [PackB] with weights stored as t.
func PackBAs(t WeightType, transB bool, k, n int, b []float32, ldb int) *PackedB {
	v := active
	switch t {
	case WeightBFloat16:
		return &PackedB{k: k, n: n, v: v, half: packHalf(v, transB, k, n, b, ldb)}
	case WeightInt8:
		return &PackedB{k: k, n: n, v: v, q: quantizeColumns(v, transB, k, n, b, ldb)}
	}
	return PackB(transB, k, n, b, ldb)
}

// PackInt8 packs B (k, n) that is integers already, B(l,j) = b[l*n+j] - zero[j],
// times scale[j]; zero and scale have n elements or one for all. GemmPacked
// rounds data with it by the range of all rows together, as ONNX's
// DynamicQuantizeLinear does.
func PackInt8[T int8 | uint8](k, n int, b []T, scale []float32, zero []T) *PackedB {
	v := active
	q := packInt8(v, k, n, func(l, j int) int { return int(b[l*n+j]) - int(zero[j%len(zero)]) }, scale)
	q.whole = true
	return &PackedB{k: k, n: n, v: v, q: q}
}
