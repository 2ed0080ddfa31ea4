// Package kernel holds the numbers: functions of slices and sizes that the
// operators and the hand-built models both call. It knows nothing of ONNX
// files, graphs or tensors.
//
// The doc comment of a function is its contract, written as the loop it
// replaces; shapes are given as (rows, columns), row-major, and strides count
// elements. A function that takes slices of one length uses the length of the
// first (its destination) and needs the others to be at least as long; a
// slice too short is a programming error and panics. Unless a comment says
// otherwise the destination may be one of the sources but must not overlap
// them partially.
//
// Floating-point sums may be taken in any order, so results differ from the
// loop by rounding, and between variants. They do not depend on the number of
// threads. NaN and infinities are never skipped: 0 x Inf is NaN here as in
// the loop.
//
// Forward and backward stand side by side. A backward function adds to the
// gradients it computes (+=), so gradients of several uses accumulate.
//
// # Variants
//
// Every kernel exists in portable Go. On amd64 some have an AVX2 and an
// AVX-512 form, on arm64 a NEON form; the best the processor offers is chosen
// once when the program starts. The environment can choose otherwise:
//
//	ONDA_KERNELS=generic|avx2|avx512|neon   use this variant (ignored where it cannot run)
//	ONDA_DISABLE_AVX512=1                   never choose AVX-512
//
// The build tag noasm drops all assembly.
package kernel
