package kernel

// A transposedRows adds up what taps hold to planes of two dimensions, by rows: with a
// horizontal stride of 2 the even columns of a row first and the odd ones beside them.
type transposedRows struct {
	Window
	taps [maxRowTaps]rowTap // of a row
}

const maxRowTaps = 16

// A rowTap adds n values from column lo on to a row of phase, from column at on.
type rowTap struct{ phase, at, lo, n int }

// transposedLen is about how many values of taps are made at a time: they stay in a near
// cache until they are added.
const transposedLen = 1 << 16

// rowsOf is the window by which planes of w can be added up by rows; false where they
// can't.
func rowsOf(w *Window) (t transposedRows, ok bool) {
	image, ok := w.image()
	t.Window = image
	if !ok || image.Stride[1] > 2 || image.Out[1] < 8 || image.Taps() > 1<<10 || image.Size[1] > maxRowTaps {
		return t, false
	}
	for k := range image.Size[1] {
		lo, hi, at := image.span(k)
		t.taps[k] = rowTap{at % image.Stride[1], at / image.Stride[1], lo, hi - lo}
	}
	return t, true
}

// plane is
//
//	y[input of (o, k)] += col[k*OutLen + o]
//
// from y = bias. It works with room of the width of y and two.
func (t *transposedRows) plane(y, col []float32, bias float32, room []float32) {
	width, phases := t.In[1], t.Stride[1]
	n := t.OutLen()
	for r := range t.In[0] {
		line := y[r*width:][:width]
		rows := [2][]float32{line}
		if phases == 2 {
			rows = [2][]float32{room[: (width+1)/2 : (width+1)/2], room[(width+1)/2:][:width/2]}
		}
		var begun [2]bool
		for ky := range t.Size[0] {
			at := r + t.Pad[0] - ky*t.Dilation[0]
			if at < 0 || at%t.Stride[0] != 0 || at/t.Stride[0] >= t.Out[0] {
				continue
			}
			from := col[ky*t.Size[1]*n+at/t.Stride[0]*t.Out[1]:]
			for kx, tap := range t.taps[:t.Size[1]] {
				if tap.n == 0 {
					continue
				}
				row, src := rows[tap.phase], from[kx*n+tap.lo:][:tap.n]
				to := row[tap.at:][:tap.n]
				if begun[tap.phase] {
					active.add(to, to, src)
					continue
				}
				active.addScalar(to, src, bias)
				if tap.n < len(row) {
					fillWith(row[:tap.at], bias)
					fillWith(row[tap.at+tap.n:], bias)
				}
				begun[tap.phase] = true
			}
		}
		for phase, row := range rows[:phases] {
			if !begun[phase] {
				Fill(row, bias)
			}
		}
		if phases == 2 {
			active.interleave(line, rows[0][:width/2], rows[1])
			if width%2 != 0 {
				line[width-1] = rows[0][width/2]
			}
		}
	}
}

// convTransposeRows is ConvTranspose of float32 by rows: each thread multiplies and adds
// up blocks of its own.
func convTransposeRows(p *Pool, a *ConvTransposeArgs[float32], t *transposedRows) error {
	taps, in, out := a.Taps(), a.OutLen(), a.InLen()
	block := min(a.Block(), max(8, transposedLen/max(taps*in, 1)), max(4, ceilDiv(a.Cout, 4)))
	blocks := ceilDiv(a.Cout, block)
	p.For(a.Batch*a.Group*blocks, 1, func(lo, hi int) {
		s, buf := borrow(block*taps*in + t.In[1])
		defer s.release()
		col, room := buf[:block*taps*in], buf[block*taps*in:]
		for i := lo; i < hi && a.Stop() == nil; i++ {
			item, m0 := i/blocks, i%blocks*block
			g, n := item%a.Group, min(block, a.Cout-m0)
			Gemm(nil, true, false, n*taps, in, a.Cin, 1, a.W[(g*a.Cin*a.Cout+m0)*taps:], a.Cout*taps, a.X[item*a.Cin*in:], in, 0, col, in)
			for m := range n {
				bias := float32(0)
				if a.Bias != nil {
					bias = a.Bias[g*a.Cout+m0+m]
				}
				t.plane(a.Y[(item*a.Cout+m0+m)*out:][:out], col[m*taps*in:][:taps*in], bias, room)
			}
		}
	})
	return a.Stop()
}
