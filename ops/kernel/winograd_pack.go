package kernel

import (
	"math"
	"sync"
)

// PackedWinograd are the weights of a 3x3 convolution of stride 1 for [ConvWinograd].
// Nothing changes them; they belong to the variant that packed them.
type PackedWinograd struct {
	v         *variant
	cin, cout int
	rows      []int // where each strip begins, and where the last ends
	// u holds strips of up to convHeight output channels; in each, for each of the 16
	// points, u[c*height+i] is U of input channel c and the strip's output channel i.
	u []float32

	once   sync.Once
	direct *PackedConv
}

const (
	// winogradPoints are the elements of a tile of inputs, and of the transformed
	// weights: 4x4.
	winogradPoints = 16
	// winogradInputs and winogradWeights are the magnitudes up to which nothing can
	// overflow on the way.
	winogradInputs, winogradWeights = 1 << 60, 1 << 40
)

// WinogradLen is how many values [PackWinograd] keeps.
func WinogradLen(cin, cout int) int { return mulBytes(winogradPoints, cin, cout) }

// PackWinograd packs w (cout, cin, 3, 3). It returns nil for weights whose products
// could overflow on the way, or that aren't finite.
//
// Its points are U = G g G^T of the 3x3 weights g, with
//
//	G = (1 0 0 / .5 .5 .5 / .5 -.5 .5 / 0 0 1)
//
// after Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015.
func PackWinograd(w []float32, cin, cout int) *PackedWinograd {
	for _, v := range w {
		if !(math.Abs(float64(v)) <= winogradWeights) {
			return nil
		}
	}
	p := &PackedWinograd{v: active, cin: cin, cout: cout, u: aligned(WinogradLen(cin, cout) + 8)[:WinogradLen(cin, cout)]}
	strips := ceilDiv(cout, len(active.conv[1])-1)
	for r := range strips + 1 {
		p.rows = append(p.rows, cout*r/max(strips, 1))
	}
	for r := range strips {
		lo, hi := p.row(r), p.row(r+1)
		for m := lo; m < hi; m++ {
			for c := range cin {
				for point, u := range winogradPoint((*[9]float32)(w[(m*cin+c)*9:])) {
					*p.at(lo, hi, point, c, m) = float32(u)
				}
			}
		}
	}
	return p
}

// at is the place of a point of input channel c and output channel m, in the strip of
// output channels lo to hi.
func (p *PackedWinograd) at(lo, hi, point, c, m int) *float32 {
	return &p.u[(point*p.cout+lo)*p.cin+c*(hi-lo)+m-lo]
}

// winogradPoint is G g G^T.
func winogradPoint(g *[9]float32) (u [winogradPoints]float64) {
	line := func(a, b, c float64) [4]float64 { return [4]float64{a, (a + b + c) / 2, (a - b + c) / 2, c} }
	var rows [3][4]float64
	for i := range rows {
		rows[i] = line(float64(g[3*i]), float64(g[3*i+1]), float64(g[3*i+2]))
	}
	for j := range 4 {
		for i, v := range line(rows[0][j], rows[1][j], rows[2][j]) {
			u[4*i+j] = v
		}
	}
	return u
}

// strips is how many strips there are.
func (p *PackedWinograd) strips() int { return len(p.rows) - 1 }

// row is where a strip begins.
func (p *PackedWinograd) row(strip int) int { return p.rows[strip] }

// Direct are the weights for [ConvPacked], to within rounding: they are put together
// again from the points when they are first asked for.
func (p *PackedWinograd) Direct() *PackedConv {
	p.once.Do(func() {
		w := make([]float32, 9*p.cin*p.cout)
		for r := range p.strips() {
			lo, hi := p.row(r), p.row(r+1)
			for m := lo; m < hi; m++ {
				for c := range p.cin {
					u := func(i, j int) float64 { return float64(*p.at(lo, hi, 4*i+j, c, m)) }
					g := w[(m*p.cin+c)*9:][:9]
					for i, row := range [3][2]int{{0, 0}, {1, 2}, {3, 3}} { // g's row 1 is a difference
						for j, col := range [3][2]int{{0, 0}, {1, 2}, {3, 3}} {
							v := u(row[0], col[0])
							if i == 1 {
								v -= u(row[1], col[0])
							}
							if j == 1 {
								v -= u(row[0], col[1])
							}
							if i == 1 && j == 1 {
								v += u(row[1], col[1])
							}
							g[3*i+j] = float32(v)
						}
					}
				}
			}
		}
		p.direct = PackConv(w, 1, p.cin, p.cout, 9)
	})
	return p.direct
}
