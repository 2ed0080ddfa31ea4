package kernel

// RotaryArgs are the data of rotary position embedding: x and y both walked by
// S, cosines and sines in rows of Dim/2, row b*T+t or, with IDs, row IDs[b*T+t].
type RotaryArgs struct {
	B, Heads, T, D int
	Dim            int // how many elements of each D are rotated, in pairs
	Interleaved    bool
	X, Y, Cos, Sin []float32
	IDs            []int64
	S              Strides
}

// Rotary is, for each pair (u, v) of elements j and j+Dim/2, or 2j and 2j+1 if
// interleaved,
//
//	u, v = cos[j]*u - sin[j]*v, sin[j]*u + cos[j]*v
//
// The elements beyond Dim stay.
func Rotary(p *Pool, a *RotaryArgs) {
	half := a.Dim / 2
	p.For(a.B*a.T, rowGrain(a.Heads*a.D), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := i
			if a.IDs != nil {
				row = int(a.IDs[i])
			}
			cos, sin := a.Cos[row*half:][:half], a.Sin[row*half:][:half]
			for h := range a.Heads {
				at := i/a.T*a.S.B + h*a.S.H + i%a.T*a.S.T
				x, y := a.X[at:at+a.D], a.Y[at:at+a.D]
				for j := range half {
					l, r := j, j+half
					if a.Interleaved {
						l, r = 2*j, 2*j+1
					}
					u, v := x[l], x[r]
					y[l], y[r] = cos[j]*u-sin[j]*v, sin[j]*u+cos[j]*v
				}
				copy(y[a.Dim:], x[a.Dim:])
			}
		}
	})
}
