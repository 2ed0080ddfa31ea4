package ops

// families lists every operator this package has, a file or group of files per
// family, in alphabetical order. A test fails where one is missing.
func families() [][]Op {
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
