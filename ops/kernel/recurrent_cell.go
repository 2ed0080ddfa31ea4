package kernel

// step takes the step s.t, the i-th of a block of steps whose input part of
// the gates is in s.pre.
func (s *RecurrenceScratch[T]) step(byTime bool, i, steps int) {
	n, a, H := s.n, s.a, s.n.hidden
	G := n.Kind.Gates() * H
	s.at, s.stride = s.pre[i*a.B*G:], G
	if !byTime {
		s.at, s.stride = s.pre[i*G:], steps*G
	}
	h := s.h
	if f, ok := any(s.last).([]float32); ok && n.Quantised {
		copy(s.last, s.h)
		for b, n := range a.SeqLens {
			if s.t >= int(n) {
				clear(s.last[b*H : (b+1)*H])
			}
		}
		RoundToRange(f, f)
		h = s.last
	}
	n.r[0].mul(s.p, a.B, h, H, s.gates, G, nil)
	if n.Kind == CellGRU && n.ResetLast {
		n.r[1].mul(s.p, a.B, s.h, H, s.last, H, n.resetBias)
	}
	grain := max(1, 1<<13/(G+1))
	s.second = false
	s.p.For(a.B, grain, s.cells)
	if n.Kind == CellGRU && !n.ResetLast {
		n.r[1].mul(s.p, a.B, s.last, H, s.gates[2*H:], G, nil)
		s.second = true
		s.p.For(a.B, grain, s.cells)
	}
}

// cellRange does the elementwise part of a step for sequences lo to hi.
func (s *RecurrenceScratch[T]) cellRange(lo, hi int) {
	n, a, H := s.n, s.a, s.n.hidden
	G := n.Kind.Gates() * H
	for b := lo; b < hi; b++ {
		active := a.SeqLens == nil || s.t < int(a.SeqLens[b])
		gates, pre, h := s.gates[b*G:(b+1)*G], s.at[b*s.stride:], s.h[b*H:(b+1)*H]
		switch n.Kind {
		case CellRNN:
			addTo(gates, pre)
			activateCell(&n.Acts[0], n.Clip, gates)
			if active {
				copy(h, gates)
			}
		case CellGRU:
			if n.gru(gates, pre, h, s.last[b*H:(b+1)*H], active, s.second) {
				continue // y comes with the second part
			}
		case CellLSTM:
			addTo(gates, pre)
			if active {
				n.lstm(gates, h, s.c[b*H:(b+1)*H])
			}
		}
		if a.Y == nil {
			continue
		}
		y := a.Y[s.t*a.YT+b*a.YB:][:H]
		if active {
			copy(y, h)
		} else {
			clear(y)
		}
	}
}

// gru does z and r (in gates, without the input's part) and, if the last gate
// resets last, that and the new h, with the recurrent part of the last gate in
// last. Otherwise it leaves r*h in last, reports true, and is called a second
// time with the recurrent part of the last gate in gates.
func (n *Recurrence[T]) gru(gates, pre, h, last []T, active, second bool) (again bool) {
	H := n.hidden
	z, r, g := gates[:H], gates[H:2*H], gates[2*H:3*H]
	if !second {
		addTo(gates[:2*H], pre)
		activateCell(&n.Acts[0], n.Clip, gates[:2*H])
		if !n.ResetLast {
			for j := range last {
				last[j] = r[j] * h[j]
			}
			return true
		}
		for j := range g {
			g[j] = r[j] * last[j]
		}
	}
	addTo(g, pre[2*H:])
	activateCell(&n.Acts[1], n.Clip, g)
	if active {
		for j := range h {
			h[j] = (1-z[j])*g[j] + z[j]*h[j]
		}
	}
	return false
}

// lstm updates h and c from the gates before their activations.
func (n *Recurrence[T]) lstm(gates, h, c []T) {
	H := n.hidden
	i, o, f, g := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:4*H]
	if n.peep != nil {
		mulAddTo(i, n.peep[:H], c)
		mulAddTo(f, n.peep[2*H:], c)
	}
	activateCell(&n.Acts[0], n.Clip, i)
	if n.InputForget {
		for j := range f {
			f[j] = 1 - i[j]
		}
	} else {
		activateCell(&n.Acts[0], n.Clip, f)
	}
	activateCell(&n.Acts[1], n.Clip, g)
	for j := range c {
		c[j] = f[j]*c[j] + i[j]*g[j]
	}
	if n.peep != nil {
		mulAddTo(o, n.peep[H:2*H], c)
	}
	activateCell(&n.Acts[0], n.Clip, o)
	copy(h, c)
	clip := n.Clip
	if n.CellUnclipped {
		clip = 0
	}
	activateCell(&n.Acts[2], clip, h)
	for j := range h {
		h[j] *= o[j]
	}
}

// addTo is dst[i] += src[i].
func addTo[T Float](dst, src []T) {
	src = src[:len(dst)]
	if f, ok := any(dst).([]float32); ok {
		Add(f, f, any(src).([]float32))
		return
	}
	for i, v := range src {
		dst[i] += v
	}
}

// mulAddTo is dst[i] += a[i] * b[i].
func mulAddTo[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}
