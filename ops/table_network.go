package ops

// networkFamilies lists what layers of networks are made of.
func networkFamilies() [][]Op {
	return [][]Op{
		batchNormOps(),
		layerNormOps(),
		matmulOps(),
		normOps(),
		recurrentOps(),
	}
}
