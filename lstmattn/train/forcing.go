package train

import "math"

// Decay is how the ratio of teacher forcing falls.
type Decay string

// The decays of scheduled sampling (Bengio et al. 2015), where i counts steps
// of the optimiser.
const (
	Fixed          Decay = "fixed"           // stays
	Linear         Decay = "linear"          // 1 - i/n
	Exponential    Decay = "exponential"     // k^i, k below 1
	InverseSigmoid Decay = "inverse_sigmoid" // k / (k + exp(i/k)), k at least 1
)

// What one draw of teacher forcing decides.
const (
	PerStep  = "step"  // one step of the decoder
	PerBatch = "batch" // all steps of all windows of a batch
)

// TeacherForcing is how the ratio goes from the model's teacher_forcing_ratio to
// End, where it is after DecayEpochs. The comments give the names in JSON.
type TeacherForcing struct {
	Decay       Decay   // decay
	Per         string  // per: step or batch
	End         float64 // end: the last ratio; 0 is free running
	DecayEpochs float64 // decay_epochs: until End; 0 for half of all epochs
	K           float64 // k of the formulas; 0 for the one that leaves a hundredth at the end of the decay
}

func (t *TeacherForcing) problems(refuse func(string, ...any)) {
	switch t.Decay {
	case Fixed, Linear:
	case Exponential:
		if !(t.K >= 0 && t.K < 1) {
			refuse("teacher_forcing.k is %v, must be at least 0 and below 1 for exponential", t.K)
		}
	case InverseSigmoid:
		if t.K != 0 && !(t.K >= 1) || math.IsInf(t.K, 1) {
			refuse("teacher_forcing.k is %v, must be 0 or at least 1 for inverse_sigmoid", t.K)
		}
	default:
		refuse("teacher_forcing.decay is %q, must be fixed, linear, exponential or inverse_sigmoid", t.Decay)
	}
	if t.Per != PerStep && t.Per != PerBatch {
		refuse("teacher_forcing.per is %q, must be step or batch", t.Per)
	}
	if !(t.End >= 0 && t.End <= 1) {
		refuse("teacher_forcing.end is %v, must be between 0 and 1", t.End)
	}
	if !(t.DecayEpochs >= 0) || math.IsInf(t.DecayEpochs, 1) {
		refuse("teacher_forcing.decay_epochs is %v, must be a number of at least 0", t.DecayEpochs)
	}
}

// ratio is the ratio at step i of a decay over n steps from start.
func (t *TeacherForcing) ratio(start float64, i, n int) float64 {
	if t.Decay == Fixed {
		return start
	}
	if i >= n {
		return t.End
	}
	return t.End + (start-t.End)*t.left(float64(i), float64(n))
}

// left is the part of the ratio that the decay leaves, from 1 to about 0.
func (t *TeacherForcing) left(i, n float64) float64 {
	k := t.K
	switch t.Decay {
	case Exponential:
		if k == 0 {
			k = math.Pow(.01, 1/n)
		}
		return math.Pow(k, i)
	case InverseSigmoid:
		if k == 0 {
			k = sigmoidScale(n)
		}
		return k / (k + math.Exp(i/k))
	}
	return 1 - i/n
}

// sigmoidScale is the k with k/(k+exp(n/k)) = 1/100, that is n = k*ln(99*k).
func sigmoidScale(n float64) float64 {
	lo, hi := 1., max(n, 1)
	for range 60 {
		if k := (lo + hi) / 2; k*math.Log(99*k) < n {
			lo = k
		} else {
			hi = k
		}
	}
	return hi
}
