package kernel

import "math"

// ScaleColumns is (x[i] - offset) * scale for a matrix of so many columns;
// offset and scale have an element for each column, one for all, or none.
func ScaleColumns(y, x, offset, scale []float64, columns int) {
	offset, offsets := eachOrOne(offset, 0)
	scale, scales := eachOrOne(scale, 1)
	for lo := 0; lo < len(x); lo += columns {
		to := y[lo : lo+columns]
		for j, v := range x[lo : lo+columns] {
			to[j] = (v - offset[j*offsets]) * scale[j*scales]
		}
	}
}

// eachOrOne is a list and how far apart its elements for neighbouring columns are: 0 for
// a single one, which is none's where the list is empty.
func eachOrOne(list []float64, none float64) ([]float64, int) {
	switch len(list) {
	case 0:
		return []float64{none}, 0
	case 1:
		return list, 0
	}
	return list, 1
}

// NormalizeRows divides each row by its largest absolute value (norm MAX), the
// sum of its absolute values (L1) or the root of the sum of its squares (L2).
// A row of norm 0 stays as it is.
func NormalizeRows(y, x []float64, columns int, norm string) {
	for lo := 0; lo < len(x); lo += columns {
		row, d := x[lo:lo+columns], 0.0
		switch norm {
		case "MAX":
			for _, v := range row {
				d = max(d, math.Abs(v))
			}
		case "L1":
			for _, v := range row {
				d += math.Abs(v)
			}
		default:
			d = math.Sqrt(DotF64(row, row))
		}
		if d == 0 {
			d = 1
		}
		for i, v := range row {
			y[lo+i] = v / d
		}
	}
}

// Impute puts values, one for each column or one for all, in place of the
// elements that are replaced (NaN for NaN).
func Impute(y, x, values []float64, replaced float64) {
	for i, v := range x {
		if v == replaced || v != v && replaced != replaced {
			v = values[i%len(values)]
		}
		y[i] = v
	}
}

// PickColumns is dst[r*len(index)+j] = src[r*columns+index[j]] for all rows r.
func PickColumns[T any](dst, src []T, index []int, columns int) {
	at := 0
	for lo := 0; lo < len(src); lo += columns {
		for _, j := range index {
			dst[at] = src[lo+j]
			at++
		}
	}
}

// PutColumns writes a matrix src of so many rows to columns [at, at+width) of
// dst (rows, total), cut or filled with zeros on the right.
func PutColumns(dst []float32, src []float64, rows, total, at, width int) {
	if rows == 0 {
		return
	}
	have := len(src) / rows
	for r := range rows {
		for j := range width {
			v := 0.0
			if j < have {
				v = src[r*have+j]
			}
			dst[r*total+at+j] = float32(v)
		}
	}
}
