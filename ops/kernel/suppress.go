package kernel

import "math"

// A Suppression chooses boxes in falling order of score, of equals the first, that
// overlap none chosen before by more than Overlap.
type Suppression struct {
	Boxes   [][4]float32 // as for [Overlap]
	Overlap float32
	Least   float32 // what scores must be above, if Limited
	Limited bool
	Most    int // of the chosen

	queue []uint64
}

// Choose appends the indices of the boxes chosen for scores to kept. halt is asked
// before each; after an error it returns that.
func (s *Suppression) Choose(kept []int, scores []float32, halt func() error) ([]int, error) {
	order := topKeys{real: true, flip: ^uint32(0)}
	s.queue = s.queue[:0]
	for i, v := range scores {
		if s.Limited && !(v > s.Least) {
			continue
		}
		if v != v { // the last of all
			s.queue = append(s.queue, math.MaxUint32<<32|uint64(i))
			continue
		}
		s.queue = append(s.queue, keyOf(&order, v, i))
	}
	queue := s.queue
	for i := len(queue)/2 - 1; i >= 0; i-- {
		sink(queue, i)
	}
	first := len(kept)
	for len(queue) > 0 && len(kept)-first < s.Most {
		if err := halt(); err != nil {
			return nil, err
		}
		box := int(uint32(queue[0]))
		end := len(queue) - 1
		queue[0] = queue[end]
		queue = queue[:end]
		sink(queue, 0)
		if !s.covered(box, kept[first:]) {
			kept = append(kept, box)
		}
	}
	return kept, nil
}

// covered reports whether a box overlaps one of others too much.
func (s *Suppression) covered(box int, others []int) bool {
	for _, o := range others {
		if Overlap(s.Boxes[box], s.Boxes[o]) > s.Overlap {
			return true
		}
	}
	return false
}

// sink mends a heap, whose root is the least, after element at grew.
func sink(heap []uint64, at int) {
	for c := 2*at + 1; c < len(heap); c = 2*at + 1 {
		if c+1 < len(heap) && heap[c+1] < heap[c] {
			c++
		}
		if heap[at] <= heap[c] {
			return
		}
		heap[at], heap[c] = heap[c], heap[at]
		at = c
	}
}
