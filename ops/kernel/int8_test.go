package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// guardInts returns n int8 values within a guard zone; the zone is read as
// float32 by guarded.
func guardInts(r *rand.Rand, n, off int, least int) (*guarded, []int8) {
	g := guard(r, ceilDiv(n, 4), off)
	s := unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(g.s))), 4*len(g.s))
	for i := range s {
		s[i] = int8(least + r.IntN(128-least))
	}
	switch r.IntN(4) { // the extremes, whose pairs must not overflow
	case 0:
		for i := range s {
			s[i] = int8(least)
		}
	case 1:
		for i := range s {
			s[i] = 127
		}
	}
	g.was = append(g.was[:0], g.s...)
	return g, s[:n]
}

func int32sOf(g *guarded) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(g.s))), len(g.s))
}

// tame takes off what pairs have beyond a limit.
func tame(limit int, a []int8) {
	for i := 0; limit > 0 && i+1 < len(a); i += 2 {
		x, y := int(a[i]), int(a[i+1])
		if x > 0 && y > 0 {
			a[i+1] = int8(min(y, limit-x))
		} else if x < 0 && y < 0 {
			a[i+1] = int8(max(y, -limit-x))
		}
	}
}

func TestInt8GemmIsExact(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r, v := seeded(), active
		w := v.int8Width
		for rows := 1; rows < len(v.int8Gemm); rows++ {
			if v.int8Gemm[rows] == nil {
				continue
			}
			for _, quads := range []int{4, 8, 68} {
				for _, panels := range []int{1, 2, 5} {
					for _, extras := range []int{0, 1, 4} {
						rs, ldc := 4*quads+4*r.IntN(3), panels*w+r.IntN(3)
						ag, a := guardInts(r, (rows-1)*rs+4*quads, r.IntN(4), -128)
						tame(v.int8Limit, a)
						ag.was = append(ag.was[:0], ag.s...)
						bg, bs := guardInts(r, panels*quads*4*w, r.IntN(4), -128)
						b := unsafe.Slice((*uint8)(unsafe.Pointer(&bs[0])), len(bs))
						cg := guard(r, (rows-1)*ldc+panels*w, r.IntN(4))
						c, want, list := int32sOf(cg), make([]int32, 0), make([]int8Extra, extras+1)
						want = append(want, c...)
						start := make([]int32, rows)
						for i := range start {
							start[i] = r.Int32N(1<<20) - 1<<19
						}
						for e := range list {
							list[e].at = int32(r.IntN(quads) * 4 * w)
							for i := range rows {
								copy(list[e].a[i][:], []int8{127, 1, -128, int8(r.IntN(256))})
								tame(v.int8Limit, list[e].a[i][:])
							}
						}
						for p := range panels {
							panel := b[p*quads*4*w : (p+1)*quads*4*w]
							for i := range rows {
								for j := range w {
									sum := start[i]
									for l := range 4 * quads {
										sum += int32(a[i*rs+l]) * int32(panel[l/4*4*w+4*j+l%4])
									}
									for _, e := range list[:extras] {
										for s := range 4 {
											sum += int32(e.a[i][s]) * int32(panel[int(e.at)+4*j+s])
										}
									}
									want[i*ldc+p*w+j] = sum
								}
							}
						}
						call := func(out *float32, sums *int32, scale *float32, zeros *int32, scales, base *float32, ldb int) {
							v.int8Gemm[rows](quads, panels, &a[0], rs, &b[0], &list[0].at, extras, &start[0], out, ldc, sums, scale, zeros, scales, base, ldb)
						}
						call(&cg.s[0], nil, nil, nil, nil, nil, 0)
						require.Equal(t, want, c, "%d rows, %d quads, %d panels, %d extras", rows, quads, panels, extras)

						// With a scale the result is int8Scale of the integers, to the bit.
						n, ldb := panels*w, []int{0, ldc}[r.IntN(2)]
						sums, zeros, none := make([]int32, n), make([]int32, rows), make([]int32, n)
						for i := range sums {
							sums[i] = r.Int32N(1<<16) - 1<<15
						}
						for i := range zeros {
							zeros[i] = r.Int32N(256) - 128
						}
						scale, scales, base := random(r, n), random(r, rows), random(r, (rows-1)*ldb+n)
						real, expect := guard(r, (rows-1)*ldc+n, r.IntN(4)), make([]float32, 0)
						expect = append(expect, real.s...)
						v.int8Scale(rows, n, &expect[0], ldc, &base[0], ldb, &want[0], ldc, &sums[0], &none[0], &scale[0], &scales[0], &zeros[0], &none[0])
						call(&real.s[0], &sums[0], &scale[0], &zeros[0], &scales[0], &base[0], ldb)
						requireSameBits(t, expect, real.s, "%d rows, %d quads, %d panels, %d extras, scaled", rows, quads, panels, extras)
						real.checkZone(t)
						ag.checkUnchanged(t)
						bg.checkUnchanged(t)
						cg.checkZone(t)
					}
				}
			}
		}
	})
}

// The kernels of rows that are laid out have no limit: not at the extremes either,
// which the processor's sums of two products saturate at.
func TestInt8LaidRowsAreExact(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r, v := seeded(), active
		w := v.int8Width
		for n := range 6 * 3 * 3 * len(v.int8Laid) {
			rows, quads, panels := n%len(v.int8Laid), []int{4, 8, 68}[n/len(v.int8Laid)%3], []int{1, 2, 5}[n%3]
			if rows == 0 {
				continue
			}
			k, columns := roundUp(4*quads, 32), panels*w
			ldc := columns + r.IntN(3)
			ag, a := guardInts(r, rows*k, r.IntN(4), -128)
			lg, laid := guardInts(r, 2*rows*k, r.IntN(4), -128)
			start := make([]int32, rows)
			for i := range rows {
				row := a[i*k : (i+1)*k]
				clear(row[4*quads:])
				var sum, want int32
				for _, x := range row {
					want += int32(x)
				}
				ag.was = append(ag.was[:0], ag.s...)
				sum, start[i] = v.int8Lay(&laid[2*i*k], &row[0], k)
				require.Equal(t, want, sum)
			}
			ag.checkUnchanged(t)
			lg.checkZone(t)
			bg, bs := guardInts(r, columns*quads*4, r.IntN(4), -128)
			b := unsafe.Slice((*uint8)(unsafe.Pointer(&bs[0])), len(bs))
			cg := guard(r, (rows-1)*ldc+columns, r.IntN(4))
			want := append([]int32{}, int32sOf(cg)...)
			for i := range rows {
				for j := range columns {
					want[i*ldc+j] = 0
					for l := range 4 * quads {
						want[i*ldc+j] += int32(a[i*k+l]) * int32(b[(j/w*quads+l/4)*4*w+j%w*4+l%4])
					}
				}
			}
			call := func(sums *int32, scale *float32, zeros *int32, scales, base *float32) {
				v.int8Laid[rows](quads, panels, &laid[0], 2*k, &b[0], nil, 0, &start[0], &cg.s[0], ldc, sums, scale, zeros, scales, base, 0)
			}
			call(nil, nil, nil, nil, nil)
			require.Equal(t, want, int32sOf(cg), "%d rows, %d quads, %d panels", rows, quads, panels)
			sums, none, zeros, scales, scale, base := make([]int32, columns), make([]int32, columns), make([]int32, rows), random(r, rows), random(r, columns), random(r, columns)
			for i := range sums {
				sums[i] = r.Int32N(1<<16) - 1<<15
			}
			for i := range zeros {
				zeros[i] = int32(r.IntN(256) - 128)
			}
			expect := append([]float32{}, cg.s...)
			v.int8Scale(rows, columns, &expect[0], ldc, &base[0], 0, &want[0], ldc, &sums[0], &none[0], &scale[0], &scales[0], &zeros[0], &none[0])
			call(&sums[0], &scale[0], &zeros[0], &scales[0], &base[0])
			requireSameBits(t, expect, cg.s, "%d rows, %d quads, %d panels, scaled", rows, quads, panels)
			bg.checkUnchanged(t)
			cg.checkZone(t)
		}
	})
}

// What the survey lets pass is within the limit, and it sums.
func TestInt8Survey(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{0, 32, 64, 1024} {
			for range 20 {
				g, a := guardInts(r, n, r.IntN(4), -128)
				copy(a, []int8{-128, 0, -128, -1, 127, 1, 127, 2, 64, 64, 64, 65, -64, -64, -65, -64, 127, -128, 127, 127, -128, -128})
				g.was = append(g.was[:0], g.s...)
				mg := guard(r, n/32+1, 0)
				masks := unsafe.Slice((*uint32)(unsafe.Pointer(&mg.s[0])), n/32+1)
				last := masks[n/32]
				sum := active.int8Survey(a, &masks[0])
				for i, x := range a {
					sum -= int32(x)
					y := a[i^1]
					over := max(int(x), 0)+max(int(y), 0) > 128 || min(int(x), 0)+min(int(y), 0) < -128
					require.Equal(t, over, masks[i/32]>>(i%32)&1 == 1, "%d and %d", x, y)
				}
				require.Zero(t, sum)
				require.Equal(t, last, masks[n/32])
				g.checkUnchanged(t)
				mg.checkZone(t)
			}
		}
	})
}

func TestInt8Quantize(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	forEachVariant(t, func(t *testing.T) {
		r, v := seeded(), active
		for n := 0; n <= 67; n++ {
			for _, q := range []dataRange{{0.5, 0}, {1. / 127, 0}, {0.01, 17}, {0.03, -128}, {3, 127}, {nan, 0}} {
				g := guard(r, n, r.IntN(4))
				for i, x := range []float32{nan, inf, -inf, 0.25, 0.75, -0.25, 1e30, -1e30, 0} {
					if i < n && n%2 == 1 {
						g.s[i] = x
					}
				}
				g.was = append(g.was[:0], g.s...)
				og, out := guardInts(r, n, 0, -128)
				quantizeRow(v, out, g.s, q)
				for i, x := range g.s {
					want := min(max(math.RoundToEven(float64(x/q.scale))+float64(q.zero), -128), 127)
					if x/q.scale != x/q.scale {
						want = -128
					}
					require.Equal(t, int8(want), out[i], "%v by %+v, at %d of %d", x, q, i, n)
				}
				g.checkUnchanged(t)
				og.checkZone(t)
			}
			for _, bad := range []float32{0, nan, inf, -inf} {
				g := guard(r, n, r.IntN(4))
				var least, most float64
				for i, x := range g.s {
					if bad != 0 && i == n/2 {
						g.s[i] = bad
						continue
					}
					least, most = min(least, float64(x)), max(most, float64(x))
				}
				if bad != 0 && n > 0 {
					least, most = math.NaN(), math.NaN()
				}
				lo, hi := v.extremes(g.s)
				require.Equal(t, fmt.Sprint(least, most), fmt.Sprint(float64(lo), float64(hi)), "%d values with %v", n, bad)
			}
		}
	})
}

// Bytes of either sign, with one scale for all or one for each run, round and
// come back as the formula has it, whatever the number of threads.
func TestQuantizeBytes(t *testing.T) {
	pools := []*Pool{nil, NewPool(2)}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, b := range []Blocks{
			{Outer: 1, N: 1, Inner: 67, Size: 1}, {Outer: 2, N: 3, Inner: 19, Size: 1, Step: 1}, {Outer: 1, N: 4, Inner: 33, Size: 2, Step: 1},
			{Outer: 5, N: 7, Inner: 1, Size: 1, Step: 1}, {Outer: 1, N: 1, Inner: 5*bytePiece + 3, Size: 1}, {Outer: 3, N: 2, Inner: bytePiece + 1, Size: 1, Step: 1},
		} {
			for _, p := range pools {
				checkQuantizeBytes[int8](t, r, p, &b, -128)
				checkQuantizeBytes[uint8](t, r, p, &b, 0)
			}
		}
	})
}

func checkQuantizeBytes[T int8 | uint8](t *testing.T, r *rand.Rand, p *Pool, b *Blocks, least float64) {
	n := b.Outer * b.N * b.Inner
	x, scale, zero, got, back := random(r, n), make([]float32, b.N), make([]T, b.N), make([]T, n), guard(r, n, r.IntN(4))
	for i := range scale {
		scale[i], zero[i] = (1+r.Float32())/200, T(r.IntN(256))
	}
	for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30, 3} {
		x[i*n/6] = float32(v)
	}
	for _, zeros := range [][]T{zero, nil} {
		Quantize(p, got, x, scale, zeros, b, least, least+255, nil)
		Dequantize(p, back.s, got, scale, zeros, b)
		for i, v := range x {
			at, z := i/b.Inner%b.N/b.Size*b.Step, 0.0
			if zeros != nil {
				z = float64(zeros[at])
			}
			want := least
			if v == v {
				want = min(max(math.RoundToEven(float64(v/scale[at]))+z, least), least+255)
			}
			require.Equal(t, T(want), got[i], "%v by %v + %v at %d of %+v", v, scale[at], z, i, b)
			require.Equal(t, float32(float64(got[i])-z)*scale[at], back.s[i], "%v at %d of %+v", got[i], i, b)
		}
		back.checkZone(t)
	}
}

func TestInt8Scale(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n := 1; n <= 67; n++ {
			for _, rows := range []int{1, 4} {
				for _, ldb := range []int{0, n + 2} {
					ldd, lda := n+r.IntN(3), n+r.IntN(3)
					dst, base := guard(r, (rows-1)*ldd+n, r.IntN(4)), guard(r, (rows-1)*ldb+n, r.IntN(4))
					scale, scales := guard(r, n, r.IntN(4)), guard(r, rows, r.IntN(4))
					ints := func(n int, most int32) []int32 {
						s := make([]int32, n)
						for i := range s {
							s[i] = r.Int32N(2*most) - most
						}
						return s
					}
					acc, sums, zero, zeros, rowSums := ints(rows*lda, 1<<19), ints(n, 1<<11), ints(n, 256), ints(rows, 128), ints(rows, 1<<11)
					active.int8Scale(rows, n, &dst.s[0], ldd, &base.s[0], ldb, &acc[0], lda, &sums[0], &zero[0], &scale.s[0], &scales.s[0], &zeros[0], &rowSums[0])
					for at, y := range dst.s {
						i, j := at/ldd, at%ldd
						if j >= n {
							require.Equal(t, dst.was[at], y)
							continue
						}
						want := float64(acc[i*lda+j]-zeros[i]*sums[j]-rowSums[i]*zero[j]) * float64(scale.s[j]) * float64(scales.s[i])
						require.InDelta(t, want+float64(base.s[i*ldb+j]), y, 3e-7*(math.Abs(want)+10))
					}
					dst.checkZone(t)
					base.checkUnchanged(t)
					scale.checkUnchanged(t)
				}
			}
		}
	})
}

func TestInt8Product(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range [][3]int{{1, 1, 1}, {1, 70, 33}, {6, 130, 65}, {17, 33, 4}, {2, 3, 0}, {3, 40, 300}, {5, 40, 300}, {9, 70, 129}} {
			checkInt8Product[int8](t, r, s[0], s[1], s[2])
			checkInt8Product[uint8](t, r, s[0], s[1], s[2])
		}
	})
}

// Weights with a zero point reach 255, beyond 8 bits.
func checkInt8Product[T int8 | uint8](t *testing.T, r *rand.Rand, m, n, k int) {
	a, b, za, zb := make([]T, m*k), make([]T, k*n), make([]T, m), make([]T, n)
	for _, s := range [][]T{a, b, za, zb} {
		for i := range s {
			s[i] = T(r.IntN(256))
		}
	}
	for i := range m / 2 * k { // some rows have large values seldom
		if i%97 > 0 {
			a[i] = za[0] + T(i%5)
		}
	}
	for i := range min(n, 2) { // the extremes of the difference
		zb[i] = T(0)
		for l := range k {
			b[l*n+i] = T(0) - T(i)
		}
	}
	c := make([]int32, m*n)
	Int8Product(NewPool(2), m, a, za, PackInt8(k, n, b, []float32{1}, zb), c)
	for i := range m {
		for j := range n {
			var sum int32
			for l := range k {
				sum += (int32(a[i*k+l]) - int32(za[i])) * (int32(b[l*n+j]) - int32(zb[j]))
			}
			require.Equal(t, sum, c[i*n+j], "%dx%dx%d of %T at %d, %d", m, n, k, a, i, j)
		}
	}
}
