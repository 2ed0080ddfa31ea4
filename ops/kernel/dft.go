package kernel

// DFTArgs are the data of Fourier transforms of length N along the middle of x
// (Outer, In, Inner, InParts), real or complex, with the result in y (Outer,
// Out, Inner, OutParts). A shorter signal is filled up with zeros, a longer one
// cut; Out below N keeps the first bins.
type DFTArgs struct {
	N, Outer, In, Out, Inner int
	InParts, OutParts        int // 1: real, 2: complex
	Inverse                  bool
	Hermitian                bool // Inverse: x has the bins up to N/2 of a real signal's transform
	X, Y                     []float64
	Stop                     func() error
}

// DFT does the transforms. The error is Stop's.
func DFT(p *Pool, a *DFTArgs) error {
	p.For(a.Outer*a.Inner, max(1, 1<<13/a.N), func(lo, hi int) {
		f, buf := NewFFT(a.N), make([]complex128, a.N)
		for i := lo; i < hi; i++ {
			if a.Stop() != nil {
				return
			}
			o, j := i/a.Inner, i%a.Inner
			a.load(buf, o, j)
			if a.Inverse {
				f.Inverse(buf)
			} else {
				f.Transform(buf)
			}
			for t := range a.Out {
				y := a.Y[((o*a.Out+t)*a.Inner+j)*a.OutParts:]
				y[0] = real(buf[t])
				if a.OutParts == 2 {
					y[1] = imag(buf[t])
				}
			}
		}
	})
	return a.Stop()
}

func (a *DFTArgs) load(buf []complex128, o, j int) {
	clear(buf)
	n := min(a.In, a.N)
	if a.Hermitian {
		n = min(n, a.N/2+1)
	}
	for t := range n {
		x := a.X[((o*a.In+t)*a.Inner+j)*a.InParts:]
		buf[t] = complex(x[0], 0)
		if a.InParts == 2 {
			buf[t] = complex(x[0], x[1])
		}
	}
	if !a.Hermitian {
		return
	}
	buf[0] = complex(real(buf[0]), 0)
	if a.N%2 == 0 {
		buf[a.N/2] = complex(real(buf[a.N/2]), 0)
	}
	for t := 1; t < (a.N+1)/2; t++ {
		buf[a.N-t] = complex(real(buf[t]), -imag(buf[t]))
	}
}

// STFTArgs are the data of short-time transforms: frames of Width samples of x
// (Batch, Len, Parts), Step apart, multiplied by Window (nil for ones) and
// transformed at length N, into y (Batch, Frames, Bins, 2).
type STFTArgs struct {
	Batch, Len, Parts int
	N, Width, Step    int
	Frames, Bins      int
	X, Window, Y      []float64
	Stop              func() error
}

// STFT does the transforms. The error is Stop's.
func STFT(p *Pool, a *STFTArgs) error {
	p.For(a.Batch*a.Frames, max(1, 1<<13/a.N), func(lo, hi int) {
		f, buf := NewFFT(a.N), make([]complex128, a.N)
		for i := lo; i < hi; i++ {
			if a.Stop() != nil {
				return
			}
			b, from := i/a.Frames, i%a.Frames*a.Step
			clear(buf)
			for t := range min(a.Width, a.N, a.Len-from) {
				x := a.X[(b*a.Len+from+t)*a.Parts:]
				w := 1.0
				if a.Window != nil {
					w = a.Window[t]
				}
				buf[t] = complex(w*x[0], 0)
				if a.Parts == 2 {
					buf[t] = complex(w*x[0], w*x[1])
				}
			}
			f.Transform(buf)
			for t := range a.Bins {
				y := a.Y[(i*a.Bins+t)*2:]
				y[0], y[1] = real(buf[t]), imag(buf[t])
			}
		}
	})
	return a.Stop()
}
