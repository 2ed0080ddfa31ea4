package kernel

// A winogradTask is a unit: tiles lo to hi, counted over all samples.
type winogradTask struct {
	*WinogradRun
	inputs, points, sums, spare []float32
	lo, hi                      int
}

// runs calls f for tiles that lie in one row of a sample: n of them, from column x of
// row y on; at is how many came before.
func (t *winogradTask) runs(f func(at, sample, y, x, n int)) {
	for i := t.lo; i < t.hi; {
		row, x := i/t.across, i%t.across
		n := min(t.across-x, t.hi-i)
		f(i-t.lo, row/t.down, row%t.down, x, n)
		i += n
	}
}

// transform makes the points of input channels c0 to c1:
// points[point*apart + c*pitch + tile].
func (t *winogradTask) transform(c0, c1 int) {
	a, v, band := t.a, t.w.v, &t.WinogradRun.band
	for first := t.lo; first < t.hi; { // as many rows as a band has, of one sample
		row := first / t.across
		sample, y := row/t.down, row%t.down
		last := min(t.hi, (row-y+min(t.down, y+band.rows/2))*t.across)
		held := ceilDiv(last, t.across) - row
		for c := c0; c < c1; c++ {
			band.fill(v, t.inputs, a.X[(sample*a.Cin+c)*a.InLen():][:a.InLen()], 2*y, 0, 2*held, 2*t.across, c > c0)
			for i := first; i < last; {
				n := min(t.across-i%t.across, last-i)
				v.winogradIn(n, &t.inputs[2*(i/t.across-row)*band.pitch+2*(i%t.across)], band.pitch, &t.points[c*t.pitch+i-t.lo], t.apart)
				i += n
			}
		}
		first = last
	}
}

// multiply makes a point of the sums of some strips.
func (t *winogradTask) multiply(point, r0, r1 int) {
	a, v, w := t.a, t.w.v, t.w
	n, width := t.hi-t.lo, v.convPanel()
	lowest, highest := noLimits()
	group := max(1, winogradHeld/(a.Cin*width)) * width
	for j := 0; j < n; j += group {
		b := t.points[point*t.apart+j:]
		held := min(group, n-j)
		whole := held / width
		tail := held % width
		vectors := ceilDiv(tail, v.lanes)
		for r := r0; r < r1; r++ {
			lo, hi := w.row(r), w.row(r+1)
			u, m := w.at(lo, hi, point, 0, lo), t.sums[point*t.apartSums+lo*t.pitch+j:]
			if whole > 0 {
				v.conv[width/v.lanes][hi-lo](a.Cin, whole, u, &b[0], width, &t.off[0], &m[0], t.pitch, v.lanes, nil, 0, &t.none[0], lowest, highest)
			}
			if first := held - tail; tail > 2 || tail > 0 && v.convPoint == nil {
				v.conv[vectors][hi-lo](a.Cin, 1, u, &b[first], width, &t.off[0], &m[first], t.pitch, tail-(vectors-1)*v.lanes, nil, 0, &t.none[0], lowest, highest)
			} else {
				for p := first; p < held; p++ {
					v.convPoint(a.Cin, hi-lo, u, &b[p], &t.off[0], &t.spare[0])
					for i, sum := range t.spare[:hi-lo] {
						m[i*t.pitch+p] = sum
					}
				}
			}
		}
	}
}

// outputs makes the outputs of n tiles of a row from their points m.
func (t *winogradTask) outputs(c int, m []float32, apart, sample, y, x, n int) {
	a, v := t.a, t.w.v
	width := a.Out[1]
	at := (sample*a.Cout+c)*a.OutLen() + 2*y*width + 2*x
	cols, second := min(2*n, width-2*x), 2*y+1 < a.Out[0]
	bias := float32(0)
	if a.Bias != nil {
		bias = a.Bias[c]
	}
	lo, hi := t.end.Lo, t.end.Hi
	if t.end.Add != nil {
		lo, hi = noLimits()
	}
	spare, spare1 := t.spare[:t.rowLen()], t.spare[t.rowLen():]
	direct := cols / 16 * 8 // tiles that may write whole vectors
	inPlace := func(from, n int) {
		y1 := &spare1[0]
		if second {
			y1 = &a.Y[at+width+2*from]
		}
		v.winogradOut(n, &m[from], apart, &a.Y[at+2*from], y1, bias, lo, hi)
	}
	if direct > 0 {
		inPlace(0, direct)
	}
	if direct > 0 && direct < n && cols == 2*n {
		inPlace(n-8, 8) // some of them again
	} else if direct < n {
		v.winogradOut(n-direct, &m[direct], apart, &spare[0], &spare1[0], bias, lo, hi)
		copy(a.Y[at+2*direct:at+cols], spare)
		if second {
			copy(a.Y[at+width+2*direct:at+width+cols], spare1)
		}
	}
	for r := range 2 {
		if r == 1 && !second {
			break
		}
		row := a.Y[at+r*width:][:cols]
		if t.end.Add != nil {
			v.add(row, row, t.end.Add[at+r*width:][:cols])
			v.scaleClip(row, row, 0, 1, 0, t.end.Lo, t.end.Hi)
		}
		if t.end.Act != nil {
			t.end.Act(row, row)
		}
	}
}
