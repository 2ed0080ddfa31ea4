package kernel

import "unsafe"

// int8Panels is a matrix (k, n) of integers, laid out for int8Kernel: panels of
// v.int8Width columns, each of quads rows of four weights for every column. A
// weight is what is stored minus the zero point of its column.
type int8Panels struct {
	quads int
	b     []uint8
	even  bool      // the columns have one zero point,
	flat  int32     // which is this, 0 if they don't
	zero  []int32   // of the columns; 0 if they have one
	sums  []int32   // of the columns' weights
	scale []float32 // of the columns
	none  []float32 // a zero for each column
	whole bool      // data are rounded by the range of all rows, as DynamicQuantizeLinear
}

// packInt8 packs the integers at(l, j) of l < k and j < n, which count from
// zero(j).
func packInt8(v *variant, k, n int, at func(l, j int) uint8, zero func(j int) int32, scale func(j int) float32) *int8Panels {
	width := v.int8Width
	columns := roundUp(n, max(v.panel(), width))
	q := &int8Panels{quads: 4 * ceilDiv(k, 16), zero: make([]int32, columns), sums: make([]int32, columns), scale: aligned(columns), none: aligned(columns)}
	bytes := q.quads * 4 * columns
	q.b = unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(aligned(ceilDiv(bytes, 4)+1)))), bytes)
	for j := range n {
		q.scale[j], q.zero[j] = scale(j), zero(j)
		panel := q.b[j/width*width*q.quads*4:]
		for l := range k {
			w := at(l, j)
			panel[(l/4*width+j%width)*4+l%4] = w
			q.sums[j] += int32(w) - q.zero[j]
		}
	}
	q.even = true
	for _, z := range q.zero[:n] {
		q.even = q.even && z == q.zero[0]
	}
	if q.even && n > 0 {
		q.flat = q.zero[0]
		clear(q.zero)
	}
	return q
}

func (q *int8Panels) bytes() int { return len(q.b) + 16*len(q.sums) }

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
	return packInt8(v, k, n, func(l, j int) uint8 {
		var w int8
		int8QuantizeGeneric(&w, []float32{b[l*rowStep+j*colStep]}, scale[j], 0, 0)
		return uint8(w) + 128
	}, func(int) int32 { return 128 }, func(j int) float32 { return scale[j] })
}

// PackBAs is [PackB] with weights stored as t.
func PackBAs(t WeightType, transB bool, k, n int, b []float32, ldb int) *PackedB {
	v := active
	switch t {
	case WeightBFloat16:
		return (&PackedB{k: k, n: n, v: v, half: packHalf(v, transB, k, n, b, ldb)}).packed()
	case WeightInt8:
		return (&PackedB{k: k, n: n, v: v, q: quantizeColumns(v, transB, k, n, b, ldb)}).packed()
	}
	return PackB(transB, k, n, b, ldb)
}

// PackInt8 packs B (k, n) that is integers already, B(l,j) = b[l*n+j] - zero[j],
// times scale[j]; zero and scale have n elements or one for all. GemmPacked
// rounds data with it by the range of all rows together, as ONNX's
// DynamicQuantizeLinear does.
func PackInt8[T int8 | uint8](k, n int, b []T, scale []float32, zero []T) *PackedB {
	v := active
	up := int8Up[T]()
	q := packInt8(v, k, n, func(l, j int) uint8 { return uint8(b[l*n+j]) + up },
		func(j int) int32 { return int32(zero[j%len(zero)]) + int32(up) }, func(j int) float32 { return scale[j%len(scale)] })
	q.whole = true
	return (&PackedB{k: k, n: n, v: v, q: q}).packed()
}

// int8Up is what makes integers of type T count from 0 on.
func int8Up[T int8 | uint8]() uint8 {
	if ^T(0) > 0 {
		return 0
	}
	return 128
}
