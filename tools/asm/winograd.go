package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitWinograd writes what happens before and after the products of a 3x3
// convolution by Winograd's F(2x2, 3x3), for 8 tiles at a time: AVX-512 has the same
// ones, whose time is in the products.
func emitWinograd(x *isa) {
	if !x.wide {
		winogradIn(x)
		winogradOut(x)
	}
}

// fourRows are the addresses that lie 0 to 3 times apart, in bytes, after a base.
func fourRows(base, apart, apart3 reg.GPVirtual) [4]Mem {
	return [4]Mem{{Base: base}, {Base: base, Index: apart, Scale: 1}, {Base: base, Index: apart, Scale: 2}, {Base: base, Index: apart3, Scale: 1}}
}

// triple is 3*n.
func (x *isa) triple(n reg.GPVirtual) reg.GPVirtual {
	t := x.GP64()
	x.LEAQ(Mem{Base: n, Index: n, Scale: 2}, t)
	return t
}

// quarters are the addresses 0, 4, 8 and 12 times apart, in bytes, after base.
func (x *isa) quarters(base, apart reg.GPVirtual) (q [4]reg.GPVirtual) {
	q[0] = base
	for i := 1; i < 4; i++ {
		q[i] = x.GP64()
		x.LEAQ(Mem{Base: q[i-1], Index: apart, Scale: 4}, q[i])
	}
	return q
}

func winogradIn(x *isa) {
	x.function("winogradIn"+x.name, "func(n int, d *float32, pitch int, v *float32, apart int)",
		"winogradIn"+x.name+" is, for tiles t < n rounded up to 8 and their inputs D(r,c) = d[r*pitch+2*t+c],",
		"",
		"\tv[(4*i+j)*apart+t] = (B^T D B)(i,j), B^T = (1 0 -1 0 / 0 1 1 0 / 0 -1 1 0 / 0 1 0 -1)")
	n, d, pitch := x.param("n"), x.param("d"), x.param("pitch")
	v, apart := x.param("v"), x.param("apart")
	x.SHLQ(U8(2), pitch)
	x.SHLQ(U8(2), apart)
	to, apart3, pitch3 := x.quarters(v, apart), x.triple(apart), x.triple(pitch)
	x.DECQ(n)
	x.Label("eight")
	rows := fourRows(d, pitch, pitch3)
	for i := range 4 {
		// Rows first, as they lie; then what belongs to column c of each tile.
		along := func(bytes int) reg.VecVirtual {
			return winogradSum(x, i, func(r int) Op { return rows[r].Offset(bytes) })
		}
		var t [4]reg.VecVirtual
		t[0], t[1] = x.deinterleave(along(0), along(32))
		t[2], t[3] = x.deinterleave(along(8), along(40))
		for j, m := range fourRows(to[i], apart, apart3) {
			x.VMOVUPS(winogradSum(x, j, func(c int) Op { return t[c] }), m)
		}
	}
	x.ADDQ(U8(64), d)
	for _, p := range to {
		x.ADDQ(U8(32), p)
	}
	x.SUBQ(U8(8), n)
	x.JGE(LabelRef("eight"))
	x.ret()
}

// winogradSum is row i of B^T times values.
func winogradSum(x *isa, i int, value func(r int) Op) reg.VecVirtual {
	first := func(r int) reg.VecVirtual {
		if v, ok := value(r).(reg.VecVirtual); ok {
			return v
		}
		return x.load(value(r))
	}
	switch i {
	case 0:
		return x.sub(first(0), value(2))
	case 1:
		return x.add(first(1), value(2))
	case 2:
		return x.sub(first(2), value(1))
	}
	return x.sub(first(1), value(3))
}

func winogradOut(x *isa) {
	x.function("winogradOut"+x.name, "func(n int, m *float32, apart int, y0, y1 *float32, bias, lo, hi float32)",
		"winogradOut"+x.name+" is, for tiles t < n rounded up to 8 and M(i,j) = m[(4*i+j)*apart+t],",
		"",
		"\ty0[2*t+c] = clip(bias + (A^T M A)(0,c), lo, hi), A^T = (1 1 1 0 / 0 1 -1 -1)",
		"",
		"for c < 2, and y1 likewise the second row.")
	n, m, apart := x.param("n"), x.param("m"), x.param("apart")
	y := [2]reg.GPVirtual{x.param("y0"), x.param("y1")}
	bias, lo, hi := x.broadcast("bias"), x.broadcast("lo"), x.broadcast("hi")
	x.SHLQ(U8(2), apart)
	from, apart3 := x.quarters(m, apart), x.triple(apart)
	x.DECQ(n)
	x.Label("eight")
	// sums is A^T times the values that follow each other in four rows.
	sums := func(v0 reg.VecVirtual, v1, v2, v3 Op, last reg.VecVirtual) (s [2]reg.VecVirtual) {
		s[0] = x.add(x.add(v0, v1), v2)
		s[1] = x.sub(x.sub(last, v2), v3)
		return s
	}
	var s [4][2]reg.VecVirtual
	for c := range s {
		var at [4]Mem
		for r := range at {
			at[r] = fourRows(from[r], apart, apart3)[c]
		}
		one := x.load(at[1])
		s[c] = sums(x.load(at[0]), one, at[2], at[3], one)
	}
	for r, to := range y {
		out := sums(s[0][r], s[1][r], s[2][r], s[3][r], s[1][r])
		for _, v := range out {
			x.VADDPS(v, bias, v)
			x.clip(x.VMAXPS, lo, v)
			x.clip(x.VMINPS, hi, v)
		}
		low, high := x.to(x.VUNPCKLPS, out[1], out[0]), x.to(x.VUNPCKHPS, out[1], out[0])
		for half, part := range []U8{0x20, 0x31} {
			v := x.vec()
			x.VPERM2F128(part, high, low, v)
			x.VMOVUPS(v, Mem{Base: to}.Offset(32*half))
		}
		x.ADDQ(U8(64), to)
	}
	for _, p := range from {
		x.ADDQ(U8(32), p)
	}
	x.SUBQ(U8(8), n)
	x.JGE(LabelRef("eight"))
	x.ret()
}
