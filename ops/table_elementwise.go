package ops

// elementwiseFamilies lists what works element by element, along an axis, or with low precision.
func elementwiseFamilies() [][]Op {
	return [][]Op{
		activationOps(),
		axisOps(),
		binaryOps(),
		castOps(),
		clipOps(),
		compareOps(),
		dropoutOps(),
		lossOps(),
		qmatmulOps(),
		quantizeOps(),
		randomOps(),
		reduceOps(),
		softmaxOps(),
		trainingOps(),
		unaryOps(),
		variadicOps(),
	}
}
