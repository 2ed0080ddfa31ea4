package kernel

// topKHeaps is TopKAxis of any elements and any k, through a heap.
func topKHeaps[T Number](p *Pool, halt func() error, values []T, indices []int64, x []T, outer, n, inner, k int, least bool) {
	p.For(outer*inner, seriesGrain(n), func(lo, hi int) {
		heap, left := make([]int, 0, k), 0
		halted := func() bool {
			if left--; left >= 0 {
				return false
			}
			left = textsEvery
			return halt() != nil
		}
		for s := lo; s < hi; s++ {
			at := seriesAt(s, n, inner)
			// before reports whether element i precedes element j.
			before := func(i, j int) bool {
				a, b := x[at+i*inner], x[at+j*inner]
				if a == b || a != a && b != b {
					return i < j
				}
				if a != a || b != b {
					return (a != a) != least
				}
				return (a > b) != least
			}
			heap = heap[:0]
			for i := range n {
				if halted() {
					return
				}
				switch {
				case len(heap) < k:
					heap = append(heap, i)
					siftUp(heap, before)
				case before(i, heap[0]):
					heap[0] = i
					siftDown(heap, before)
				}
			}
			out := s/inner*k*inner + s%inner
			for m := len(heap) - 1; m >= 0; m-- { // the root is the last of those that remain
				if halted() {
					return
				}
				i := heap[0]
				values[out+m*inner], indices[out+m*inner] = x[at+i*inner], int64(i)
				heap[0] = heap[m]
				heap = heap[:m]
				siftDown(heap, before)
			}
		}
	})
}

// siftUp and siftDown mend a heap whose root precedes no other: the first after
// its last element, the second after its root changed.
func siftUp(heap []int, before func(i, j int) bool) {
	for c := len(heap) - 1; c > 0; {
		parent := (c - 1) / 2
		if !before(heap[parent], heap[c]) {
			return
		}
		heap[parent], heap[c] = heap[c], heap[parent]
		c = parent
	}
}

func siftDown(heap []int, before func(i, j int) bool) {
	for at := 0; 2*at+1 < len(heap); {
		c := 2*at + 1
		if c+1 < len(heap) && before(heap[c], heap[c+1]) {
			c++
		}
		if !before(heap[at], heap[c]) {
			return
		}
		heap[at], heap[c] = heap[c], heap[at]
		at = c
	}
}
