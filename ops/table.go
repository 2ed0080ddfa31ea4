package ops

//go:generate go run ../tools/optable ..

import "slices"

// families lists every operator this package has, a file or group of files per
// family. A test fails where one is missing.
func families() [][]Op {
	return slices.Concat(elementwiseFamilies(), movementFamilies(), networkFamilies())
	return [][]Op{
		activationOps(),
		axisOps(),
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
		matmulOps(),
		optionalOps(),
		padOps(),
		randomOps(),
		recurrentOps(),
		reduceOps(),
		reshapeOps(),
		scatterOps(),
		sequenceOps(),
		sliceOps(),
		softmaxOps(),
		transposeOps(),
		unaryOps(),
		variadicOps(),
		reshapeOps(), constantOps(), concatOps(), transposeOps(), sliceOps(), gatherOps(), padOps(),
		controlOps(), sequenceOps(), optionalOps(),
		recurrentOps(), layerNormOps(), normOps(), batchNormOps(),
		controlOps(), sequenceOps(), optionalOps(), scatterOps(), chooseOps(), textOps(), resizeOps(), gridOps(), regionOps(),
	}
}
