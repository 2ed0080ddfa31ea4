package kernel

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// ChannelBlock is how many channels ONNX Runtime puts into a block on this machine.
func ChannelBlock() int {
	if runtime.GOARCH == "amd64" && !cpu.X86.HasAVX512F {
		return 8
	}
	return 16
}

// Unblock puts the weights of a convolution in order, for planes of area elements:
//
//	dst[o, i, p] = src[o/block, i/inner, p, i%inner, o%block]
//
// dst has whole blocks of output channels, and in is the number of input channels.
func Unblock(dst, src []float32, in, area, block, inner int) {
	for at := range dst {
		o, i, p := at/area/max(in, 1), at/area%max(in, 1), at%area
		dst[at] = src[(((o/block*(in/inner)+i/inner)*area+p)*inner+i%inner)*block+o%block]
	}
}
