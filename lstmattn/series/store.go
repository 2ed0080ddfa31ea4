package series

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"sort"
	"sync"
)

// store is a file of float32 rows, for data that don't fit in memory: the rows
// of each series in runs, as long as the memory allows to gather.
type store struct {
	file   *os.File
	size   int64 // of the file
	held   int   // values gathered and not written yet
	limit  int   // of those
	series []*runs
	bytes  []byte
}

// writtenAtOnce is how many values are turned into bytes at once.
const writtenAtOnce = 1 << 18

// runs are the rows of one series.
type runs struct {
	store  *store
	width  int
	first  []int   // the number of each run's first row
	offset []int64 // where it begins in the file
	rows   int     // how many rows are in the file
	tail   []float32
	fill   []float32 // by column, in place of NaN; nil to leave them
}

// newStore makes a file in dir. Where the system lets open files lose their
// names, nothing of it is left however the process ends.
func newStore(dir string, limit int) (*store, error) {
	f, err := os.CreateTemp(dir, "onda-series-*.f32")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return &store{file: f, limit: limit}, nil
}

// Close removes the file.
func (s *store) Close() error {
	err := s.file.Close()
	_ = os.Remove(s.file.Name())
	return err
}

func (s *store) add(width int) *runs {
	r := &runs{store: s, width: width}
	s.series = append(s.series, r)
	return r
}

func (r *runs) append(row []float32) error {
	r.tail = append(r.tail, row...)
	r.store.held += len(row)
	if r.store.held < r.store.limit {
		return nil
	}
	return r.store.flush()
}

// flush writes what is gathered. The room for it is used again, unless it has
// become more than twice the limit, as where one long series follows another.
func (s *store) flush() error {
	room := 0
	for _, r := range s.series {
		room += cap(r.tail)
	}
	for _, r := range s.series {
		if len(r.tail) == 0 {
			continue
		}
		r.first, r.offset = append(r.first, r.rows), append(r.offset, s.size)
		for piece := range slices.Chunk(r.tail, writtenAtOnce) {
			s.bytes = s.bytes[:0]
			for _, v := range piece {
				s.bytes = binary.LittleEndian.AppendUint32(s.bytes, math.Float32bits(v))
			}
			if _, err := s.file.WriteAt(s.bytes, s.size); err != nil {
				return err
			}
			s.size += int64(len(s.bytes))
		}
		r.rows += len(r.tail) / r.width
		if r.tail = r.tail[:0]; room > 2*s.limit {
			r.tail = nil
		}
	}
	s.held = 0
	return nil
}

// run is the run that row lies in.
func (r *runs) run(row int) int { return sort.SearchInts(r.first, row+1) - 1 }

func (r *runs) patch(row, column int, v float32) error {
	if row >= r.rows {
		r.tail[(row-r.rows)*r.width+column] = v
		return nil
	}
	k := r.run(row)
	at := r.offset[k] + 4*(int64(row-r.first[k])*int64(r.width)+int64(column))
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
	_, err := r.store.file.WriteAt(b[:], at)
	return err
}

var readBuffers = sync.Pool{New: func() any { return new([]byte) }}

// read sets dst to the rows from row on.
func (r *runs) read(dst []float32, row int) error {
	buffer := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buffer)
	for k := r.run(row); len(dst) > 0; k++ {
		end := r.rows
		if k+1 < len(r.first) {
			end = r.first[k+1]
		}
		n := min(len(dst), (end-row)*r.width)
		if cap(*buffer) < 4*n {
			*buffer = make([]byte, 4*n)
		}
		b := (*buffer)[:4*n]
		if _, err := r.store.file.ReadAt(b, r.offset[k]+4*int64(row-r.first[k])*int64(r.width)); err != nil {
			return err
		}
		for i := range n {
			v := math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
			if v != v && r.fill != nil {
				v = r.fill[i%r.width]
			}
			dst[i] = v
		}
		dst, row = dst[n:], end
	}
	return nil
}
