package ops

// families lists every operator this package has, a file or group of files per
// family. The order has no meaning.
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
		identityOps(),
		matmulOps(),
		recurrentOps(),
		reshapeOps(), constantOps(), concatOps(), transposeOps(), sliceOps(), gatherOps(), padOps(),
		controlOps(), sequenceOps(), optionalOps(), scatterOps(), chooseOps(),
	}
}
