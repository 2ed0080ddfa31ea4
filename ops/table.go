package ops

//go:generate go run ../tools/optable ..

import "slices"

// families lists every operator this package has, a file or group of files per
// family. A test fails where one is missing.
func families() [][]Op {
	return slices.Concat(elementwiseFamilies(), movementFamilies(), networkFamilies())
}
