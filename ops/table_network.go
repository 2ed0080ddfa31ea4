package ops

// networkFamilies lists what layers of networks are made of.
func networkFamilies() [][]Op {
	return [][]Op{
		attentionOps(),
		batchNormOps(),
		contribAttentionOps(),
		contribDynamicOps(),
		contribFusedOps(),
		contribLastOps(),
		contribMatrixOps(),
		contribNBitsOps(),
		contribOps(),
		contribQuantisedOps(),
		convOps(),
		deformConvOps(),
		einsumOps(),
		flexAttentionOps(),
		fusedOps(),
		layerNormOps(),
		linearAttentionOps(),
		matmulOps(),
		nchwcOps(),
		normOps(),
		poolOps(),
		recurrentOps(),
		signalOps(),
	}
}
