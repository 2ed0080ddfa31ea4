package ops

// movementFamilies lists what moves, chooses and arranges elements, and control flow.
func movementFamilies() [][]Op {
	return [][]Op{
		chooseOps(),
		concatOps(),
		constantOps(),
		contribMovementOps(),
		contribTextOps(),
		controlOps(),
		gatherOps(),
		gridOps(),
		identityOps(),
		optionalOps(),
		padOps(),
		regionOps(),
		reshapeOps(),
		resizeOps(),
		scatterOps(),
		sequenceOps(),
		sliceOps(),
		textOps(),
		transposeOps(),
	}
}
