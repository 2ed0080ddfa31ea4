package onnx

import "bytes"

// signatures are how files begin that people take for ONNX models. None is a valid beginning of one.
var signatures = []struct {
	at   int
	text string
	what string
}{
	{0, "version https://git-lfs", "a Git LFS pointer, not the file it stands for"},
	{0, "PK\x03\x04", "a zip archive, such as a PyTorch checkpoint"},
	{0, "\x89HDF", "an HDF5 file, such as a Keras model"},
	{0, "\x1f\x8b", "compressed with gzip"},
	{0, "<", "HTML or XML"},
	{0, "{", "JSON"},
	{4, "ORTM", "a model in ONNX Runtime's own format"},
	{4, "TFL3", "a TensorFlow Lite model"},
}

// explain puts the reason why decoding b failed in place of the error, if b is a well-known kind of other file.
func explain(b []byte, err error) error {
	for _, s := range signatures {
		if len(b) > s.at && bytes.HasPrefix(b[s.at:], []byte(s.text)) {
			return &FormatError{Problem: "is " + s.what, Offset: -1, Err: err}
		}
	}
	return err
}
