package kernel

import "math"

// LocalResponse is local response normalisation across the channels of x
// (batch, channels, size), over a window of width channels around each (the
// longer half after it):
//
//	y(b,c,i) = x(b,c,i) / (bias + alpha/width * sum_k(x(b,k,i)**2)) ** beta
//
// halt is asked now and then; after an error y is incomplete.
func LocalResponse[T Float](p *Pool, halt func() error, y, x []T, alpha, beta, bias float64, width, batch, channels, size int) {
	n := localResponse[T]{
		y: y, x: x, halt: halt, channels: channels, size: size,
		scale: alpha / float64(width), beta: beta, bias: bias, before: (width - 1) / 2,
	}
	n.after = width - 1 - n.before
	if f, ok := any(&n).(*localResponse[float32]); ok && f.plain() {
		blocks := batch * ceilDiv(size, responseLen)
		p.For(blocks, max(1, elementGrain/max(channels*min(size, responseLen), 1)/4), func(lo, hi int) { responses(f, lo, hi) })
		return
	}
	p.For(batch*channels, rowGrain(size*min(width, channels)), n.rows)
}

// responseLen is how many positions of all channels are worked on at a time.
const responseLen = 512

type localResponse[T Float] struct {
	y, x              []T
	halt              func() error
	channels, size    int
	before, after     int // channels of a window around its own
	scale, beta, bias float64
}

// rows computes rows, a channel of a batch entry each.
func (n *localResponse[T]) rows(lo, hi int) {
	left := haltEvery
	for bc := lo; bc < hi; bc++ {
		b, c := bc/n.channels, bc%n.channels
		for i := range n.size {
			if left -= min(n.before+n.after, n.channels) + 8; left < 0 {
				if left = haltEvery; n.halt() != nil {
					return
				}
			}
			n.element(b, c, i)
		}
	}
}

func (n *localResponse[T]) element(b, c, i int) {
	first, last := n.window(c)
	var sum float64
	for k := first; k <= last; k++ {
		v := float64(n.x[(b*n.channels+k)*n.size+i])
		sum += v * v
	}
	at := (b*n.channels+c)*n.size + i
	n.y[at] = T(float64(n.x[at]) / math.Pow(n.bias+n.scale*sum, n.beta))
}

// window is the channels around c.
func (n *localResponse[T]) window(c int) (first, last int) {
	return max(0, c-n.before), min(n.channels-1, c+n.after)
}

// plain reports whether vectors can compute rows whose squares are not very large.
func (n *localResponse[T]) plain() bool {
	const least, most = 1e-30, 1e30
	return n.scale >= 0 && n.scale < most && n.bias >= least && n.bias < most && math.Abs(n.beta) < 1<<10
}

// responses computes blocks of positions [lo, hi).
func responses(n *localResponse[float32], lo, hi int) {
	v := active
	m, buf := borrow(2 * responseLen)
	defer m.release()
	inf := float32(math.Inf(1))
	parts, left := ceilDiv(n.size, responseLen), haltEvery
	for i := lo; i < hi; i++ {
		b, from := i/parts, i%parts*responseLen
		w := min(responseLen, n.size-from)
		base, t := buf[:w], buf[responseLen:][:w]
		row := func(of []float32, c int) []float32 { return of[(b*n.channels+c)*n.size+from:][:w] }
		for c := range n.channels {
			first, last := n.window(c)
			if left -= w * (last - first + 8); left < 0 {
				if left = haltEvery; n.halt() != nil {
					return
				}
			}
			clear(base)
			for k := first; k <= last; k++ {
				v.mulAdd(base, row(n.x, k), row(n.x, k))
			}
			v.scaleClip(base, base, 0, float32(n.scale), float32(n.bias), -inf, inf)
			if !(v.maxOf(base) < 1e36) || !overPow(v, row(n.y, c), row(n.x, c), base, t, float32(n.beta)) {
				for j := range w {
					n.element(b, c, from+j)
				}
			}
		}
	}
}

// overPow is y[i] = x[i] / base[i]**e, where base is positive; false where it has no
// form faster than math.Pow. It overwrites base and t.
func overPow(v *variant, y, x, base, t []float32, e float32) bool {
	switch e {
	case 1:
	case 0.5:
		v.sqrt(base, base)
	case 0.75:
		v.sqrt(base, base)
		v.sqrt(t, base)
		v.mul(base, base, t)
	default:
		if !powF32(base, base, -e) {
			return false
		}
		v.mul(y, x, base)
		return true
	}
	v.div(y, x, base)
	return true
}
