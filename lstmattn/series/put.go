package series

import (
	"slices"

	"github.com/onda-ml/onda/lstmattn"
)

// put sets window k of b.
func (w *Windows) put(b *lstmattn.Batch, k int, rows []float32, sp *span) {
	f, L, T, width := w.frame, w.o.InputSize, w.o.Horizon, sp.series.width
	if f.Masked {
		if len(b.Weight) > 0 {
			weigh(b.Weight[k*T*len(f.Columns):][:T*len(f.Columns)], rows[L*width:], width)
		}
		// The history by itself first, so that no gap at its start is filled from
		// the target.
		Fill(rows[:L*width], sp.series.means)
		Fill(rows[(L-1)*width:], sp.series.means)
	}
	first, n := 0, len(f.Columns)
	take(b.X[k*L*n:][:L*n], rows, n, width, first)
	sp.scale.apply(b.X[k*L*n:][:L*n])
	if !w.latest {
		take(b.Target[k*T*n:][:T*n], rows[L*width:], n, width, first)
		sp.scale.apply(b.Target[k*T*n:][:T*n])
	}
	first, n = first+n, len(f.Past)
	take(b.Past[k*L*n:][:L*n], rows, n, width, first)
	first, n = first+n, len(f.Future)
	all := n + len(w.o.Calendar)
	for t := range L + T {
		copy(b.Future[(k*(L+T)+t)*all:][:n], rows[min(t*width+first, len(rows)):])
	}
	first, n = first+n, len(f.Static)
	copy(b.Static[k*n:][:n], rows[first:])
}

// putCalendar sets the calendar's part of window k's future covariates.
func (w *Windows) putCalendar(b *lstmattn.Batch, k int, s *Series, origin int) error {
	n := len(w.o.Calendar)
	if n == 0 {
		return nil
	}
	all, steps := len(w.frame.Future)+n, w.o.InputSize+w.o.Horizon
	for t := range steps {
		at, _ := s.Times.Time(origin - w.o.InputSize + t)
		row := b.Future[(k*steps+t+1)*all-n : (k*steps+t+1)*all]
		if _, err := lstmattn.AppendCalendar(row[:0], w.o.Calendar, at); err != nil {
			return err
		}
	}
	return nil
}

// take sets dst (rows, n) to n columns, from column first on, of src, which has
// as many rows of the given width, or more.
func take(dst, src []float32, n, width, first int) {
	for i := range len(dst) / max(n, 1) {
		copy(dst[i*n:(i+1)*n], src[i*width+first:])
	}
}

// weigh sets w (T, columns) to 1 where rows (T, width) has a value, else 0.
func weigh(w, rows []float32, width int) {
	n := len(w) / (len(rows) / width)
	for i := range w {
		w[i] = 1
		if v := rows[i/n*width+i%n]; v != v {
			w[i] = 0
		}
	}
}

// room is v with n elements, nil where n is 0.
func room(v []float32, n int) []float32 {
	if n == 0 {
		return nil
	}
	return slices.Grow(v[:0], n)[:n]
}
