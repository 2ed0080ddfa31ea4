package kernel

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// An FFT transforms vectors of a fixed length:
//
//	X[k] = sum_j(x[j] * exp(-2*pi*i*j*k/n))
//
// by radix 2 where the length is a power of two, and else by Bluestein's
// algorithm: a convolution with a chirp, computed at such a length. It is not
// for use by several goroutines at once.
type FFT struct {
	n     int
	roots []complex128 // exp(-2*pi*i*k/m), k < m/2, of the radix-2 length m
	chirp []complex128 // exp(-pi*i*j*j/n), j < n; nil for powers of two
	conv  []complex128 // transform of the conjugate chirp, wrapped around
	work  []complex128
}

// FFTLen is how many complex numbers of working memory an FFT of length n takes.
func FFTLen(n int) int {
	if n&(n-1) == 0 {
		return n
	}
	return 4<<bits.Len(uint(2*n-2)) + n
}

// NewFFT prepares transforms of length n >= 1.
func NewFFT(n int) *FFT {
	f := &FFT{n: n}
	m := n
	if n&(n-1) != 0 {
		m = 1 << bits.Len(uint(2*n-2))
	}
	f.roots = make([]complex128, m/2)
	for k := range f.roots {
		f.roots[k] = unit(-2 * math.Pi * float64(k) / float64(m))
	}
	if m == n {
		return f
	}
	f.chirp, f.conv, f.work = make([]complex128, n), make([]complex128, m), make([]complex128, m)
	for j := range n {
		// j*j mod 2n, since the chirp has that period
		f.chirp[j] = unit(-math.Pi * float64(j*j%(2*n)) / float64(n))
	}
	f.conv[0] = cmplx.Conj(f.chirp[0])
	for j := 1; j < n; j++ {
		f.conv[j] = cmplx.Conj(f.chirp[j])
		f.conv[m-j] = f.conv[j]
	}
	f.radix2(f.conv)
	return f
}

func unit(angle float64) complex128 {
	sin, cos := math.Sincos(angle)
	return complex(cos, sin)
}

// Transform replaces x, of length n, by its transform.
func (f *FFT) Transform(x []complex128) {
	if f.chirp == nil {
		f.radix2(x)
		return
	}
	clear(f.work)
	for j, c := range f.chirp {
		f.work[j] = x[j] * c
	}
	f.radix2(f.work)
	for i, c := range f.conv {
		f.work[i] *= c
	}
	inverse(f.work, f.radix2)
	for k, c := range f.chirp {
		x[k] = f.work[k] * c
	}
}

// Inverse replaces x by what has it as its transform.
func (f *FFT) Inverse(x []complex128) { inverse(x, f.Transform) }

// inverse is the inverse of a transform: conj(transform(conj(x))) / n.
func inverse(x []complex128, transform func([]complex128)) {
	for i, v := range x {
		x[i] = cmplx.Conj(v)
	}
	transform(x)
	scale := 1 / float64(len(x))
	for i, v := range x {
		x[i] = complex(real(v)*scale, -imag(v)*scale)
	}
}

// radix2 is the transform of a power of two of elements, in place.
func (f *FFT) radix2(x []complex128) {
	n := len(x)
	if n < 2 {
		return
	}
	shift := 64 - bits.Len(uint(n-1))
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for half := 1; half < n; half *= 2 {
		step := n / 2 / half
		for from := 0; from < n; from += 2 * half {
			for k := range half {
				a, b := x[from+k], x[from+k+half]*f.roots[k*step]
				x[from+k], x[from+k+half] = a+b, a-b
			}
		}
	}
}
