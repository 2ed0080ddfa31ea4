package ops

// newContribLinear is LinearAttention before it was ONNX's.
func newContribLinear(a *Attrs) (Kernel, error) {
	needDefaults(a, map[string]int64{"state_window": 0})
	if err := needInputs(a, 0, 1, 2); err != nil {
		return nil, err
	}
	return newLinearAttention(a)
}

// newContribCausal is CausalConvWithState before it was ONNX's, in one dimension and
// with the channels first.
func newContribCausal(a *Attrs) (Kernel, error) {
	needDefaults(a, map[string]int64{"ndim": 1, "dilation": 1, "channels_last": 0, "state_window": 0, "state_update_capacity": 0,
		"state_channels_last": -1, "state_length": 0, "input_channel_offset": 0, "input_channels": 0})
	if err := needInputs(a, 0, 1); err != nil {
		return nil, err
	}
	return newCausalConv(a)
}

// needDefaults refuses attributes that have another value than their default.
func needDefaults(a *Attrs, defaults map[string]int64) {
	for name, v := range defaults {
		if got := a.Int(name, v); got != v {
			a.Unsupported(name, "is %d", got)
		}
	}
}
