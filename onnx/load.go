package onnx

// LoadOption changes how a model is loaded.
type LoadOption func(*loadOptions)

type loadOptions struct {
	memoryLimit int64
	noExternal  bool
}

func newLoadOptions(opts []LoadOption) loadOptions {
	var o loadOptions
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return o
}

// WithMemoryLimit refuses a model whose structs would take more than about n bytes. Memory maps do not count.
func WithMemoryLimit(n int64) LoadOption { return func(o *loadOptions) { o.memoryLimit = n } }

// WithoutExternalData leaves external data where they are.
func WithoutExternalData() LoadOption { return func(o *loadOptions) { o.noExternal = true } }
