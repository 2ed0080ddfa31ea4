package main

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func TestInt8GemmIsExact(t *testing.T) {
	emulate(t, emitInt8, func(k kernels) {
		most, w, suffix := 5, 16, "x16AVX2"
		if k.x.wide {
			most, w, suffix = 6, 64, "x64VNNI"
		}
		for rows := 1; rows <= most; rows++ {
			for _, quads := range []int{1, 2, 3, 17} {
				for _, panels := range []int{1, 3} {
					rs, ldc, add := 4*quads+k.r.IntN(9), panels*w+k.r.IntN(3), k.r.IntN(2) == 1
					a, b := k.bytes((rows-1)*rs+4*quads, -128), k.bytes(panels*quads*4*w, -127)
					c, sums := k.ints((rows-1)*ldc+panels*w, 1000), make([]int32, panels*w)
					want := slices.Clone(c)
					for p := range panels {
						for i := range rows {
							for j := range w {
								var sum, column int32
								for l := range 4 * quads {
									weight := int32(b[(p*quads+l/4)*4*w+4*j+l%4])
									sum += int32(a[i*rs+l]) * weight
									column += weight
								}
								if add {
									sum += want[i*ldc+p*w+j]
								}
								want[i*ldc+p*w+j], sums[p*w+j] = sum, column
							}
						}
					}
					k.call(fmt.Sprintf("int8Gemm%d%s", rows, suffix), quads, panels, a, rs, b, sums, emu.Out(c), ldc, add)
					require.Equal(k.t, want, c, "%d rows, %d quads, %d panels", rows, quads, panels)
				}
			}
		}
	})
}

func TestInt8Scale(t *testing.T) {
	emulate(t, emitInt8, func(k kernels) {
		for _, n := range k.lengths() {
			for _, zero := range []int32{-128, 0, 7, 127} {
				for _, add := range []bool{false, true} {
					dst, acc, sums, scale := k.floats(n), k.ints(n, 1<<20), k.ints(n, 1<<14), k.floats(n)
					was, s := slices.Clone(dst), float32(k.r.Float64())
					k.call("int8Scale"+k.x.name, emu.Out(dst), acc, sums, scale, zero, s, add)
					for i := range dst {
						want := float64(acc[i]-zero*sums[i]) * float64(scale[i]) * float64(s)
						off := 3 * unit * math.Abs(want)
						if add {
							want += float64(was[i])
							off += unit * math.Abs(want)
						}
						near(k.t, want, dst[i], off, "%d of %d, zero %d, add %v", i, n, zero, add)
					}
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
				for _, scale := range []float32{1, 0.25, 0.0371} {
					src, dst := k.floats(vectors*k.lanes), make([]int8, vectors*k.lanes)
					for i := range src {
						src[i] *= 100 * scale
						if k.r.IntN(2) == 0 {
							src[i] = special[k.r.IntN(len(special))] * scale
						}
					}
					k.call("int8Quantize"+k.x.name, emu.Out(dst), src, scale, zero)
					for i, x := range src {
						want := math.Min(math.Max(math.RoundToEven(float64(x/scale))+float64(zero), -128), 127)
						if x != x {
							want = -128
						}
						require.Equal(k.t, int8(want), dst[i], "%v / %v + %v", x, scale, zero)
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
