// Package runtime loads an ONNX model and runs it.
//
//	model, err := runtime.Load("model.onnx")
//	out, err := model.Run(ctx, map[string]*tensor.Tensor{"x": x})
//
// A [Model] is immutable and serves any number of goroutines at once. Input
// shapes may differ from run to run wherever the model leaves them symbolic.
// [Model.RunInto] writes into memory of the caller's and allocates nothing once
// it is warm; [Model.NewState] streams, feeding outputs back as inputs.
//
// # How a model becomes a run
//
//	load.go          a file becomes a Model (model.go), as the caller's options (options.go) say
//	bind*.go         the file's nodes become kernels, names become slots (graph.go); function.go expands functions
//	compile.go       at load: rewrites until nothing changes, then prepack.go packs the constants
//	work.go          one sweep: infer, fold; extents.go, fold.go, merge.go, simplify*.go, control.go, inline.go are its parts
//	rewrite*.go      fusions, each with a name that WithoutRewrite turns off
//	plans.go         a plan for every set of input shapes, made once; the one not used for longest goes first
//	plan.go          the steps of a plan; unroll.go writes out Loops of a known count
//	layout.go        where each value lies; arena.go lays out the memory
//	parts.go         layers of large images take the batch a few images at a time
//	together.go      large steps that don't wait for each other, side by side; the layers of a stack too
//	exec.go          a run takes a plan and an idle instance of it; into.go is RunInto
//	instance.go      a plan's memory, for one goroutine at a time; steps.go runs, results.go hands over
//	subrun.go        the same for the subgraphs of If, Loop and Scan (body.go)
//	memory.go        what a run may hold, counted
//	naive.go         the plain interpreter: none of this, and the oracle for all of it
//
// # Limits
//
// What a run holds at a time is counted against [WithMemoryLimit], or against
// the machine's memory where none is set, before it is taken. A context that is
// cancelled ends a run between steps and, within long steps, every few
// milliseconds. A panic of an operator becomes an error that matches
// [ErrInternal]. Folding and inference at load are bounded in memory and time.
//
// What belongs here: binding a graph's nodes to operators, the plain
// interpreter, the compiled plan with its graph rewrites, memory layout and
// caches, streaming state, limits, errors. What does not: what any one operator
// computes (ops), the file format (onnx), any model family (lstmattn).
package runtime
