package kernel

import (
	"math"
	"sync/atomic"
)

// A ConvEnd is what [ConvPacked] does with its sums besides storing them.
type ConvEnd struct {
	Add    []float32                // as Y, added; nil for none
	Clip   bool                     // whether there are limits
	Lo, Hi float32                  // the limits, in this order; NaN is left as it is
	Act    func(dst, src []float32) // applied last; nil for none
}

const (
	// convHeight is how many output channels a tile has at most.
	convHeight = 6
	// convDepth is how many products a tile adds at a time: a panel of as many rows
	// should stay in a first-level cache, but for AVX-512's wide ones.
	convDepth = 256
	// convColumns is how many positions a unit of work has where they are columns:
	// whole panels of every variant, and no power of two, which would put all rows
	// into the same few places of a cache.
	convColumns = 240
	// convWidth is how many outputs of a row a band has at most: whole panels.
	convWidth = 448
	// convBandLen is about how many values of a band are laid out at a time.
	convBandLen = 1 << 15
	// convSmall is up to how many outputs the planes of several samples are computed
	// together: one alone would not fill vectors, or pass by all weights for little.
	convSmall = 64
	// slack is how many values may be read beyond the end.
	slack = 64
	// convUnit is how many multiplications a unit of work has at least, and
	// convDepthwiseUnit those of depthwise convolutions.
	convUnit, convDepthwiseUnit = 1 << 18, 1 << 16
	// convFewest is how many panels a unit has at least that is cut for several threads.
	convFewest = 2
	// sliceLeast is how many outputs a slice of a volume has at least; smaller ones are
	// computed by columns of several.
	sliceLeast = 16
	// convStripsEach is for how many strips a unit of a part of the channels may lay out
	// the inputs, as all others of the same place do.
	convStripsEach = 8
)

// ConvRun is working memory of [ConvPacked]; one that is kept spares later runs of
// the same sizes every allocation.
type ConvRun struct {
	a   *ConvArgs[float32]
	w   *PackedConv
	end ConvEnd

	// A volume is computed as so many slices, images that have each plane that a tap
	// reads of an input channel as a channel of their own.
	volume         bool
	slices, planes int
	cin, taps, out int // of a slice: input channels, taps and outputs of one

	window Window // as an image, unless by columns
	how    convHow
	band   convBand
	depth  int // input channels at a time
	rows   int // bands of so many rows of outputs
	cols   int // and so many columns of them, or positions
	down   int // bands from top to bottom
	across int // from left to right
	items  int // samples whose planes are computed together
	parts  int // of the output channels

	off, offLast, offPacked []int // where the rows of a panel begin
	joins                   []convJoin
	none                    [convHeight]float32

	failed atomic.Bool
	some   func(lo, hi int)
}

// convHow is where tiles read their inputs.
type convHow int

const (
	convInPlace   convHow = iota // in the image itself
	convBands                    // in padded parts of it
	convByColumns                // in a matrix with a row for each tap
	convUnrolled                 // in such a matrix, of bands
	convDepthwise
)

// Packable reports whether ConvPacked can do a convolution of so many input channels
// per group and taps.
func Packable(cin, taps int) bool { return cin > 0 && taps > 0 && taps <= 1<<12 }

// plan decides how to compute.
func (s *ConvRun) plan(threads int) {
	a, v := s.a, s.w.v
	s.window, s.volume, s.slices, s.planes = a.Window, false, 1, 1
	s.cin, s.taps, s.out = a.Cin, a.Taps(), a.OutLen()
	image, ok := a.image()
	fits := ok && image.near()
	if a.N == 3 && !a.pointwise() && !s.w.depthwise() {
		if slice := a.slice(); slice.near() && slice.OutLen() >= sliceLeast {
			image, fits = slice, true
			s.volume, s.slices, s.planes = true, a.Out[0], a.Size[0]
			s.cin, s.taps, s.out = a.Cin*s.planes, slice.Taps(), slice.OutLen()
		}
	}
	most := convDepth
	if a.pointwise() {
		most = gemmDepth // as in a product: nothing has to be laid out before
	}
	s.depth = ceilDiv(s.cin, ceilDiv(s.cin, max(1, most/s.taps)))
	s.down, s.across, s.rows, s.cols = 1, ceilDiv(s.out, convColumns), 1, convColumns
	switch {
	case s.w.depthwise() && fits:
		s.how, s.depth = convDepthwise, 1
	case a.pointwise():
		s.how = convInPlace
	case fits && v.convRows != nil && image.Out[1] >= joinLeast && s.w.tiles() >= convStrips:
		s.how = convBands
	case fits && !v.convUniform && !(s.w.tiles() >= 4 && 8*v.work(image.Out[0]*image.Out[1]) < 7*image.Out[0]*v.work(image.Out[1])):
		s.how = convBands
	case fits && image.Out[1] <= convColumns:
		s.how = convUnrolled
	default:
		s.how = convByColumns
	}
	if s.how == convBands || s.how == convDepthwise {
		s.window = image
		s.cols = min(image.Out[1], convWidth)
		s.across = ceilDiv(image.Out[1], s.cols)
		s.rows = s.band.fit(&s.window, s.depth, s.cols)
		s.down = ceilDiv(image.Out[0], s.rows)
	}
	if s.how == convUnrolled {
		s.window = image
		s.cols, s.across = image.Out[1], 1
		s.rows = min(max(1, convColumns/s.cols), image.Out[0])
		s.down = ceilDiv(image.Out[0], s.rows)
		s.band.shape(&s.window, s.rows, s.cols)
	}
	if s.items = 1; fits && !s.w.depthwise() && a.Batch > 1 && s.slices == 1 && s.out <= convSmall && s.w.tiles() > 1 {
		s.how, s.window = convUnrolled, image
		s.items = min(a.Batch, convColumns/s.out)
		s.rows, s.cols, s.down, s.across = image.Out[0], image.Out[1], 1, 1
		s.band.shape(&s.window, s.rows, s.cols)
	}
	s.parts = 1
	units := ceilDiv(a.Batch, s.items) * a.Group * s.slices * s.down * s.across
	if threads == 1 || s.how == convDepthwise || units >= 4*threads {
		return
	}
	strips, wanted := s.w.tiles(), ceilDiv(4*threads, units)
	width := v.convPanel() // cut between panels none begins elsewhere than with one thread
	if s.how == convInPlace && s.items == 1 && convColumns%width == 0 && strips < convStripsEach*wanted && a.Cin*a.Cout <= 2*convFar {
		each := ceilDiv(s.out, ceilDiv(4*threads, a.Batch*a.Group))
		s.cols = min(s.cols, width*max(convFewest, ceilDiv(each, width)))
		s.across = ceilDiv(s.out, s.cols)
		if units = a.Batch * a.Group * s.across; units >= threads {
			return
		}
	}
	s.parts = max(roundUp(strips/convStripsEach, threads), ceilDiv(threads, units))
	s.parts = max(1, min(s.parts, wanted, 1+s.unit()/convUnit, strips))
}

// table sets where the rows of a panel begin, in a matrix whose rows are pitch apart.
func table(off []int, n, pitch int) []int {
	off = off[:0]
	for l := range n {
		off = append(off, l*pitch)
	}
	return off
}

// tables is the end of plan.
func (s *ConvRun) tables() {
	n := s.depth * s.taps
	switch s.how {
	case convDepthwise:
		s.off = append(s.off[:0], s.band.taps...)
		return
	case convBands:
		s.off = s.off[:0]
		for c := range s.depth {
			for _, tap := range s.band.taps {
				s.off = append(s.off, c*s.band.channel+tap)
			}
		}
		s.joinings(s.cols)
	case convInPlace:
		s.off = table(s.off, n, s.out)
	case convUnrolled:
		s.off = table(s.off, n, s.pitch())
	case convByColumns:
		s.off = table(s.off, n, min(s.cols, s.out))
		s.offLast = table(s.offLast, n, s.out-(s.across-1)*s.cols)
	}
	s.offPacked = table(s.offPacked, n, s.w.v.convPanel())
}

// pitch is how far apart the rows of a matrix of bands are: an odd number of cache
// lines, so that they don't share their places in it.
func (s *ConvRun) pitch() int { return (roundUp(s.items*s.rows*s.cols+8, 16)/16 | 1) * 16 }

// work is about what n positions in a row cost, in halves of a vector: a panel of one
// loads nearly as much as a panel of two.
func (v *variant) work(n int) int {
	width := v.convPanel()
	cost := n / width * 2 * (width / v.lanes)
	if vectors := ceilDiv(n%width, v.lanes); vectors == 1 {
		cost += 3
	} else {
		cost += 2 * vectors
	}
	return cost
}

// unit is how many multiplications a unit has.
func (s *ConvRun) unit() int {
	a := s.a
	if s.how == convDepthwise {
		return a.Cout * s.out * s.taps
	}
	return a.Cout * s.items * min(s.rows*s.cols, s.out) * s.cin * s.taps
}

// room is how many values a thread needs, area what of them comes before panels.
func (s *ConvRun) room() int {
	k, width := s.depth*s.taps, s.w.v.convPanel()
	if s.how == convDepthwise {
		return s.area()
	}
	panels := k * s.rows * roundUp(s.items*min(s.cols, s.out), width)
	return s.area() + min(panels, max(k*width, 2*convFar)) + slack
}

func (s *ConvRun) area() int {
	k := s.depth * s.taps
	switch s.how {
	case convInPlace:
		return 0
	case convByColumns:
		return k*min(s.cols, s.out) + slack
	case convUnrolled:
		n := k*s.pitch() + slack + s.band.room(1)
		if s.items > 1 {
			n += s.a.Cout * s.pitch()
		}
		return n
	}
	return s.band.room(s.depth)
}

func (v *variant) convPanel() int { return (len(v.conv) - 1) * v.lanes }

// RoomForConv is the bytes that a thread takes for ConvPacked.
func (s *ConvRun) RoomForConv(p *Pool, a *ConvArgs[float32], w *PackedConv) int {
	if len(a.Y) == 0 {
		return 0
	}
	s.a, s.w = a, w
	s.plan(p.Threads())
	n := floatBytes(s.room())
	s.a, s.w = nil, nil
	return n
}

// ConvPacked is [Conv] of weights that are packed, whose end comes last:
//
//	y = act(clip(conv + Add, Lo, Hi))
func ConvPacked(p *Pool, a *ConvArgs[float32], w *PackedConv, end ConvEnd, s *ConvRun) error {
	if len(a.Y) == 0 {
		return nil
	}
	s.a, s.w, s.end = a, w, end
	if !end.Clip {
		s.end.Lo, s.end.Hi = noLimits()
	}
	if s.some == nil {
		s.some = s.work
	}
	s.failed.Store(false)
	s.plan(p.Threads())
	s.tables()
	units, least := ceilDiv(a.Batch, s.items)*a.Group, convUnit
	if s.how == convDepthwise {
		least = convDepthwiseUnit
	} else {
		units *= s.slices * s.down * s.across * s.parts
	}
	p.For(units, ceilDiv(least, max(s.unit()/s.parts, 1)), s.some)
	s.a, s.w, s.end = nil, nil, ConvEnd{}
	return a.Stop()
}

// stopped asks whether to go on.
func (s *ConvRun) stopped() bool {
	if s.failed.Load() {
		return true
	}
	if s.a.Stop() != nil {
		s.failed.Store(true)
		return true
	}
	return false
}

// noLimits clip nothing.
func noLimits() (lo, hi float32) { return float32(math.Inf(-1)), float32(math.Inf(1)) }
