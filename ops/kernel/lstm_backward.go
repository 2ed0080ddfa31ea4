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
	i, o, f, g := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:4*H]
	di, do, df, dg := dgates[:H], dgates[H:2*H], dgates[2*H:3*H], dgates[3*H:4*H]
	for j := range H {
		tc := float32(tanh64(float64(c[j])))
		dct := dc[j] + dh[j]*o[j]*(1-tc*tc)
		di[j] = dct * g[j] * i[j] * (1 - i[j])
		do[j] = dh[j] * tc * o[j] * (1 - o[j])
		df[j] = dct * cPrev[j] * f[j] * (1 - f[j])
		dg[j] = dct * i[j] * (1 - g[j]*g[j])
		dcPrev[j] = dct * f[j]
	}
}
