package kernel

import "os"

// A variant is one set of inner loops. Each starts as a copy of the portable
// one and replaces what it has a faster form of, so a new variant is one file
// that fills in fields.
type variant struct {
	name string

	// lanes is the number of float32 values in a vector. gemm[v][r] computes
	// tiles of r rows and v vectors; the last v is the width of a panel. A
	// kernel may add in another order when it gets group panels at once. layStrip
	// is dst[l*h+i] = src[i*ld+l] for h rows, layPanels
	// dst[p*pd+l*width+j] = src[l*lds+p*width+j] for width columns, layColumns[h]
	// dst[s*ds+l*h+i] = src[l*lds+s*h+i] for h columns of laidRows rows at each of the
	// strips, nil or not there where none is special. gemmFar are the kernels of whole
	// panels that come from beyond the near caches; nil if none are special.
	lanes, group int
	gemm         [][]gemmKernel
	gemmFar      []gemmKernel
	layStrip     func(dst []float32, h int, src []float32, ld int)
	layPanels    func(k, panels, width int, dst *float32, pd int, src *float32, lds int)
	layColumns   []func(strips int, dst *float32, ds int, src *float32, lds int)

	// conv[v][r] computes tiles of r channels and v vectors of a convolution, of
	// columns an equal distance apart if convUniform; convPoint does so for a single
	// position, and may be nil. convRows lays out a panel of pieces of up to 4 rows of
	// outputs, dst[l*16+at[r]+j] = b[off[l]+from[r]+j], and may be nil. splitRows
	// is even[i*ldd+j] = src[i*lds+2*j], odd[i*ldd+j] = src[i*lds+2*j+1] for i < rows
	// and j < n, neither of them 0. copyRows is fast for rows of copyLeast values and
	// more.
	conv         [][]convKernel
	convUniform  bool
	convLay      []convLayKernel
	convAndLay   []convAndLayKernel // by channels; nil where there are none
	convRows     func(k, rows int, dst, b *float32, off, at, from *int)
	convPoint    func(k, height int, a, b *float32, off *int, sums *float32)
	depthwise    depthwiseKernel
	depthwise3x3 [3][]depthwise3x3Kernel // by stride and stripes; nil where there are none
	maxima       maximaKernel
	copyLeast    int
	copyRows     func(dst *float32, ldd int, src *float32, lds, rows, n int)
	splitRows    func(even, odd *float32, ldd int, src *float32, lds, rows, n int)

	// interleave is dst[2*j] = even[j], dst[2*j+1] = odd[j] for all of even; dst
	// overlaps neither.
	interleave func(dst, even, odd []float32)

	// winogradIn makes the points of the inputs of n tiles, winogradOut outputs of
	// those of sums, y0 and y1 the two rows of a tile. Both may write as if n were a
	// multiple of 8. For t < n, with D(r,c) = d[r*pitch+2*t+c], M(i,j) = m[(4*i+j)*apart+t]:
	//
	//	v[(4*i+j)*apart+t] = (B^T D B)(i,j), B^T = (1 0 -1 0 / 0 1 1 0 / 0 -1 1 0 / 0 1 0 -1)
	//	y0[2*t+c], y1[2*t+c] = clip(bias + (A^T M A)(0,c), lo, hi), ... (1,c)
	//	A^T = (1 1 1 0 / 0 1 -1 -1)
	//
	// They pay from winogradLeast channels on.
	winogradIn    func(n int, d *float32, pitch int, v *float32, apart int)
	winogradOut   func(n int, m *float32, apart int, y0, y1 *float32, bias, lo, hi float32)
	winogradLeast int

	exp, log, tanh, sigmoid, erf, gelu, geluTanh, silu, relu, sqrt func(dst, src []float32)
	floor, ceil, round, sign, atan, abs, softsign                  func(dst, src []float32)

	// sin and cos for less than mostTurned, and any number beyond and for NaN. pow is
	// x**e with x = src[i]&keep: NaN below 0, zero of 0, inf of an infinity; then
	// exclusive-ored with flip where src[i] has the sign bit. powEach is a[i]**b[i] as
	// C's powf. All may be nil.
	sin, cos, tan func(dst, src []float32)
	pow           func(dst, src []float32, e float64, keep, flip uint32, zero, inf float32)
	powEach       func(dst, a, b []float32)

	sinh, cosh, asinh, acosh, atanh, asin, acos func(dst, src []float32) // may be nil

	add, sub, mul, div, max, min func(dst, a, b []float32)
	addScalar, mulScalar         func(dst, a []float32, s float32)
	divScalar                    func(dst, a []float32, s float32)
	maxScalar, minScalar         func(dst, a []float32, s float32)
	above                        func(dst, a []float32, s float32) // a[i] where a[i] > s, else 0
	bits                         [3]func(dst, a, b []float32)      // OpAnd, OpOr and OpXor of the patterns; may be nil

	int32s [OpMin + 1]func(dst, a, b []int32) // by BinaryOp, OpAdd to OpDiv, OpMax and OpMin; may be nil

	scaleClip func(dst, src []float32, m, s, t, lo, hi float32) // dst[i] = clip((src[i]-m)*s + t, lo, hi)
	hardSwish func(dst, src []float32)

	axpy  func(y []float32, alpha float32, x []float32)
	dot   func(a, b []float32) float32
	sum   func(x []float32) float32
	maxOf func(x []float32) float32
	minOf func(x []float32) float32

	expSub         func(dst, src []float32, m float32) (sum float32)
	softmax        func(dst, src []float32) // maxOf, expSub and mulScalar in one; may be nil
	sumSquaresFrom func(x []float32, m float32) (sum float32)
	normalize      func(y, x, gamma, beta []float32, mean, rstd float32)
	dots           func(y, a []float32, b *float32, ldb int)

	mulAdd, tanhBackward, sigmoidBackward func(dst, a, b []float32)

	softmaxBackward func(dx, dy, y []float32, dot float32)
	normSums        func(dgamma, dbeta, dy, x, gamma []float32, mean, rstd float32) (sumG, sumGX float32)
	normInput       func(dx, dy, x, gamma []float32, mean, rstd, meanG, meanGX float32)

	lstmGates    lstmGatesKernel
	lstmCell     lstmGatesKernel // which may leave gates as they are
	gruGates     gruGatesKernel
	cellBackward func(dgates, dcPrev, dh, dc, gates, c, cPrev []float32)

	// Weights of 8 bits: int8Gemm[r] computes r rows and panels of int8Width
	// columns, which divides group*panel(); int8Limit is what its pairs may
	// reach, 0 for all. int8Laid[r] has no limit, of rows that int8Lay laid out;
	// where there is a limit it has every r, and int8Gemm may lack some. The
	// others lead to integers and back.
	int8Width  int
	int8Gemm   []int8Kernel
	int8Laid   []int8Kernel
	int8Limit  int
	int8Survey func(a []int8, masks *uint32) (sum int32)
	int8Lay    func(dst, a *int8, n int) (sum, start int32) // to twice as many bytes; may be nil
	int8Scale  func(rows, n int, dst *float32, ldd int, base *float32, ldb int, acc *int32, lda int, sums, zero *int32, scale, scales *float32, zeros, rowSums *int32)
	extremes   func(x []float32) (least, most float32) // of x and 0; NaN if x has a NaN or an infinity

	// Bytes and half-precision numbers to float32 and back, whole vectors of them;
	// flip is exclusive-ored with every byte.
	int8Quantize   func(dst *int8, src []float32, scale, zero float32, flip uint32)
	int8Dequantize func(dst []float32, src *uint8, flip uint32, zero int32, scale float32)
	halfToFloat    func(dst []float32, src *uint16)
	floatToHalf    func(dst *uint16, src []float32)

	// Between float32 and truth values or integers, as Go converts them: compare by
	// OpEqual, OpLess and OpLessOrEqual, unequal also of NaN, floatToBytes low bytes.
	// They write bytes for multiples of blockLen values. All may be nil.
	compare      [3]func(dst *uint8, a, b []float32)
	equalInt32   func(dst *uint8, a, b []int32)
	equalInt64   func(dst *uint8, a, b []int64)
	greaterInt32 func(dst *uint8, a, b []int32)
	unequal      func(dst *uint8, a, b []float32)
	floatToBytes func(dst *uint8, a []float32)
	floatToInt32 func(dst []int32, src []float32)
	int32ToFloat func(dst []float32, src []int32)
	int32ToBytes func(dst *uint8, a []int32)

	// Between numbers of other widths, as Go converts them, whole vectors: eitherWord is
	// both words of src[i], bit by bit. floatToInt64 is right unless least, the least of
	// all and of 0, is the least of 32 bits, int64ToFloat if beyond is 0. They are nil where
	// unequal is.
	int32ToInt64  func(dst []int64, src *int32)
	int32ToDouble func(dst []float64, src *int32)
	floatToDouble func(dst []float64, src *float32)
	doubleToFloat func(dst []float32, src *float64)
	doubleToInt32 func(dst []int32, src *float64)
	bytesToInt32  func(dst []int32, src *uint8)
	floatToInt64  func(dst []int64, src *float32) (least int32)
	int64ToFloat  func(dst []float32, src *int64) (beyond uint32)
	lowWords      func(dst []int32, src *int64)
	eitherWord    func(dst []int32, src *int64)
	bf16ToFloat   func(dst []float32, src *uint16)
	floatToBF16   func(dst *uint16, src []float32)

	// Weights of 16 bits.
	halfRow    halfRowKernel
	halfExpand func(rows int, dst *float32, src *uint32)

	// transposeTiles is transpose for multiples of 8 rows and columns.
	transposeTiles func(dst *float32, ldd int, src *float32, lds, rows, cols int)
}

var generic = variant{
	name: "generic",

	lanes: 4, group: 1, gemm: gemmKernelsGeneric(), layStrip: layStripGeneric, layPanels: layPanelsGeneric,

	conv: convKernelsGeneric(), convLay: convLayGeneric(4), depthwise: depthwiseGeneric, maxima: maximaGeneric, copyRows: copyRowsGeneric, splitRows: splitRowsGeneric,
	interleave: interleaveGeneric,
	winogradIn: winogradInGeneric, winogradOut: winogradOutGeneric, winogradLeast: 8,

	exp: expGeneric, log: logGeneric, tanh: tanhGeneric, sigmoid: sigmoidGeneric, erf: erfGeneric,
	gelu: geluGeneric, geluTanh: geluTanhGeneric, silu: siluGeneric, relu: reluGeneric, sqrt: sqrtGeneric,
	floor: floorGeneric, ceil: ceilGeneric, round: roundGeneric, sign: signGeneric, atan: atanGeneric,
	abs: absGeneric, softsign: softsignGeneric,

	add: addGeneric, sub: subGeneric, mul: mulGeneric, div: divGeneric, max: maxGeneric, min: minGeneric,
	addScalar: addScalarGeneric, mulScalar: mulScalarGeneric, divScalar: divScalarGeneric,
	maxScalar: maxScalarGeneric, minScalar: minScalarGeneric, above: aboveGeneric,

	scaleClip: scaleClipGeneric, hardSwish: HardSwishOf[float32],

	axpy: axpyGeneric, dot: dotGeneric, sum: sumGeneric, maxOf: maxOfGeneric, minOf: minOfGeneric,

	expSub: expSubGeneric, sumSquaresFrom: sumSquaresFromGeneric, normalize: normalizeGeneric, dots: dotsGeneric,

	mulAdd: mulAddGeneric, tanhBackward: tanhBackwardGeneric, sigmoidBackward: sigmoidBackwardGeneric,

	softmaxBackward: softmaxBackwardGeneric, normSums: normSumsGeneric, normInput: normInputGeneric,

	lstmGates: lstmGatesGeneric, lstmCell: lstmGatesGeneric, gruGates: gruGatesGeneric, cellBackward: cellBackwardGeneric,

	int8Width: 4, int8Gemm: int8KernelsGeneric(), int8Survey: int8SurveyGeneric, int8Scale: int8ScaleGeneric,
	int8Quantize: int8QuantizeGeneric, int8Dequantize: int8DequantizeGeneric, halfToFloat: halfToFloatGeneric, floatToHalf: floatToHalfGeneric,
	extremes: extremesGeneric, halfRow: halfRowGeneric(4), halfExpand: halfExpandGeneric(4),

	transposeTiles: transposeTilesGeneric,
}

// active is the variant in use.
var active = choose(variants(), os.Getenv)

// choose picks the last variant of the list, or the one the environment names.
func choose(list []*variant, getenv func(string) string) *variant {
	best := list[len(list)-1]
	for _, v := range list {
		if v.name == "avx512" && getenv("ONDA_DISABLE_AVX512") == "1" {
			break
		}
		best = v
	}
	for _, v := range list {
		if v.name == getenv("ONDA_KERNELS") {
			best = v
		}
	}
	return best
}

// Variant names the variant in use: generic, avx2, avx512 or neon.
func Variant() string { return active.name }

// Variants names the variants this machine can run, the best last.
func Variants() []string {
	var names []string
	for _, v := range variants() {
		names = append(names, v.name)
	}
	return names
}
