package ops

// families lists every operator this package has, a file or group of files per
// family, in alphabetical order. A test fails where one is missing.
func families() [][]Op {
	return [][]Op{
		activationOps(),
		axisOps(),
		batchNormOps(),
		binaryOps(),
		castOps(),
		chooseOps(),
		clipOps(),
		compareOps(),
		concatOps(),
		constantOps(),
		controlOps(),
		dropoutOps(),
		gatherOps(),
		identityOps(),
		layerNormOps(),
		lossOps(),
		matmulOps(),
		normOps(),
		optionalOps(),
		padOps(),
		qmatmulOps(),
		quantizeOps(),
		randomOps(),
		recurrentOps(),
		reduceOps(),
		reshapeOps(),
		scatterOps(),
		sequenceOps(),
		sliceOps(),
		softmaxOps(),
		textOps(),
		trainingOps(),
		transposeOps(),
		unaryOps(),
		variadicOps(),
	}
}
