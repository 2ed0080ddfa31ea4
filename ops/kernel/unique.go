package kernel

import (
	"cmp"
	"slices"
)

// Unique groups n items that compare as cmp says. It returns for each distinct
// item the index of its first occurrence and how often it occurs, in rising
// order or else in that of their first occurrence, and for each item which
// distinct one it is.
func Unique(n int, sorted bool, cmp func(i, j int) int) (first, inverse, counts []int64) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, cmp)
	inverse = make([]int64, n)
	for k, i := range order {
		if k == 0 || cmp(order[k-1], i) != 0 {
			first, counts = append(first, int64(i)), append(counts, 0)
		}
		inverse[i] = int64(len(first) - 1)
		counts[len(counts)-1]++
	}
	if sorted {
		return first, inverse, counts
	}
	// Renumber the groups by their first occurrence.
	rank := make([]int64, len(first))
	byFirst := make([]int, len(first))
	for g := range byFirst {
		byFirst[g] = g
	}
	slices.SortFunc(byFirst, func(a, b int) int { return int(first[a] - first[b]) })
	inOrder, ordered := make([]int64, len(first)), make([]int64, len(first))
	for k, g := range byFirst {
		rank[g], inOrder[k], ordered[k] = int64(k), first[g], counts[g]
	}
	for i, g := range inverse {
		inverse[i] = rank[g]
	}
	return inOrder, inverse, ordered
}

// CompareNaNLast is cmp.Compare with NaN above everything instead of below.
func CompareNaNLast[T Number](a, b T) int {
	switch {
	case a != a && b != b:
		return 0
	case a != a:
		return 1
	case b != b:
		return -1
	}
	return cmp.Compare(a, b)
}

// CompareComplex orders by the real part and then by the imaginary one.
func CompareComplex(a, b complex128) int {
	return cmp.Or(CompareNaNLast(real(a), real(b)), CompareNaNLast(imag(a), imag(b)))
}
