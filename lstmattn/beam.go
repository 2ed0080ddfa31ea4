package lstmattn

import (
	"cmp"
	"slices"
)

// A beamSearch keeps the best trajectories of each sequence. Rows of the decoder
// that have none yet repeat the first.
type beamSearch struct {
	trajectories
	density []float64 // (R)
	found   []int     // (N) trajectories of each sequence
	parents [][]int   // by position (R): the row each goes on from
	scratch []float32
}

func newBeamSearch(p *pass, steps int) *beamSearch {
	b := &beamSearch{trajectories: trajectories{pass: p, steps: steps, paths: p.fan}, density: make([]float64, p.rows*p.fan), found: make([]int, p.rows)}
	for n := range b.found {
		b.found[n] = 1
	}
	return b
}

// A branch is a trajectory that goes on from a row with the given values.
type branch struct {
	parent  int
	density float64
	values  []float32
	taken   bool
}

func (s *beamSearch) choose(position int, y, prev, next []float32) {
	width, W := s.config.segmentWidth(), s.paths
	parents, density := make([]int, len(s.density)), make([]float64, len(s.density))
	for n, found := range s.found {
		var branches [][]branch // by beam, best first
		for j := range found {
			branches = append(branches, s.branches(position, n*W+j, y))
		}
		s.found[n] = 0
		for j := range W {
			b := best(branches[:min(j+1, found)])
			if b == nil {
				b = &branches[0][0] // no other: repeat the first
			} else {
				s.found[n]++
			}
			b.taken = true
			r := n*W + j
			parents[r], density[r] = b.parent, b.density
			copy(piece(prev, r, width), b.values)
		}
	}
	s.density = density
	s.parents = append(s.parents, parents)
	s.take(prev)
	if next == nil {
		return
	}
	f, D, H := &s.state.frames[0], s.config.decoderInput(), s.config.HiddenSize
	for k := range f.hOut {
		s.exchange(f.hOut[k], parents, H, 0, H)
		s.exchange(f.cOut[k], parents, H, 0, H)
	}
	if s.attention != nil {
		s.exchange(next, parents, D, D-H, D)
	}
}

// best is the first branch not taken, of the largest density; nil if none is left.
func best(beams [][]branch) (most *branch) {
	for _, branches := range beams {
		for i := range branches {
			if b := &branches[i]; !b.taken {
				if most == nil || b.density > most.density {
					most = b
				}
				break
			}
		}
	}
	return most
}

// exchange gives each row of v columns lo to hi of its parent.
func (s *beamSearch) exchange(v []float32, parents []int, width, lo, hi int) {
	s.scratch = append(s.scratch[:0], v[:len(parents)*width]...)
	for r, parent := range parents {
		copy(v[r*width+lo:r*width+hi], s.scratch[parent*width+lo:])
	}
}

// branches are the best ways to go on from a row, as many as there are paths,
// best first. The density of a combination is the sum of its values', so the best
// of some values are among the best of fewer.
func (s *beamSearch) branches(position, row int, y []float32) []branch {
	width, C, n := s.config.segmentWidth(), s.head.candidates(), row/s.paths
	type partial struct {
		density float64
		before  int // in the list of the value before
		value   float32
	}
	lists := [][]partial{{{density: s.density[row]}}}
	for i := range s.inside(position) {
		numbers := piece(y, row*width+i, s.head.width)
		if s.head.kind == HeadQuantile {
			slices.Sort(numbers)
		}
		var list []partial
		for c := range C {
			value, density := s.head.candidate(numbers, c)
			for before, b := range lists[i] {
				list = append(list, partial{b.density + density - s.unit(n, i), before, value})
			}
		}
		slices.SortStableFunc(list, func(a, b partial) int { return cmp.Compare(b.density, a.density) })
		lists = append(lists, list[:min(len(list), s.paths)])
	}
	last := len(lists) - 1
	out := make([]branch, len(lists[last]))
	for i := range out {
		out[i] = branch{parent: row, density: lists[last][i].density, values: make([]float32, width)}
		for at, value := i, last; value > 0; value-- {
			out[i].values[value-1] = lists[value][at].value
			at = lists[value][at].before
		}
	}
	return out
}

// finish sorts the trajectories of each sequence, best first.
func (s *beamSearch) finish(f *Forecast, lo int) {
	W, width := s.paths, s.config.segmentWidth()
	for n := range len(s.found) {
		order := make([]int, W)
		for j := range order {
			order[j] = n*W + j
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.density[b], s.density[a]) })
		b, _ := s.column(n, 0)
		for j, r := range order {
			f.LogLikelihood[(lo+b)*W+j] += s.density[r]
			for position := len(s.values) - 1; position >= 0; position-- {
				s.write(f, lo, n, j, position, piece(s.values[position], r, width))
				r = s.parents[position][r]
			}
		}
	}
}
