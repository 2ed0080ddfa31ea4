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
		normOps(),
		poolOps(),
		recurrentOps(),
		signalOps(),
	}
}
