package ops

// movementFamilies lists what moves, chooses and arranges elements, and control flow.
func movementFamilies() [][]Op {
	return [][]Op{
		concatOps(),
		constantOps(),
		controlOps(),
		gatherOps(),
		identityOps(),
		optionalOps(),
		padOps(),
		reshapeOps(),
		scatterOps(),
		sequenceOps(),
		sliceOps(),
		textOps(),
		transposeOps(),
	}
}
