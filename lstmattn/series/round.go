package series

import "fmt"

// rounding is an account of what float32 loses of a column's values.
type rounding struct {
	n, mean, square float64 // of the values (Welford 1962)
	lost            float64 // the sum of squared differences
}

// Float32 is v as frames hold it, a value of column k of ValueColumns; NaN is
// missing. Frame refuses columns that lose what their values differ by.
func (b *Builder) Float32(k int, v float64) float32 {
	rounded := float32(v)
	if v != v {
		return rounded
	}
	r := &b.rounding[k]
	r.n++
	d := v - r.mean
	r.mean += d / r.n
	r.square += d * (v - r.mean)
	lost := v - float64(rounded)
	r.lost += lost * lost
	return rounded
}

// mostLost is the part of a column's standard deviation that its rounding may be.
const mostLost = .1

func (b *Builder) checkRounding() error {
	for k, r := range b.rounding {
		if r.square > 0 && r.lost > mostLost*mostLost*r.square {
			return fmt.Errorf("column %q: values near %.6g differ by less than float32, in which models calculate, can tell apart; subtract a constant from them", b.header[b.at[k]], r.mean)
		}
	}
	return nil
}
