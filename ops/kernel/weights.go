package kernel

import (
	"unsafe"
)

// A WeightType is how packed weights are stored. Data stay float32.
type WeightType uint8

const (
	// WeightFloat32 keeps weights as they are.
	WeightFloat32 WeightType = iota
	// WeightBFloat16 rounds weights to bfloat16, half the memory, and computes
	// in float32.
	WeightBFloat16
	// WeightInt8 rounds weights to 8 bits, a quarter of the memory: the largest
	// magnitude of each column of B (each gate of a hidden unit) becomes 127. Every row
	// of data is rounded the same way when it comes, and the products are sums
	// of integers, which are exact.
	WeightInt8
)

// A dataRange is how data become 8-bit integers: value/scale + zero.
type dataRange struct {
	scale float32
	zero  int32 // -128 to 127
}

// rangeOfRow is symmetric: the largest magnitude becomes 127. A row with a NaN
// or an infinity has a scale of NaN.
func rangeOfRow(v *variant, x []float32) dataRange {
	least, most := v.extremes(x)
	if scale := max(-least, most) / 127; scale != 0 {
		return dataRange{scale: scale}
	}
	return dataRange{scale: 1} // zeros, or so near that nothing remains of them
}

// bytesBetween is [rangeBetween] as a dataRange, whose integers are 128 less.
func bytesBetween(least, most float32) dataRange {
	scale, zero := rangeBetween(least, most)
	return dataRange{scale, int32(zero) - 128}
}

// rangeOfAll is [DynamicRange] of m rows together, whose integers are 128
// more.
func rangeOfAll(v *variant, m, k int, x []float32, ld int) dataRange {
	var least, most float32
	for i := range m {
		lo, hi := v.extremes(x[i*ld : i*ld+k])
		least, most = min(least, lo), max(most, hi)
	}
	return bytesBetween(least, most)
}

func quantizeRow(v *variant, dst []int8, x []float32, q dataRange) {
	quantizeBytes(v, dst, x, q.scale, float32(q.zero), 0)
}

func extremesGeneric(x []float32) (least, most float32) {
	var nan float32
	for _, v := range x {
		nan += v * 0
		least, most = min(least, v), max(most, v)
	}
	return least + nan, most + nan
}

// int8ScaleGeneric is the way back from integers: for i < rows, j < n
//
//	dst[i*ldd+j] = (acc[i*lda+j] - zeros[i]*sums[j] - rowSums[i]*zero[j]) * (scale[j]*scales[i]) + base[i*ldb+j]
func int8ScaleGeneric(rows, n int, dst *float32, ldd int, base *float32, ldb int, acc *int32, lda int, sums, zero *int32, scale, scales *float32, zeros, rowSums *int32) {
	columnSums, columnZero, columnScale := unsafe.Slice(sums, n), unsafe.Slice(zero, n), unsafe.Slice(scale, n)
	out, from, in := unsafe.Slice(dst, (rows-1)*ldd+n), unsafe.Slice(base, (rows-1)*ldb+n), unsafe.Slice(acc, (rows-1)*lda+n)
	for i, s := range unsafe.Slice(scales, rows) {
		z, sum := unsafe.Slice(zeros, rows)[i], unsafe.Slice(rowSums, rows)[i]
		for j := range n {
			v := in[i*lda+j] - z*columnSums[j] - sum*columnZero[j]
			out[i*ldd+j] = float32(v)*(columnScale[j]*s) + from[i*ldb+j]
		}
	}
}
