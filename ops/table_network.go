package ops

// networkFamilies lists what layers of networks are made of.
func networkFamilies() [][]Op {
	return [][]Op{
		attentionOps(),
		batchNormOps(),
		convOps(),
		einsumOps(),
		fusedOps(),
		layerNormOps(),
		matmulOps(),
		normOps(),
		poolOps(),
		recurrentOps(),
	}
}
