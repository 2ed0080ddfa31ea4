package ops

// newBatchNormOld is BatchNormalization before opset 14: whether it trains is
// said by is_test up to opset 6 and by the number of outputs from 7 on, and
// spatial=0 (up to opset 8) has statistics for each feature instead of each
// channel.
func newBatchNormOld(a *Attrs) (Kernel, error) {
	k := &batchNorm{types: floats, eps: float64(a.Float("epsilon", 1e-5)), momentum: float64(a.Float("momentum", 0.9)),
		saved: true, oneType: true}
	if a.Opset < 6 {
		a.Ignore("consumed_inputs")
	}
	if a.Opset < 9 {
		k.wholeRow = !a.Bool("spatial", true)
	}
	if a.Opset < 7 {
		k.training = !a.Bool("is_test", false)
	} else {
		k.training = len(a.Outputs) > 1
	}
	return k, nil
}
