package kernel

import "math"

// A CellAct is an activation that a recurrent cell may have.
type CellAct uint8

// The activations of recurrent cells.
const (
	CellSigmoid         CellAct = iota // 1 / (1 + exp(-x))
	CellTanh                           // tanh(x)
	CellRelu                           // max(x, 0)
	CellAffine                         // alpha*x + beta
	CellLeakyRelu                      // x where x >= 0, else alpha*x
	CellThresholdedRelu                // x where x >= alpha, else 0
	CellScaledTanh                     // alpha * tanh(beta*x)
	CellHardSigmoid                    // min(max(alpha*x + beta, 0), 1)
	CellElu                            // x where x >= 0, else alpha*(exp(x)-1)
	CellSoftsign                       // x / (1 + |x|)
	CellSoftplus                       // log(1 + exp(x))
)

// A CellActivation is an activation with its parameters.
type CellActivation struct {
	Act         CellAct
	Alpha, Beta float64
}

// activateCell is
//
//	for i := range x { x[i] = act(min(max(x[i], -clip), clip)) }
//
// where a clip of 0 doesn't clip. NaN gives NaN.
func activateCell[T Float](act *CellActivation, clip T, x []T) {
	if clip > 0 {
		for i, v := range x {
			x[i] = min(max(v, -clip), clip)
		}
	}
	if f, ok := any(x).([]float32); ok {
		switch act.Act {
		case CellSigmoid:
			Sigmoid(f, f)
			return
		case CellTanh:
			Tanh(f, f)
			return
		case CellRelu:
			Relu(f, f)
			return
		}
	}
	alpha, beta := act.Alpha, act.Beta
	switch act.Act {
	case CellSigmoid:
		for i, v := range x {
			x[i] = T(1 / (1 + math.Exp(-float64(v))))
		}
	case CellTanh:
		for i, v := range x {
			x[i] = T(math.Tanh(float64(v)))
		}
	case CellRelu:
		for i, v := range x {
			x[i] = max(v, 0)
		}
	case CellAffine:
		for i, v := range x {
			x[i] = T(alpha*float64(v) + beta)
		}
	case CellLeakyRelu:
		for i, v := range x {
			if v < 0 {
				x[i] = T(alpha * float64(v))
			}
		}
	case CellThresholdedRelu:
		for i, v := range x {
			if float64(v) < alpha {
				x[i] = 0
			}
		}
	case CellScaledTanh:
		for i, v := range x {
			x[i] = T(alpha * math.Tanh(beta*float64(v)))
		}
	case CellHardSigmoid:
		for i, v := range x {
			x[i] = T(min(max(alpha*float64(v)+beta, 0), 1))
		}
	case CellElu:
		for i, v := range x {
			if v < 0 {
				x[i] = T(alpha * math.Expm1(float64(v)))
			}
		}
	case CellSoftsign:
		for i, v := range x {
			x[i] = T(float64(v) / (1 + math.Abs(float64(v))))
		}
	case CellSoftplus:
		for i, v := range x {
			x[i] = T(softplus64(float64(v)))
		}
	}
}

// softplus64 is log(1 + exp(x)) without overflow.
func softplus64(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
