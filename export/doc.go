// Package export is how models of package lstmattn leave and come back: a
// model directory, which this package reads and writes, and ONNX, which it
// writes for any runtime to read.
//
// # A model directory
//
//	config.json         format_version, model_type and the fields of lstmattn.Config
//	model.safetensors   the parameters and the scaler's buffers
//
// The parameters have PyTorch's names and gate order (i, f, g, o), so a module
// built as the comment of package lstmattn describes takes the file's tensors by
// load_state_dict. A file that PyTorch wrote is read back the same way. The
// file's metadata carry the configuration and a checksum, which are checked on
// reading where they are present.
//
// Both files are written beside their place and renamed into it, so that a
// reader, or a crash, finds the old one or the new one, whole. The same model
// gives the same bytes.
//
//	dir.go          the directory: Save, Load, which pairs of files belong together
//	config.go       config.json, its versions, and sections that are not the model's
//	safetensors.go  model.safetensors, in PyTorch's names and gate order
//	atomic.go       a file beside its place, then renamed
//
// # ONNX
//
// [ONNX] writes a model of any configuration as a graph from raw values to raw
// values: the scalers and the window's normalisation are inside. See its comment
// for the forms.
//
//	onnx.go         the options, what the files are, their metadata
//	forms.go        whole graphs: all steps at once, a Loop, unrolled, split in two
//	sequences.go    windows as sequences of segments and back, the linear skip
//	covariates.go   the inputs, covariates in what the network reads
//	layers.go       from raw values to the decoder's first state
//	attention.go decoder.go   a step of the decoder; all positions of direct decoding
//	heads.go        the output layer's numbers as raw values
//	builder.go      nodes and constants
package export
