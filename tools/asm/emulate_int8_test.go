package main

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func TestInt8GemmIsExact(t *testing.T) {
	emulate(t, emitInt8, func(k kernels) {
		names, w := []string{"Laid1x32AVX2", "Laid2x32AVX2", "Laid3x32AVX2", "Laid4x32AVX2", "3x32AVX2", "4x32AVX2"}, 32
		if k.x.wide {
			names, w = []string{"1x64VNNI", "2x64VNNI", "3x64VNNI", "4x64VNNI", "5x64VNNI", "6x64VNNI"}, 64
		}
		for _, name := range names {
			lays := strings.HasPrefix(name, "Laid")
			rows := int(strings.TrimPrefix(name, "Laid")[0] - '0')
			for _, quads := range []int{4, 8, 20} {
				for _, panels := range []int{1, 3} {
					n := panels * w
					rs, ldc, ldb, extras := 4*quads+k.r.IntN(9), n+k.r.IntN(3), []int{0, n + 1}[k.r.IntN(2)], k.r.IntN(3)
					a, start := k.bytes((rows-1)*rs+4*quads, -128), k.ints(rows, 1<<16)
					b := make([]uint8, panels*quads*4*w)
					for i := range b {
						b[i] = uint8(k.r.IntN(256))
					}
					laid, laidRow, first := a, rs, slices.Clone(start)
					if lays {
						extras, laidRow = 0, 8*quads+64
						laid = make([]int8, rows*laidRow)
						for i := range rows {
							row := make([]int8, (4*quads+31)&^31)
							copy(row, a[i*rs:][:4*quads])
							one := make([]int8, 2*len(row))
							first[i] += int32(math.Float32bits(k.call("int8LayAVX2", emu.Out(one), row, len(row))[1]))
							copy(laid[i*laidRow:], one)
						}
					} else if !k.x.wide { // sums of two products have 16 bits there
						for i := range a {
							a[i] /= 2
						}
					}
					extra := make([]uint8, max(extras, 1)*int8ExtraBytes)
					for e := range extras {
						x := extra[e*int8ExtraBytes:]
						binary.LittleEndian.PutUint32(x, uint32(k.r.IntN(quads)*4*w))
						for i := range 6 {
							copy(x[4+4*i:], []uint8{127, 1, 129, uint8(k.r.IntN(2)) - 1}) // 129 is -127
						}
					}
					c := k.floats((rows-1)*ldc + n)
					sums, zeros, scale, scales, base := k.ints(n, 1<<12), k.ints(rows, 127), k.floats(n), k.floats(rows), k.floats((rows-1)*ldb+n)
					want, reals := make([]int32, len(c)), make([]float64, len(c))
					for i := range c {
						want[i], reals[i] = int32(math.Float32bits(c[i])), float64(c[i])
					}
					for p := range panels {
						panel := b[p*quads*4*w:]
						for i := range rows {
							for j := range w {
								sum := start[i]
								for l := range 4 * quads {
									sum += int32(a[i*rs+l]) * int32(panel[l/4*4*w+4*j+l%4])
								}
								for e := range extras {
									x := extra[e*int8ExtraBytes:]
									at := int(binary.LittleEndian.Uint32(x))
									for s := range 4 {
										sum += int32(int8(x[4+4*i+s])) * int32(panel[at+4*j+s])
									}
								}
								want[i*ldc+p*w+j] = sum
								column := p*w + j
								reals[i*ldc+column] = float64(sum-zeros[i]*sums[column])*float64(scale[column])*float64(scales[i]) + float64(base[i*ldb+column])
							}
						}
					}
					nothing := []int32{}
					ints, out := slices.Clone(c), slices.Clone(c)
					k.call("int8Gemm"+name, quads, panels, laid, laidRow, b, extra, extras, first, emu.Out(ints), ldc, nothing, []float32{}, nothing, []float32{}, []float32{}, 0)
					k.call("int8Gemm"+name, quads, panels, laid, laidRow, b, extra, extras, first, emu.Out(out), ldc, sums, scale, zeros, scales, base, ldb)
					for at := range c {
						require.Equal(k.t, want[at], int32(math.Float32bits(ints[at])), "%s, %d quads, %d panels, %d extras, at %d", name, quads, panels, extras, at)
						near(k.t, reals[at], out[at], 4*unit*(math.Abs(reals[at])+4), "%s, %d quads, %d panels, scaled, at %d", name, quads, panels, at)
					}
				}
			}
		}
	})
}

func TestInt8Survey(t *testing.T) {
	emulate(t, emitInt8, func(k kernels) {
		if k.x.wide {
			return
		}
		for _, n := range []int{32, 96} {
			a, masks, sum := k.bytes(n, -128), make([]int32, n/32), int32(0)
			want := make([]int32, n/32)
			copy(a, []int8{-128, 0, -128, -1, 127, 1, 127, 2, 64, 65, -128, 127})
			for i, x := range a {
				y := a[i^1]
				sum += int32(x)
				if max(int(x), 0)+max(int(y), 0) > 128 || min(int(x), 0)+min(int(y), 0) < -128 {
					want[i/32] |= 1 << (i % 32)
				}
			}
			require.Equal(k.t, sum, int32(math.Float32bits(k.call("int8SurveyAVX2", a, emu.Out(masks))[0])))
			require.Equal(k.t, want, masks)
		}
	})
}

func TestInt8Scale(t *testing.T) {
	emulate(t, emitInt8, func(k kernels) {
		for _, n := range k.lengths() {
			for _, rows := range []int{1, 3} {
				if n == 0 {
					continue
				}
				ldd, lda, ldb := n+1, n+2, (rows-1)*n
				dst, base := k.floats((rows-1)*ldd+n), k.floats((rows-1)*ldb+n)
				acc, sums, zero, zeros, rowSums := k.ints(rows*lda, 1<<20), k.ints(n, 1<<12), k.ints(n, 255), k.ints(rows, 127), k.ints(rows, 1<<12)
				scale, scales := k.floats(n), k.floats(rows)
				was := slices.Clone(dst)
				k.call("int8Scale"+k.x.name, rows, n, emu.Out(dst), ldd, base, ldb, acc, lda, sums, zero, scale, scales, zeros, rowSums)
				for at := range dst {
					i, j := at/ldd, at%ldd
					if j >= n {
						require.Equal(k.t, was[at], dst[at])
						continue
					}
					want := float64(acc[i*lda+j]-zeros[i]*sums[j]-rowSums[i]*zero[j]) * float64(scale[j]) * float64(scales[i])
					off := 3 * unit * math.Abs(want)
					want += float64(base[i*ldb+j])
					near(k.t, want, dst[at], off+unit*math.Abs(want), "row %d of %d, %d of %d", i, rows, j, n)
				}
			}
		}
	})
}

func TestInt8QuantizeIsExact(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{0, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127, 127.5, 128, -127.5, -128, -128.5, 1e30, -1e30, inf, -inf, nan, 3e9, -3e9}
	emulate(t, emitInt8, func(k kernels) {
		for vectors := range 4 {
			for _, zero := range []float32{-128, -3, 0, 5, 127} {
				for i, scale := range []float32{1, 0.25, 0.0371} {
					flip := uint32(i%2) * 0x80808080
					src, dst := k.floats(vectors*k.lanes), make([]int8, vectors*k.lanes)
					for i := range src {
						src[i] *= 100 * scale
						if k.r.IntN(2) == 0 {
							src[i] = special[k.r.IntN(len(special))] * scale
						}
					}
					k.call("int8Quantize"+k.x.name, emu.Out(dst), src, scale, zero, flip)
					for i, x := range src {
						want := math.Min(math.Max(math.RoundToEven(float64(x/scale))+float64(zero), -128), 127)
						if x != x {
							want = -128
						}
						require.Equal(k.t, int8(want)^int8(flip), dst[i], "%v / %v + %v", x, scale, zero)
					}
				}
			}
		}
	})
}

func TestInt8DequantizeIsExact(t *testing.T) {
	emulate(t, emitInt8, func(k kernels) {
		for vectors := range 4 {
			for _, zero := range []int32{0, 7, 128, 255} {
				for _, flip := range []uint32{0, 0x80} {
					src, dst := k.bytes(vectors*k.lanes, -128), k.floats(vectors*k.lanes)
					k.call("int8Dequantize"+k.x.name, emu.Out(dst), src, flip, zero, float32(0.3))
					for i, x := range src {
						require.Equal(k.t, float32(int32(uint8(x)^uint8(flip))-zero)*0.3, dst[i], "%d of %v", i, src)
					}
				}
			}
		}
	})
}

func TestExtremes(t *testing.T) {
	emulate(t, emitInt8, func(k kernels) {
		for _, n := range k.lengths() {
			for _, shift := range []float32{-10, 0, 10} {
				x := k.floats(n)
				var least, most float32
				for i := range x {
					x[i] += shift
					least, most = min(least, x[i]), max(most, x[i])
				}
				require.Equal(k.t, []float32{least, most}, k.call("extremes"+k.x.name, x), "%d values", n)
			}
			for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				for at := range n {
					x := k.floats(n)
					x[at] = float32(odd)
					for _, y := range k.call("extremes"+k.x.name, x) {
						require.True(k.t, y != y, "%v at %d of %d gives %v", odd, at, n, y)
					}
				}
			}
		}
	})
}
