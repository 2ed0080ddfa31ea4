//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C ../../tools/asm . -dir ../../ops/kernel

// variants lists the variants this machine can run, best last.
func variants() []*variant {
	list := []*variant{&generic}
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA || !cpu.X86.HasBMI2 {
		return list
	}
	list = append(list, avx2())
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL {
		list = append(list, avx512())
	}
	return list
}

func avx2() *variant {
	v := generic
	v.name = "avx2"
	v.lanes = 8
	v.gemm = [][]gemmKernel{
		1: {
			nil, gemm1x8AVX2, gemm2x8AVX2, gemm3x8AVX2, gemm4x8AVX2, gemm5x8AVX2, gemm6x8AVX2,
			gemm7x8AVX2, gemm8x8AVX2, gemm9x8AVX2, gemm10x8AVX2, gemm11x8AVX2, gemm12x8AVX2,
		},
		2: {nil, gemm1x16AVX2, gemm2x16AVX2, gemm3x16AVX2, gemm4x16AVX2, gemm5x16AVX2, gemm6x16AVX2},
	}
	return &v
}

func avx512() *variant {
	v := *avx2()
	v.name = "avx512"
	v.lanes = 16
	v.gemm = [][]gemmKernel{
		1: {
			nil, gemm1x16AVX512, gemm2x16AVX512, gemm3x16AVX512, gemm4x16AVX512, gemm5x16AVX512, gemm6x16AVX512,
			gemm7x16AVX512, gemm8x16AVX512, gemm9x16AVX512, gemm10x16AVX512, gemm11x16AVX512, gemm12x16AVX512,
		},
		2: {
			nil, gemm1x32AVX512, gemm2x32AVX512, gemm3x32AVX512, gemm4x32AVX512, gemm5x32AVX512, gemm6x32AVX512,
			gemm7x32AVX512, gemm8x32AVX512, gemm9x32AVX512, gemm10x32AVX512, gemm11x32AVX512, gemm12x32AVX512,
		},
		3: {
			nil, gemm1x48AVX512, gemm2x48AVX512, gemm3x48AVX512, gemm4x48AVX512,
			gemm5x48AVX512, gemm6x48AVX512, gemm7x48AVX512, gemm8x48AVX512,
		},
		4: {nil, gemm1x64AVX512, gemm2x64AVX512, gemm3x64AVX512, gemm4x64AVX512, gemm5x64AVX512, gemm6x64AVX512},
	}
	return &v
}
