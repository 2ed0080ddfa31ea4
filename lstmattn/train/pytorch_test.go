package train

// Made by testdata/schedules.py with PyTorch 1.13.0a0.

var pytorchRates = map[string]struct {
	schedule Schedule
	lr       float64
	rates    []float64
	losses   []float64
}{
	"constant": {
		Schedule{Kind: Constant}, 0.3,
		[]float64{0.3, 0.3, 0.3, 0.3, 0.3},
		nil,
	},
	"cosine": {
		Schedule{Kind: Cosine, MinRate: .02}, 0.5,
		[]float64{0.5, 0.491822198309, 0.467846096908, 0.429705627485, 0.38, 0.322116570825, 0.26, 0.197883429175, 0.14, 0.0902943725152, 0.0521539030917, 0.0281778016906, 0.02},
		nil,
	},
	"warm-up": {
		Schedule{Kind: Cosine, MinRate: .01, WarmupSteps: 4}, 0.4,
		[]float64{0.1, 0.2, 0.3, 0.4, 0.4, 0.396253129679, 0.38515650884, 0.367136574399, 0.342885822331, 0.313336195439, 0.279623269311, 0.243042612793, 0.205, 0.166957387207, 0.130376730689, 0.0966638045612, 0.0671141776686, 0.042863425601, 0.0248434911603, 0.0137468703214, 0.01},
		nil,
	},
	"step": {
		Schedule{Kind: StepDown, StepEpochs: 3, Gamma: .5}, 0.2,
		[]float64{0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025},
		nil,
	},
	"plateau": {
		Schedule{Kind: Plateau, Factor: .3, Patience: 1, Threshold: 1e-4, MinRate: .004}, 0.1,
		[]float64{0.1, 0.1, 0.1, 0.1, 0.03, 0.03, 0.009, 0.009, 0.009, 0.004, 0.004},
		[]float64{5, 4, 4.2, 3.9999, 4.1, 4.3, 3, 3.1, 3.2, 3.3, 3.4},
	},
}

// A parameter at six steps, and its average with decay 0.9.
var pytorchAverages = struct{ values, averages []float64 }{
	[]float64{3, -1, 0.25, 8, -5.5, 1},
	[]float64{3, 2.6, 2.365, 2.9285, 2.08565, 1.977085},
}
