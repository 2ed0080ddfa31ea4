package ops

// Upsample, and Resize of opset 10, place outputs at x/scale; their nearest
// mode takes the element before it when enlarging and the one after it when
// shrinking.

func newAsymmetric(mode string) *resize {
	if mode == "bilinear" {
		mode = "linear"
	}
	return &resize{mode: mode, nearest: "simple", coordinate: "asymmetric", keep: "stretch"}
}

func newResize10(a *Attrs) (Kernel, error) {
	k := newAsymmetric(a.Enum("mode", "nearest", "nearest", "linear", "bilinear"))
	k.scalesIn = 1
	return k, nil
}

func newUpsample9(a *Attrs) (Kernel, error) { return newResize10(a) }

func newUpsample7(a *Attrs) (Kernel, error) {
	a.Require("scales")
	k := newAsymmetric(a.Enum("mode", "nearest", "nearest", "linear", "bilinear"))
	k.scales = a.Floats("scales")
	return k, nil
}

func newUpsample1(a *Attrs) (Kernel, error) {
	a.Require("height_scale", "width_scale")
	k := newAsymmetric(a.Enum("mode", "nearest", "nearest", "bilinear"))
	k.scales = []float32{1, 1, a.Float("height_scale", 1), a.Float("width_scale", 1)}
	return k, nil
}
