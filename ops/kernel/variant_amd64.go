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
	v.lanes, v.group = 8, 4
	v.gemm = [][]gemmKernel{
		1: {
			nil, gemm1x8AVX2, gemm2x8AVX2, gemm3x8AVX2, gemm4x8AVX2, gemm5x8AVX2, gemm6x8AVX2,
			gemm7x8AVX2, gemm8x8AVX2, gemm9x8AVX2, gemm10x8AVX2, gemm11x8AVX2, gemm12x8AVX2,
		},
		2: {nil, gemm1x16AVX2, gemm2x16AVX2, gemm3x16AVX2, gemm4x16AVX2, gemm5x16AVX2, gemm6x16AVX2},
	}
	v.gemmFar = []gemmKernel{
		nil, nil, gemmFar2x16AVX2, gemmFar3x16AVX2, gemmFar4x16AVX2, gemmFar5x16AVX2, gemmFar6x16AVX2,
	}
	v.conv = [][]convKernel{
		1: {nil, conv1x8AVX2, conv2x8AVX2, conv3x8AVX2, conv4x8AVX2, conv5x8AVX2, conv6x8AVX2},
		2: {nil, conv1x16AVX2, conv2x16AVX2, conv3x16AVX2, conv4x16AVX2, conv5x16AVX2, conv6x16AVX2},
	}
	v.convLay = []convLayKernel{nil, convLay8AVX2, convLay16AVX2}
	v.convAndLay = []convAndLayKernel{nil, convAndLay1x16AVX2, convAndLay2x16AVX2, convAndLay3x16AVX2, convAndLay4x16AVX2, convAndLay5x16AVX2, convAndLay6x16AVX2}
	v.depthwise, v.maxima = depthwiseAVX2, maximaAVX2
	v.depthwise3x3 = [3][]depthwise3x3Kernel{1: {1: depthwise3x3s1x8AVX2, 2: depthwise3x3s1x16AVX2}, 2: {1: depthwise3x3s2x8AVX2, 2: depthwise3x3s2x16AVX2}}
	v.copyLeast = 8
	v.convPoint, v.convRows, v.copyRows, v.splitRows = convPointAVX2, convLayRowsAVX2, copyRowsAVX2, splitRowsAVX2
	v.winogradIn, v.winogradOut = winogradInAVX2, winogradOutAVX2
	v.exp, v.log, v.tanh, v.sigmoid, v.erf = expAVX2, logAVX2, tanhAVX2, sigmoidAVX2, erfAVX2
	v.gelu, v.geluTanh, v.silu, v.relu, v.sqrt = geluAVX2, geluTanhAVX2, siluAVX2, reluAVX2, sqrtAVX2
	v.floor, v.ceil, v.round, v.sign, v.atan = floorAVX2, ceilAVX2, roundAVX2, signAVX2, atanAVX2
	v.abs, v.softsign = absAVX2, softsignAVX2
	v.sin, v.cos, v.tan, v.pow, v.powEach = sinAVX2, cosAVX2, tanAVX2, powAVX2, powEachAVX2
	v.sinh, v.cosh, v.asinh, v.acosh, v.atanh = sinhAVX2, coshAVX2, asinhAVX2, acoshAVX2, atanhAVX2
	v.asin, v.acos = asinAVX2, acosAVX2
	v.add, v.sub, v.mul, v.div, v.max, v.min = addAVX2, subAVX2, mulAVX2, divAVX2, maxAVX2, minAVX2
	v.addScalar, v.mulScalar, v.divScalar = addScalarAVX2, mulScalarAVX2, divScalarAVX2
	v.maxScalar, v.minScalar, v.above = maxScalarAVX2, minScalarAVX2, aboveAVX2
	v.bits = [...]func(dst, a, b []float32){andAVX2, orAVX2, xorAVX2}
	v.int32s = [...]func(dst, a, b []int32){OpAdd: addInt32AVX2, OpSub: subInt32AVX2, OpMul: mulInt32AVX2, OpDiv: divInt32AVX2, OpMax: maxInt32AVX2, OpMin: minInt32AVX2}
	v.scaleClip, v.hardSwish = scaleClipAVX2, hardSwishAVX2
	v.axpy, v.dot, v.sum, v.maxOf, v.minOf = axpyAVX2, dotAVX2, sumAVX2, maxOfAVX2, minOfAVX2
	v.softmax = softmaxAVX2
	v.expSub, v.sumSquaresFrom, v.normalize, v.dots = expSubAVX2, sumSquaresFromAVX2, normalizeAVX2, dotsAVX2
	v.lstmGates, v.lstmCell, v.gruGates, v.cellBackward = lstmGatesAVX2, lstmCellAVX2, gruGatesAVX2, cellBackwardAVX2
	v.mulAdd, v.tanhBackward, v.sigmoidBackward = mulAddAVX2, tanhBackwardAVX2, sigmoidBackwardAVX2
	v.softmaxBackward, v.normSums, v.normInput = softmaxBackwardAVX2, normSumsAVX2, normInputAVX2
	v.int8Width = 32
	v.int8Gemm = []int8Kernel{3: int8Gemm3x32AVX2, 4: int8Gemm4x32AVX2}
	v.int8Laid = []int8Kernel{nil, int8GemmLaid1x32AVX2, int8GemmLaid2x32AVX2, int8GemmLaid3x32AVX2, int8GemmLaid4x32AVX2}
	v.int8Limit, v.int8Survey, v.int8Lay = int8PairLimit, int8SurveyAVX2, int8LayAVX2
	v.int8Scale, v.extremes = int8ScaleAVX2, extremesAVX2
	v.int8Quantize, v.int8Dequantize = int8QuantizeAVX2, int8DequantizeAVX2
	v.compare = [...]func(dst *uint8, a, b []float32){equalAVX2, lessAVX2, lessOrEqualAVX2}
	v.equalInt32, v.equalInt64, v.greaterInt32 = equalInt32AVX2, equalInt64AVX2, greaterInt32AVX2
	v.unequal, v.floatToBytes, v.floatToInt32, v.int32ToFloat = unequalAVX2, floatToBytesAVX2, floatToInt32AVX2, int32ToFloatAVX2
	v.int32ToBytes, v.int32ToInt64, v.int32ToDouble, v.bytesToInt32 = int32ToBytesAVX2, int32ToInt64AVX2, int32ToDoubleAVX2, bytesToInt32AVX2
	v.floatToDouble, v.doubleToFloat, v.doubleToInt32 = floatToDoubleAVX2, doubleToFloatAVX2, doubleToInt32AVX2
	v.floatToInt64, v.int64ToFloat = floatToInt64AVX2, int64ToFloatAVX2
	v.lowWords, v.eitherWord, v.bf16ToFloat, v.floatToBF16 = lowWordsAVX2, eitherWordAVX2, bf16ToFloatAVX2, floatToBF16AVX2
	if hasF16C() {
		v.halfToFloat, v.floatToHalf = halfToFloatAVX2, floatToHalfAVX2
	}
	v.halfRow, v.halfExpand = bf16Row16AVX2, bf16Expand16AVX2
	v.layColumns = []func(int, *float32, int, *float32, int){5: layColumns5AVX2, 6: layColumns6AVX2}
	v.transposeTiles, v.layStrip, v.layPanels, v.interleave = transposeTilesAVX2, layStripAVX2, layPanelsAVX2, interleaveAVX2
	return &v
}

func avx512() *variant {
	v := *avx2()
	v.name = "avx512"
	v.lanes, v.group = 16, 4
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
	v.gemmFar = []gemmKernel{
		nil, nil, gemmFar2x64AVX512, gemmFar3x64AVX512, gemmFar4x64AVX512, gemmFar5x64AVX512, gemmFar6x64AVX512,
	}
	v.conv = [][]convKernel{
		1: {nil, conv1x16AVX512, conv2x16AVX512, conv3x16AVX512, conv4x16AVX512, conv5x16AVX512, conv6x16AVX512},
		2: {nil, conv1x32AVX512, conv2x32AVX512, conv3x32AVX512, conv4x32AVX512, conv5x32AVX512, conv6x32AVX512},
		3: {nil, conv1x48AVX512, conv2x48AVX512, conv3x48AVX512, conv4x48AVX512, conv5x48AVX512, conv6x48AVX512},
		4: {nil, conv1x64AVX512, conv2x64AVX512, conv3x64AVX512, conv4x64AVX512, conv5x64AVX512, conv6x64AVX512},
	}
	v.convLay = []convLayKernel{nil, convLay16AVX512, convLay32AVX512, convLay48AVX512, convLay64AVX512}
	v.convAndLay = []convAndLayKernel{nil, convAndLay1x64AVX512, convAndLay2x64AVX512, convAndLay3x64AVX512, convAndLay4x64AVX512, convAndLay5x64AVX512, convAndLay6x64AVX512}
	v.depthwise, v.maxima = depthwiseAVX512, maximaAVX512
	v.exp, v.log, v.tanh, v.sigmoid, v.erf = expAVX512, logAVX512, tanhAVX512, sigmoidAVX512, erfAVX512
	v.gelu, v.geluTanh, v.silu, v.relu, v.sqrt = geluAVX512, geluTanhAVX512, siluAVX512, reluAVX512, sqrtAVX512
	v.floor, v.ceil, v.round, v.sign, v.atan = floorAVX512, ceilAVX512, roundAVX512, signAVX512, atanAVX512
	v.abs, v.softsign = absAVX512, softsignAVX512
	v.sin, v.cos, v.tan, v.pow, v.powEach = sinAVX512, cosAVX512, tanAVX512, powAVX512, powEachAVX512
	v.sinh, v.cosh, v.asinh, v.acosh, v.atanh = sinhAVX512, coshAVX512, asinhAVX512, acoshAVX512, atanhAVX512
	v.asin, v.acos = asinAVX512, acosAVX512
	v.add, v.sub, v.mul, v.div, v.max, v.min = addAVX512, subAVX512, mulAVX512, divAVX512, maxAVX512, minAVX512
	v.addScalar, v.mulScalar, v.divScalar = addScalarAVX512, mulScalarAVX512, divScalarAVX512
	v.maxScalar, v.minScalar, v.above = maxScalarAVX512, minScalarAVX512, aboveAVX512
	v.bits = [...]func(dst, a, b []float32){andAVX512, orAVX512, xorAVX512}
	v.int32s = [...]func(dst, a, b []int32){OpAdd: addInt32AVX512, OpSub: subInt32AVX512, OpMul: mulInt32AVX512, OpDiv: divInt32AVX512, OpMax: maxInt32AVX512, OpMin: minInt32AVX512}
	v.scaleClip, v.hardSwish = scaleClipAVX512, hardSwishAVX512
	v.axpy, v.dot, v.sum, v.maxOf, v.minOf = axpyAVX512, dotAVX512, sumAVX512, maxOfAVX512, minOfAVX512
	v.softmax = softmaxAVX512
	v.expSub, v.sumSquaresFrom, v.normalize, v.dots = expSubAVX512, sumSquaresFromAVX512, normalizeAVX512, dotsAVX512
	v.lstmGates, v.lstmCell, v.gruGates, v.cellBackward = lstmGatesAVX512, lstmCellAVX512, gruGatesAVX512, cellBackwardAVX512
	v.mulAdd, v.tanhBackward, v.sigmoidBackward = mulAddAVX512, tanhBackwardAVX512, sigmoidBackwardAVX512
	v.softmaxBackward, v.normSums, v.normInput = softmaxBackwardAVX512, normSumsAVX512, normInputAVX512
	v.int8Scale, v.extremes = int8ScaleAVX512, extremesAVX512
	v.int8Quantize, v.int8Dequantize = int8QuantizeAVX512, int8DequantizeAVX512
	v.compare = [...]func(dst *uint8, a, b []float32){equalAVX512, lessAVX512, lessOrEqualAVX512}
	v.equalInt32, v.equalInt64, v.greaterInt32 = equalInt32AVX512, equalInt64AVX512, greaterInt32AVX512
	v.unequal, v.floatToBytes, v.floatToInt32, v.int32ToFloat = unequalAVX512, floatToBytesAVX512, floatToInt32AVX512, int32ToFloatAVX512
	v.int32ToBytes, v.int32ToInt64, v.int32ToDouble, v.bytesToInt32 = int32ToBytesAVX512, int32ToInt64AVX512, int32ToDoubleAVX512, bytesToInt32AVX512
	v.floatToDouble, v.doubleToFloat, v.doubleToInt32 = floatToDoubleAVX512, doubleToFloatAVX512, doubleToInt32AVX512
	v.floatToInt64, v.int64ToFloat = floatToInt64AVX512, int64ToFloatAVX512
	v.lowWords, v.eitherWord, v.bf16ToFloat, v.floatToBF16 = lowWordsAVX512, eitherWordAVX512, bf16ToFloatAVX512, floatToBF16AVX512
	v.halfToFloat, v.floatToHalf = halfToFloatAVX512, floatToHalfAVX512
	if cpu.X86.HasAVX512VNNI {
		v.int8Width, v.int8Limit, v.int8Laid, v.int8Lay = 64, 0, nil, nil
		v.int8Gemm = []int8Kernel{nil, int8Gemm1x64VNNI, int8Gemm2x64VNNI, int8Gemm3x64VNNI, int8Gemm4x64VNNI, int8Gemm5x64VNNI, int8Gemm6x64VNNI}
	}
	v.halfRow, v.halfExpand = bf16Row64AVX512, bf16Expand64AVX512
	return &v
}

// layStripAVX2 leaves the last values to portable code: the assembly writes 8 at
// a time, of which the next ones overwrite what is too much.
func layStripAVX2(dst []float32, h int, src []float32, ld int) {
	k, whole := len(dst)/h, 0
	if h <= 8 && len(dst) >= 8 {
		whole = min(k, (len(dst)-8)/h+1) &^ 7
	}
	if whole > 0 {
		layRowsAVX2(whole, &dst[0], h, &src[0], ld)
	}
	for i := range h {
		for l := whole; l < k; l++ {
			dst[l*h+i] = src[i*ld+l]
		}
	}
}

// interleaveAVX2 does the last block of 8 so that it overlaps the one before.
func interleaveAVX2(dst, even, odd []float32) {
	n := len(even)
	if n < 8 {
		interleaveGeneric(dst, even, odd)
		return
	}
	dst, odd = dst[:2*n], odd[:n]
	interleaveBlocksAVX2(&dst[0], &even[0], &odd[0], n/8)
	if n%8 != 0 {
		interleaveBlocksAVX2(&dst[2*(n-8)], &even[n-8], &odd[n-8], 1)
	}
}
