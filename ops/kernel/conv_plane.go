package kernel

// narrowRow is up to how many elements the rows of an image are too short to be worth
// a call for each tap.
const narrowRow = 64

// narrow reports whether a depthwise convolution works on planes at a time.
func (a *ConvArgs[T]) narrow() bool {
	if a.N != 2 || a.Out[1] > narrowRow || a.Stride[1] > 2 {
		return false
	}
	rows, width := a.reach()
	return rows <= 1<<12 && width <= 1<<9
}

// reach is how many rows of how many elements the taps of all outputs read, padding
// counted.
func (a *ConvArgs[T]) reach() (rows, width int) {
	return (a.Out[0]-1)*a.Stride[0] + (a.Size[0]-1)*a.Dilation[0] + 1, (a.Out[1]-1)*a.Stride[1] + (a.Size[1]-1)*a.Dilation[1] + 1
}

// plane computes the output channels of one sample's group of one input channel x. A
// tap is added to as many rows at once as lie next to each other: the plane with its
// padding is laid out in scratch, and sums of that width beside it, of which the output
// takes what it wants.
func (a *ConvArgs[T]) plane(item int, x, scratch []T) {
	rows, width := a.reach()
	padded, sums := scratch[:rows*width], scratch[rows*width:][:a.Out[0]*width]
	clear(padded)
	left, right := max(a.Pad[1], 0), min(width, a.In[1]+a.Pad[1])
	for r := max(a.Pad[0], 0); r < min(rows, a.In[0]+a.Pad[0]) && left < right; r++ {
		copy(padded[r*width+left:r*width+right], x[(r-a.Pad[0])*a.In[1]+left-a.Pad[1]:])
	}
	span := (a.Out[1]-1)*a.Stride[1] + 1
	g := item % a.Group
	for c := range a.Cout {
		w := a.W[(g*a.Cout+c)*a.Taps():][:a.Taps()]
		bias := T(0)
		if a.Bias != nil {
			bias = a.Bias[g*a.Cout+c]
		}
		fillWith(sums, bias)
		for k, v := range w {
			from := padded[k/a.Size[1]*a.Dilation[0]*width+k%a.Size[1]*a.Dilation[1]:]
			if a.Stride[0] == 1 {
				axpyStep(sums[:(a.Out[0]-1)*width+span], v, from, 1)
				continue
			}
			for o := range a.Out[0] {
				axpyStep(sums[o*width:][:span], v, from[o*a.Stride[0]*width:], 1)
			}
		}
		y := a.Y[(item*a.Cout+c)*a.OutLen():][:a.OutLen()]
		for o := range a.Out[0] {
			row := sums[o*width:][:span]
			if a.Stride[1] == 1 {
				copy(y[o*a.Out[1]:], row)
				continue
			}
			for j := range a.Out[1] {
				y[o*a.Out[1]+j] = row[j*a.Stride[1]]
			}
		}
	}
}
