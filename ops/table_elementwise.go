package ops

// elementwiseFamilies lists what works element by element, along an axis, or
// with low precision, and ai.onnx.ml.
func elementwiseFamilies() [][]Op {
	return [][]Op{
		activationOps(),
		axisOps(),
		binaryOps(),
		castOps(),
		clipOps(),
		compareOps(),
		dropoutOps(),
		featureOps(),
		labelOps(),
		linearOps(),
		lossOps(),
		mapOps(),
		qconvOps(),
		qmatmulOps(),
		quantizeOps(),
		randomOps(),
		reduceOps(),
		softmaxOps(),
		trainingOps(),
		treeOps(),
		unaryOps(),
		variadicOps(),
	}
}
