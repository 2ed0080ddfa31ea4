package runtime

import "slices"

// alignment of what lies in an arena, in bytes: a cache line and the widest
// vector.
const alignment = 64

// assign gives every region that is neither a view of something outside nor an
// output's its place in one arena, and returns the arena's size. Regions are
// placed in the order in which they come to life, each in the smallest gap that
// holds it among those free at that time.
func assign(regions []region) int {
	var order []int
	for i, r := range regions {
		if r.source < 0 && r.output < 0 && r.bytes > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if d := regions[a].first - regions[b].first; d != 0 {
			return d
		}
		return regions[b].bytes - regions[a].bytes
	})
	var a gaps
	ends := slices.Clone(order)
	slices.SortStableFunc(ends, func(a, b int) int { return regions[a].last - regions[b].last })
	next := 0
	for _, i := range order {
		r := &regions[i]
		for ; next < len(ends) && regions[ends[next]].last < r.first; next++ {
			e := regions[ends[next]]
			a.free(e.offset, roundUp(e.bytes))
		}
		r.offset = a.take(roundUp(r.bytes))
	}
	return a.size
}

func roundUp(n int) int { return (n + alignment - 1) &^ (alignment - 1) }

// gaps are the free stretches of an arena, by offset, none next to another.
type gaps struct {
	list []gap
	size int
}

type gap struct{ at, n int }

// take finds room for n bytes, growing the arena if no gap has it.
func (a *gaps) take(n int) int {
	best := -1
	for i, g := range a.list {
		if g.n >= n && (best < 0 || g.n < a.list[best].n) {
			best = i
		}
	}
	if best >= 0 {
		at := a.list[best].at
		if a.list[best].n == n {
			a.list = slices.Delete(a.list, best, best+1)
		} else {
			a.list[best].at += n
			a.list[best].n -= n
		}
		return at
	}
	at := a.size
	if k := len(a.list) - 1; k >= 0 && a.list[k].at+a.list[k].n == a.size { // a gap at the end grows
		at = a.list[k].at
		a.list = a.list[:k]
	}
	a.size = at + n
	return at
}

func (a *gaps) free(at, n int) {
	i, _ := slices.BinarySearchFunc(a.list, at, func(g gap, at int) int { return g.at - at })
	a.list = slices.Insert(a.list, i, gap{at, n})
	if i+1 < len(a.list) && at+n == a.list[i+1].at {
		a.list[i].n += a.list[i+1].n
		a.list = slices.Delete(a.list, i+1, i+2)
	}
	if i > 0 && a.list[i-1].at+a.list[i-1].n == at {
		a.list[i-1].n += a.list[i].n
		a.list = slices.Delete(a.list, i, i+1)
	}
}
