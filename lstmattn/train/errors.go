package train

import "fmt"

// A DivergedError ends a training whose loss or parameters are no longer of
// use. The last checkpoint is from before.
type DivergedError struct {
	Step int    // whose loss it was, from 1
	What string // happened
	Best int    // the step of the best parameters before, which the model's folder has; 0 if nothing was evaluated yet
}

// Error names the step and what happened, and says what is kept and what to try.
func (e *DivergedError) Error() string {
	kept := "nothing is kept yet"
	if e.Best > 0 {
		kept = fmt.Sprintf("the best model, of step %d, is kept", e.Best)
	}
	return fmt.Sprintf("train: step %d: %s; %s; try a lower lr, a lower grad_clip, more schedule.warmup_steps, or look for outliers in the data", e.Step, e.What, kept)
}

// An UnfinishedError refuses to begin where the folder has the checkpoint of a
// training that was not finished.
type UnfinishedError struct {
	Checkpoint string // the file
	Step       int    // steps taken
}

// Error names the checkpoint and the two ways on.
func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("%s is of a training that stopped at step %d: resume it, or say that it may be overwritten", e.Checkpoint, e.Step)
}

// An InterruptedError ends a training whose context ended.
type InterruptedError struct {
	Step       int    // steps taken
	Checkpoint string // the file it can be resumed from; "" without one
	Cause      error  // the context's
}

// Error says where the checkpoint is.
func (e *InterruptedError) Error() string {
	if e.Checkpoint == "" {
		return fmt.Sprintf("train: stopped after step %d: %v", e.Step, e.Cause)
	}
	return fmt.Sprintf("train: stopped after step %d; %s has what is needed to resume", e.Step, e.Checkpoint)
}

// Unwrap is the context's error.
func (e *InterruptedError) Unwrap() error { return e.Cause }
