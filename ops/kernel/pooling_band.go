package kernel

import "math"

// pooling is what is taken of a window's inputs.
type pooling int

const (
	maxima pooling = iota
	sums
)

// RoomToPool is the bytes that a thread works with in [MaxPool] and [AveragePool], at
// most.
func (w *Window) RoomToPool() int {
	var b convBand
	image, ok := w.banded()
	if !ok || w.OutLen() == 0 {
		return 0
	}
	b.fit(&image, 1, min(image.Out[1], convWidth))
	return floatBytes(b.channel + slack)
}

// banded is the window as one of an image of which bands can be laid out.
func (w *Window) banded() (image Window, ok bool) {
	image, ok = w.image()
	return image, ok && image.Stride[0] <= 4 && image.Stride[1] <= 4 && image.Taps() <= 1<<10 &&
		(image.Size[0]-1)*image.Dilation[0] <= 1<<8 && (image.Size[1]-1)*image.Dilation[1] <= 1<<12
}

// pooled computes the maxima or sums of windows over planes by stripes of columns. It
// reports whether these windows are of the kind that it can do.
func (w *Window) pooled(p *Pool, of pooling, y, x []float32, planes int) bool {
	v := active
	image, ok := w.banded()
	if !ok || len(y) == 0 {
		return false
	}
	out, in := w.OutLen(), w.InLen()
	var b convBand
	if of == maxima {
		b.pad = float32(math.Inf(-1))
	}
	cols := min(image.Out[1], convWidth)
	rows := b.fit(&image, 1, cols)
	ones := make([]float32, len(b.taps))
	fillWith(ones, 1)
	lowest, most := noLimits()
	p.For(planes, max(1, elementGrain/w.cost()), func(lo, hi int) {
		m, buf := borrow(b.channel + slack)
		defer m.release()
		for i := lo; i < hi && !w.stopped(); i++ {
			for y0 := 0; y0 < image.Out[0]; y0 += rows {
				for x0 := 0; x0 < image.Out[1]; x0 += cols {
					rows, cols := min(rows, image.Out[0]-y0), min(cols, image.Out[1]-x0)
					b.fill(v, buf, x[i*in:(i+1)*in], y0, x0, rows, cols, i > lo && rows*cols == out)
					to := y[i*out+y0*image.Out[1]+x0:]
					eachStripe(v.lanes, b.pitch, image.Out[1], rows, cols, func(j, ldb, ldc, rows, cols int) {
						if of == maxima {
							v.maxima(len(b.taps), &b.taps[0], &buf[j], ldb, &to[j], ldc, rows, cols)
							return
						}
						v.depthwise(len(b.taps), &b.taps[0], &ones[0], &buf[j], ldb, &to[j], ldc, rows, cols, 0, lowest, most)
					})
				}
			}
		}
	})
	return true
}
