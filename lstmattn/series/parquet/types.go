package parquet

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// logical is the logical type's value, nil where there is none.
func logical(t parquet.Type) any {
	if l := t.LogicalType(); l != nil {
		return l.Value
	}
	return nil
}

// numbers converts what float32 can hold: integers, floats, truth values and
// decimals.
func numbers(t parquet.Type) (converter, error) {
	scale := 1.0
	switch l := logical(t).(type) {
	case nil, *format.IntType:
	case *format.DecimalType:
		scale = math.Pow10(-int(l.Scale))
	default:
		return nil, fmt.Errorf("is of type %s, expected numbers", t)
	}
	unsigned := false
	if l, ok := logical(t).(*format.IntType); ok {
		unsigned = !l.IsSigned
	}
	var of func(v parquet.Value) float64
	switch t.Kind() {
	case parquet.Float:
		of = func(v parquet.Value) float64 { return float64(v.Float()) }
	case parquet.Double:
		of = func(v parquet.Value) float64 { return v.Double() }
	case parquet.Int32:
		of = func(v parquet.Value) float64 { return float64(v.Int32()) }
		if unsigned {
			of = func(v parquet.Value) float64 { return float64(v.Uint32()) }
		}
	case parquet.Int64:
		of = func(v parquet.Value) float64 { return float64(v.Int64()) }
		if unsigned {
			of = func(v parquet.Value) float64 { return float64(v.Uint64()) }
		}
	case parquet.Boolean:
		of = func(v parquet.Value) float64 {
			if v.Boolean() {
				return 1
			}
			return 0
		}
	case parquet.ByteArray, parquet.FixedLenByteArray:
		if _, ok := logical(t).(*format.DecimalType); !ok {
			return nil, fmt.Errorf("is of type %s, expected numbers", t)
		}
		of = func(v parquet.Value) float64 { return bigEndian(v.ByteArray()) }
	default:
		return nil, fmt.Errorf("is of type %s, expected numbers", t)
	}
	return func(c *column, v parquet.Value) error {
		if v.IsNull() {
			c.numbers = append(c.numbers, math.NaN())
			return nil
		}
		c.numbers = append(c.numbers, of(v)*scale)
		return nil
	}, nil
}

// bigEndian is an integer in two's complement, the highest byte first.
func bigEndian(b []byte) (v float64) {
	var sign byte
	if len(b) > 0 && b[0]&0x80 != 0 {
		sign = 0xff
	}
	for _, digit := range b {
		v = v*256 + float64(digit^sign)
	}
	if sign != 0 {
		v = -v - 1
	}
	return v
}

// ids converts text and integers.
func ids(t parquet.Type) (converter, error) {
	switch t.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return text(func(v parquet.Value) string { return string(v.ByteArray()) }), nil
	case parquet.Int32, parquet.Int64:
		return text(integer), nil
	}
	return nil, fmt.Errorf("is of type %s, expected text or integers", t)
}

// times converts timestamps and dates to the text that series reads; text and
// integers stay.
func times(t parquet.Type) (converter, error) {
	var at func(v parquet.Value) time.Time
	layout := "2006-01-02 15:04:05.999999999"
	switch l := logical(t).(type) {
	case *format.TimestampType:
		switch l.Unit.Value.(type) {
		case *format.MilliSeconds:
			at = func(v parquet.Value) time.Time { return time.UnixMilli(v.Int64()) }
		case *format.MicroSeconds:
			at = func(v parquet.Value) time.Time { return time.UnixMicro(v.Int64()) }
		default:
			at = func(v parquet.Value) time.Time { return time.Unix(0, v.Int64()) }
		}
	case *format.DateType:
		layout = "2006-01-02"
		at = func(v parquet.Value) time.Time { return time.Unix(86400*int64(v.Int32()), 0) }
	case nil, *format.IntType, *format.StringType:
		if t.Kind() != parquet.Int96 {
			return ids(t)
		}
		at = julian
	default:
		return nil, fmt.Errorf("is of type %s, expected timestamps", t)
	}
	if k := t.Kind(); k != parquet.Int64 && k != parquet.Int32 && k != parquet.Int96 {
		return nil, fmt.Errorf("is of type %s, expected timestamps", t)
	}
	return text(func(v parquet.Value) string { return at(v).UTC().Format(layout) }), nil
}

// julian is a timestamp as Impala and Spark wrote it: the nanoseconds of the
// day, then the number of the Julian day.
func julian(v parquet.Value) time.Time {
	const epoch = 2440588 // of 1970-01-01
	n := v.Int96()
	nanos := int64(n[0]) | int64(n[1])<<32
	return time.Unix((int64(n[2])-epoch)*86400, 0).Add(time.Duration(nanos))
}

func integer(v parquet.Value) string {
	if v.Kind() == parquet.Int32 {
		return strconv.Itoa(int(v.Int32()))
	}
	return strconv.FormatInt(v.Int64(), 10)
}

func text(of func(v parquet.Value) string) converter {
	return func(c *column, v parquet.Value) error {
		if v.IsNull() {
			return errors.New("is empty")
		}
		c.text = append(c.text, of(v))
		return nil
	}
}
