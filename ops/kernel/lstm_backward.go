package kernel

// LSTMCellBackward is the backward pass of the elementwise part of one step of
// one sequence. gates (4H, order i, o, f, c after the activations), c and
// cPrev (H) are the forward pass's; dh and dc (H) are the gradients of the
// step's h and of its c through later steps:
//
//	tc = tanh(c)
//	dct = dc + dh*o*(1-tc*tc)
//	dgates = [dct*g*i*(1-i), dh*tc*o*(1-o), dct*cPrev*f*(1-f), dct*i*(1-g*g)]
//	dcPrev = dct * f
//
// dgates and dcPrev are set, not added to; dcPrev may be dc.
func LSTMCellBackward(dgates, dcPrev, dh, dc, gates, c, cPrev []float32) {
	H := len(dcPrev)
	active.cellBackward(dgates[:4*H], dcPrev, dh[:H], dc[:H], gates[:4*H], c[:H], cPrev[:H])
}
