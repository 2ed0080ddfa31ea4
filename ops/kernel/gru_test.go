package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// gruNaive is ONNX's formula (linear_before_reset 1) in float64 for the data
// of an LSTM case, of whose weights it takes the first three gates' worth.
func (d *lstmData) gruNaive() (y, yh []float32) {
	H, I := d.H, d.I
	y, yh = make([]float32, d.T*d.B*H), make([]float32, d.B*H)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for b := range d.B {
		n := d.T
		if d.lens != nil {
			n = int(d.lens[b])
		}
		h := make([]float64, H)
		if d.h0 != nil {
			for j := range H {
				h[j] = float64(d.h0[b*H+j])
			}
		}
		for s := range n {
			t := s
			if d.reverse {
				t = n - 1 - s
			}
			in, rec := make([]float64, 3*H), make([]float64, 3*H)
			for q := range in {
				in[q], rec[q] = float64(d.b[q]), float64(d.b[3*H+q])
				for j := range I {
					in[q] += float64(d.w[q*I+j]) * float64(d.x[t*d.xt+b*d.xb+j])
				}
				for j := range H {
					rec[q] += float64(d.r[q*H+j]) * h[j]
				}
			}
			for j := range H {
				z, r := sigmoid(in[j]+rec[j]), sigmoid(in[H+j]+rec[H+j])
				h[j] = (1-z)*math.Tanh(in[2*H+j]+r*rec[2*H+j]) + z*h[j]
				y[t*d.yt+b*d.yb+j] = float32(h[j])
			}
		}
		for j := range H {
			yh[b*H+j] = float32(h[j])
		}
	}
	return y, yh
}

func TestGRU(t *testing.T) {
	pools := []*Pool{nil, NewPool(2), NewPool(3)}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range append(lstmCases(), lstmCase{T: 9, B: 1, I: 4, H: 600}) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				d := newLSTMData(r, c)
				w := PackGRU(c.I, c.H, d.w, d.r, d.b)
				wantY, wantH := d.gruNaive()
				var first []float32
				for _, p := range pools {
					y, yh := make([]float32, len(wantY)), make([]float32, len(wantH))
					Fill(y, 99)
					require.NoError(t, GRU(p, w, &GRUArgs{T: d.T, B: d.B, X: d.x, XT: d.xt, XB: d.xb, H0: d.h0, SeqLens: d.lens,
						Reverse: d.reverse, Y: y, YT: d.yt, YB: d.yb, YH: yh, Stop: func() error { return nil }}))
					requireClose(t, wantY, y, 1e-5, "y")
					requireClose(t, wantH, yh, 1e-5, "yh")
					if first == nil {
						first = y
					}
					requireSameBits(t, first, y, "%d threads", p.Threads())
				}
			})
		}
	})
}
