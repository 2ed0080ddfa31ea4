package kernel

import "math"

// A BinaryOp is an arithmetic function of two numbers of one type. Integers
// wrap around; a division or remainder by an integer zero gives 0.
type BinaryOp uint8

// The arithmetic functions.
const (
	OpAdd   BinaryOp = iota
	OpSub            // a - b
	OpMul            //
	OpDiv            // a / b, integers towards zero
	OpMod            // remainder with b's sign
	OpFmod           // remainder with a's sign
	OpPow            // a ** b; an integer 0 to a negative power is 0
	OpMax            // NaN if either is NaN
	OpMin            // NaN if either is NaN
	OpPRelu          // a where a >= 0, else a * b
)

// Binary is
//
//	for i := range dst { dst[i] = a[i] op b[i] }
//
// for inputs broadcast as bc says.
func Binary[T Number](p *Pool, op BinaryOp, dst, a, b []T, bc *Broadcast) {
	n, grain := bc.Units()
	if p.Threads() == 1 || n <= grain {
		binaryRange(op, dst, a, b, bc, 0, n)
		return
	}
	shared := *bc
	p.For(n, grain, func(lo, hi int) { binaryRange(op, dst, a, b, &shared, lo, hi) })
}

func binaryRange[T Number](op BinaryOp, dst, a, b []T, bc *Broadcast, lo, hi int) {
	sa, sb := bc.Step[0], bc.Step[1]
	if bc.Rows == 1 {
		binaryRow(op, dst[lo:hi], a[lo*sa:], b[lo*sb:], sa, sb)
		return
	}
	if f, ok := any(dst).([]float32); ok {
		in := [2][]float32{any(a).([]float32), any(b).([]float32)}
		if bc.repeats() >= 0 {
			binaryJoined(op, f, in, bc, lo, hi)
			return
		}
		if row, k := withNumber(op, sa, sb); row != nil {
			binaryNumbers(row, k, f, in, bc, lo, hi)
			return
		}
	}
	c := bc.At(lo)
	for r := lo; r < hi && bc.N > 0; r++ {
		binaryRow(op, dst[r*bc.N:(r+1)*bc.N], a[c.Off[0]:], b[c.Off[1]:], sa, sb)
		bc.Next(&c)
	}
}

// binaryRow is dst[i] = a[i*sa] op b[i*sb], with sa and sb 0 or 1.
func binaryRow[T Number](op BinaryOp, dst, a, b []T, sa, sb int) {
	if len(dst) == 0 {
		return
	}
	if f, ok := any(dst).([]float32); ok && binaryF32(op, f, any(a).([]float32), any(b).([]float32), sa, sb) {
		return
	}
	done := false
	switch {
	case sa == 1 && sb == 1:
		done = binaryEach(op, dst, a, b)
	case sa == 1:
		done = binaryWith(op, dst, a, b[0], false)
	case sb == 1:
		done = binaryWith(op, dst, b, a[0], true)
	}
	if done {
		return
	}
	switch op {
	case OpAdd:
		fillAll(dst, a[0]+b[0])
	case OpSub:
		fillAll(dst, a[0]-b[0])
	case OpMul:
		fillAll(dst, a[0]*b[0])
	case OpDiv:
		if isFloat[T]() {
			for i := range dst {
				dst[i] = a[i*sa] / b[i*sb]
			}
			return
		}
		for i := range dst {
			if d := b[i*sb]; d != 0 {
				dst[i] = a[i*sa] / d
			} else {
				dst[i] = 0
			}
		}
	case OpMod:
		for i := range dst {
			dst[i] = modulo(a[i*sa], b[i*sb])
		}
	case OpFmod:
		for i := range dst {
			dst[i] = remainder(a[i*sa], b[i*sb])
		}
	case OpPow:
		for i := range dst {
			dst[i] = power(a[i*sa], b[i*sb])
		}
	case OpMax:
		fillAll(dst, max(a[0], b[0]))
	case OpMin:
		fillAll(dst, min(a[0], b[0]))
	case OpPRelu:
		for i := range dst {
			v := a[i*sa]
			if v < 0 {
				v *= b[i*sb]
			}
			dst[i] = v
		}
	}
}

// binaryF32 does the cases that have a vector form of their own.
func binaryF32(op BinaryOp, dst, a, b []float32, sa, sb int) bool {
	if op == OpMod || op == OpFmod {
		modF32(op, dst, a, b, sa, sb)
		return true
	}
	if sa == 1 && sb == 1 {
		switch op {
		case OpAdd:
			Add(dst, a, b)
		case OpSub:
			Sub(dst, a, b)
		case OpMul:
			Mul(dst, a, b)
		case OpDiv:
			Div(dst, a, b)
		case OpMax:
			Max(dst, a, b)
		case OpMin:
			Min(dst, a, b)
		case OpPow:
			if active.powEach == nil {
				return false
			}
			active.powEach(dst, a[:len(dst)], b[:len(dst)])
		default:
			return false
		}
		return true
	}
	if sa == 0 && sb == 1 && (op == OpAdd || op == OpMul || op == OpMax || op == OpMin) {
		a, b, sa, sb = b, a, 1, 0
	}
	switch {
	case sa == 1 && sb == 0:
		switch op {
		case OpAdd:
			AddScalar(dst, a, b[0])
		case OpSub:
			AddScalar(dst, a, -b[0])
		case OpMul:
			MulScalar(dst, a, b[0])
		case OpDiv:
			DivScalar(dst, a, b[0])
		case OpMax:
			MaxScalar(dst, a, b[0])
		case OpMin:
			MinScalar(dst, a, b[0])
		case OpPow:
			return powF32(dst, a[:len(dst)], b[0])
		default:
			return false
		}
	case sa == 0 && sb == 1:
		switch op {
		case OpSub:
			ScalarSub(dst, a[0], b)
		case OpDiv:
			ScalarDiv(dst, a[0], b)
		case OpPow:
			if active.powEach == nil {
				return false
			}
			withScalar(active.powEach, dst, b, a[0], true)
		default:
			return false
		}
	default:
		return false
	}
	return true
}

func isFloat[T Number]() bool {
	one, two := T(1), T(2)
	return one/two != 0
}

// modulo is the remainder of a / b with the sign of b.
func modulo[T Number](a, b T) T {
	r := remainder(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

// remainder is the remainder of a / b with the sign of a.
func remainder[T Number](a, b T) T {
	if isFloat[T]() {
		return T(math.Mod(float64(a), float64(b)))
	}
	if b == 0 {
		return 0
	}
	return a - a/b*b
}

func power[T Number](a, b T) T {
	if isFloat[T]() {
		return T(math.Pow(float64(a), float64(b)))
	}
	return powerInt(a, int64(b))
}

// powerInt is a**n for integers, by squaring.
func powerInt[T Number](a T, n int64) T {
	if n < 0 {
		switch {
		case a == 1, a*a == 1 && n%2 == 0 && a < 0:
			return 1
		case a*a == 1 && a < 0:
			return a
		}
		return 0
	}
	r := T(1)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			r *= a
		}
		a *= a
	}
	return r
}

// PowF64 is dst[i] = dst[i] ** e[i], computed in float64; integers go towards
// zero. e has dst's length or length 1.
func PowF64[T Number](dst []T, a []T, e []float64, bc *Broadcast) {
	sa, sb := bc.Step[0], bc.Step[1]
	c := bc.At(0)
	for r := range bc.Rows {
		row := dst[r*bc.N : (r+1)*bc.N]
		for i := range row {
			row[i] = T(math.Pow(float64(a[c.Off[0]+i*sa]), e[c.Off[1]+i*sb]))
		}
		bc.Next(&c)
	}
}

// PowInt is PowF64 for integers to integer powers, exactly and wrapping.
func PowInt[T Number](dst []T, a []T, e []int64, bc *Broadcast) {
	sa, sb := bc.Step[0], bc.Step[1]
	c := bc.At(0)
	for r := range bc.Rows {
		row := dst[r*bc.N : (r+1)*bc.N]
		for i := range row {
			row[i] = powerInt(a[c.Off[0]+i*sa], e[c.Off[1]+i*sb])
		}
		bc.Next(&c)
	}
}
