package train

// Options of a training; nil or the zero value is fine.
type Options struct {
	// Dir is where the best model is kept, as export.Save writes it, and the
	// checkpoint beside it; "" for no files.
	Dir string
	// Resume goes on from Dir's checkpoint, if there is one.
	Resume bool
	// Overwrite starts anew where Dir has the checkpoint of a training that was
	// not finished, which is an error otherwise.
	Overwrite bool
	// Observer is told how it goes; nil for nobody.
	Observer Observer
}

// An Observer is told of a training's progress, in its goroutine.
type Observer interface {
	// Step is called after every step of the optimiser.
	Step(StepReport)
	// Evaluation is called after every validation, or where there is no
	// validation set, when one would have been. The model has the parameters that
	// were judged, with Config.EMADecay the average.
	Evaluation(EvaluationReport)
}

// A StepReport is what happened in a step.
type StepReport struct {
	Step           int     `json:"step"` // from 1
	TotalSteps     int     `json:"total_steps"`
	Epoch          int     `json:"epoch"` // from 1
	Epochs         int     `json:"epochs"`
	Windows        int     `json:"windows"` // of the batch
	Loss           float64 `json:"loss"`
	GradientNorm   float64 `json:"gradient_norm"` // before clipping
	LearningRate   float64 `json:"lr"`
	TeacherForcing float64 `json:"teacher_forcing"` // the ratio
}

// An EvaluationReport is what a validation gave.
type EvaluationReport struct {
	Step         int          `json:"step"`
	Epoch        int          `json:"epoch"`      // from 1
	TrainLoss    float64      `json:"train_loss"` // the mean over the steps since the last evaluation
	LearningRate float64      `json:"lr"`
	Validation   *Measurement `json:"validation,omitempty"` // nil without a validation set
	Improved     bool         `json:"improved"`
	Bad          int          `json:"bad"` // validations since the best
}

// A Result is what a training came to.
type Result struct {
	Steps    int          `json:"steps"`
	Epochs   int          `json:"epochs"`         // that were begun
	Why      string       `json:"why"`            // it ended: "early stopping", "epochs" or "max_steps"
	BestStep int          `json:"best_step"`      // after which the best parameters were
	Best     *Measurement `json:"best,omitempty"` // of them on the validation set; nil without one
	Resumed  int          `json:"resumed"`        // the step that the training went on from, 0 if it began anew
}
