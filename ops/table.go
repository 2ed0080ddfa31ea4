package ops

//go:generate go run ../tools/optable ..

import "slices"

// families lists every operator this package has, a file or group of files per
// family. A test fails where one is missing.
func families() [][]Op {
	return slices.Concat(elementwiseFamilies(), movementFamilies(), networkFamilies())
	return [][]Op{
		binaryOps(),
		compareOps(),
		unaryOps(),
		activationOps(),
		clipOps(),
		variadicOps(),
		castOps(),
		softmaxOps(),
		axisOps(),
		reduceOps(),
		dropoutOps(),
		randomOps(),
		quantizeOps(),
		qmatmulOps(),
		lossOps(),
		trainingOps(),
		treeOps(),
		linearOps(),
		featureOps(),
		labelOps(),
		mapOps(),
		chooseOps(),
		concatOps(),
		constantOps(),
		controlOps(),
		gatherOps(),
		identityOps(),
		matmulOps(),
		optionalOps(),
		padOps(),
		recurrentOps(),
		reshapeOps(),
		scatterOps(),
		sequenceOps(),
		sliceOps(),
		transposeOps(),
	}
}
