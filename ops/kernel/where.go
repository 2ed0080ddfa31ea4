package kernel

// Where is
//
//	for i := range dst { if cond[i] { dst[i] = a[i] } else { dst[i] = b[i] } }
//
// for inputs (cond, a, b) broadcast as bc says.
func Where[T any](p *Pool, dst []T, cond []bool, a, b []T, bc *Broadcast) {
	n, grain := bc.Units()
	if p.Threads() == 1 || n <= grain {
		whereRange(dst, cond, a, b, bc, 0, n)
		return
	}
	shared := *bc
	p.For(n, grain, func(lo, hi int) { whereRange(dst, cond, a, b, &shared, lo, hi) })
}

func whereRange[T any](dst []T, cond []bool, a, b []T, bc *Broadcast, lo, hi int) {
	sc, sa, sb := bc.Step[0], bc.Step[1], bc.Step[2]
	if bc.Rows == 1 {
		whereRow(dst[lo:hi], cond[lo*sc:], a[lo*sa:], b[lo*sb:], sc, sa, sb)
		return
	}
	c := bc.At(lo)
	for r := lo; r < hi && bc.N > 0; r++ {
		whereRow(dst[r*bc.N:(r+1)*bc.N], cond[c.Off[0]:], a[c.Off[1]:], b[c.Off[2]:], sc, sa, sb)
		bc.Next(&c)
	}
}

func whereRow[T any](dst []T, cond []bool, a, b []T, sc, sa, sb int) {
	switch {
	case len(dst) == 0:
	case sc == 0:
		if !cond[0] {
			a, sa = b, sb
		}
		if sa == 1 {
			copy(dst, a)
			return
		}
		fillAll(dst, a[0])
	case sa == 1 && sb == 1:
		cond, a, b = cond[:len(dst)], a[:len(dst)], b[:len(dst)]
		for i, c := range cond {
			x, y := a[i], b[i] // both are read, which makes a choice of the branch
			if c {
				y = x
			}
			dst[i] = y
		}
	case sa == 1:
		other := b[0]
		cond, a = cond[:len(dst)], a[:len(dst)]
		for i, c := range cond {
			x, y := a[i], other
			if c {
				y = x
			}
			dst[i] = y
		}
	case sb == 1:
		other := a[0]
		cond, b = cond[:len(dst)], b[:len(dst)]
		for i, c := range cond {
			x, y := other, b[i]
			if c {
				y = x
			}
			dst[i] = y
		}
	default:
		x, other := a[0], b[0]
		for i, c := range cond[:len(dst)] {
			y := other
			if c {
				y = x
			}
			dst[i] = y
		}
	}
}

func fillAll[T any](dst []T, s T) {
	for i := range dst {
		dst[i] = s
	}
}
