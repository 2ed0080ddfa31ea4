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
// # ONNX
//
// [ONNX] writes the model as a graph from raw values to raw values: the scaler
// and the window's normalisation are inside. See its comment for the forms.
package export
