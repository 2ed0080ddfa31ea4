// Package train trains forecasters: it runs epochs of shuffled batches through
// a model's gradient and an optimiser, on all cores, measures free-running
// forecasts of a validation set, keeps the best parameters, and can be stopped
// and resumed at any step.
//
//	cfg := train.DefaultConfig()
//	result, err := train.Run(ctx, model, training, validation, cfg, &train.Options{Dir: "out"})
//
// What is random (order of windows, dropout, teacher forcing) follows from the
// seed and a step's number alone. The same seed and number of threads give the
// same parameters, bit for bit, whether or not the training was interrupted.
//
// What belongs here: what happens between gradients. What does not: the
// gradient, its loss and the optimisers' arithmetic (lstmattn), files to windows
// (lstmattn/series), progress bars (tools/onda, through an Observer).
//
// # Where things are
//
//	config.go config_json.go   the section "training" of a config.json
//	schedule.go forcing.go     what changes from step to step
//	run.go                     the loop
//	evaluate.go measure.go     validation, what it keeps and ends
//	report.go errors.go        what an Observer and the caller are told
//	team.go optimizer.go       one step, on several cores
//	ema.go                     the moving average of the parameters
//	order.go                   the order of windows, seeds
//	data.go                    the sets of a frame
//	checkpoint.go same.go      the checkpoint's file, and what it must agree with
package train
