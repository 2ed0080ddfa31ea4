package ops

// Before opset 13 Split had its sizes as an attribute.

func newSplit2(a *Attrs) (Kernel, error) {
	return split{axis: a.Int("axis", 0), sizes: attrInts(a, "split"), outputs: len(a.Outputs)}, nil
}
