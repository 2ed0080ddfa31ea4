// Command compare measures Onda beside ONNX Runtime, the other Go runtimes and
// tract, on the same inputs with the same threads, and prints Markdown tables.
//
//	compare -onnxruntime libonnxruntime.so [-report RESULTS.md] [-readme README.md] MODELS
//
// MODELS are folders of folders with a model.onnx each, as
// testmodels/scripts/perf_models.py makes them. make compare does all of it.
//
// # How it measures
//
// A ratio is measured, never a time alone: the engines of a row are in one
// process and take turns, so that a drift of the machine's speed meets all of
// them. A turn is a pause, a run that doesn't count, and a run or as many as
// fill some milliseconds. The pause is for the threads of the turn before:
// ONNX Runtime's spin for tens of milliseconds after a run, and on a machine
// with as many cores as threads they would take a core from the engine whose
// turn it is, which is no property of that engine. The run that doesn't count
// wakes the threads that the pause put to sleep. Each round gives one ratio;
// the table has their median and quartiles. Every engine writes into memory
// that it keeps from run to run, and the outputs are compared.
//
// The traced seq2seq models come in two kinds: attention written out (its
// linear layers are shared by all steps of the decoder, so any engine that
// removes common subexpressions projects keys and values once), and
// nn.MultiheadAttention ("_mha"), whose trace cuts its packed weights anew at
// every step: once those cuts are folded every step has weights of its own.
//
// Our export and the hand-built model stand beside ONNX Runtime twice: beside
// its run of our export, with the same outputs, and beside its run of what
// PyTorch traces for a model of the same sizes, which is what a user has who
// doesn't train with Onda.
//
// Memory, and the peers that may be slow, hang or end the process, are measured
// in child processes, a peer beside Onda again.
//
// # Where things are
//
//	main.go        flags; the order of the tables; the summary
//	onda.go ort.go the engines of the first table, streaming included
//	made.go        the models made here: exports of the hand-built forecaster, one LSTM step
//	speed.go       the table of models beside ONNX Runtime
//	service.go     loading, memory, throughput, allocations
//	peers.go       the table of the other runtimes; tract.go and tract/ reach the Rust one
//	peers/         a program for each of the Go ones
//	child.go       child processes
//	table.go grid.go Markdown
//	bench/         tasks, sessions, taking turns, medians and quartiles
//
// It is a module of its own: ONNX Runtime is reached through cgo, which nothing
// that a user imports may need.
package main
