package onnx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
)

// LoadOption changes how a model is loaded.
type LoadOption func(*loadOptions)

type loadOptions struct {
	memoryLimit int64
	noExternal  bool
	noWrites    bool
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

// WithMemoryLimit refuses, with an error that is [ErrMemoryLimit], a model that would take more than about n bytes of
// memory: its structs, and files that are read because they cannot be mapped. Zero, the default, is no limit.
func WithMemoryLimit(n int64) LoadOption { return func(o *loadOptions) { o.memoryLimit = n } }

// WithoutExternalData leaves external data where they are: the tensors keep their External entries and have no RawData.
func WithoutExternalData() LoadOption { return func(o *loadOptions) { o.noExternal = true } }

// WithoutWrites promises that nobody writes to the tensors. What a mapped file takes of memory can then be given back
// while tensors still point into it (see Release in package ops/tensor).
func WithoutWrites() LoadOption { return func(o *loadOptions) { o.noWrites = true } }

// Load reads the model file at path and its external data, which must be in the same folder or below it; a symbolic link
// that leads out of the folder is refused, and so is anything that is not a regular file. Where the system allows it the
// files are mapped, not read: a mapped file may be replaced, but must not be truncated while the model is in use.
//
// External data become RawData: the tensors are as if they had been inside the file.
//
// The error is a *FormatError, or the system's for a file that cannot be read.
func Load(path string, opts ...LoadOption) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	o := newLoadOptions(opts)
	m, err := loadFile(f, &o)
	if err == nil && !o.noExternal && m.hasExternal() {
		var root *os.Root
		if root, err = os.OpenRoot(filepath.Dir(path)); err == nil {
			defer root.Close()
			err = m.loadExternal(&externalFiles{open: rootOpener(root), options: &o})
		}
	}
	return finish(m, path, err)
}

// LoadFS is Load from a file system. External data are looked for beside the model and below; no symbolic link is
// followed if fsys can tell one.
func LoadFS(fsys fs.FS, name string, opts ...LoadOption) (*Model, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	o := newLoadOptions(opts)
	m, err := loadFile(f, &o)
	if err == nil && !o.noExternal {
		err = m.loadExternal(&externalFiles{open: fsOpener(fsys, path.Dir(name)), options: &o})
	}
	return finish(m, name, err)
}

// LoadReader reads a model of at most 2 GiB to the end of r. External data stay where they are (see
// [Model.LoadExternal]).
func LoadReader(r io.Reader, opts ...LoadOption) (*Model, error) {
	o := newLoadOptions(opts)
	b, err := readAll(r, 0, &o)
	if err != nil {
		return finish(nil, "", err)
	}
	m, err := Decode(b, opts...)
	if err == nil {
		m.memory += int64(len(b))
	}
	return m, err
}

// LoadExternal reads the external data of a model that was decoded without them. Locations are relative to fsys; no
// symbolic link is followed if fsys can tell one. After an error some tensors have their data and others do not.
func (m *Model) LoadExternal(fsys fs.FS, opts ...LoadOption) error {
	o := newLoadOptions(opts)
	_, err := finish(m, "", m.loadExternal(&externalFiles{open: fsOpener(fsys, "."), options: &o}))
	return err
}

// finish gives the error of a load its file's name.
func finish(m *Model, name string, err error) (*Model, error) {
	if err == nil {
		return m, nil
	}
	var f *FormatError
	if errors.As(err, &f) {
		return nil, inFile(name, err)
	}
	if name != "" {
		return nil, fmt.Errorf("onnx: %s: %w", name, err)
	}
	return nil, fmt.Errorf("onnx: %w", err)
}

func loadFile(f fs.File, o *loadOptions) (*Model, error) {
	defer f.Close()
	b, owner, err := content(f, o)
	if err != nil {
		return nil, err
	}
	m := new(Model)
	d := &decoder{buf: b, owner: owner, memoryLimit: o.memoryLimit}
	if owner == nil {
		d.memory = int64(len(b))
	}
	if err = decodeMessage(d, m, 0, len(b)); err != nil {
		err = explain(b, err)
	}
	m.memory = d.memory
	runtime.KeepAlive(owner)
	if owner != nil {
		m.owners = append(m.owners, owner)
	}
	return m, err
}

// content is all of a file: a map, which is then kept alive by owner, or ordinary memory.
func content(f fs.File, o *loadOptions) (b []byte, owner *mapping, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return nil, nil, &FormatError{Problem: "is a folder, expected a file", Offset: -1}
	}
	size := info.Size()
	if file, ok := f.(*os.File); ok && info.Mode().IsRegular() && size > 0 {
		if owner, err = mapFile(file, size); err == nil {
			owner.noWrites = o.noWrites
			return owner.data, owner, nil
		}
	}
	b, err = readAll(f, size, o)
	return b, nil, err
}

// readAll reads to the end. The size is a hint and not trusted: what is allocated ahead is bounded.
func readAll(r io.Reader, size int64, o *loadOptions) ([]byte, error) {
	limit := int64(maxSize)
	var behind error
	if o.memoryLimit > 0 && o.memoryLimit < limit {
		limit, behind = o.memoryLimit, ErrMemoryLimit
	}
	const ahead = 64 << 20
	b := make([]byte, 0, max(512, min(size+1, limit, ahead)))
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			return nil, &FormatError{Problem: fmt.Sprintf("has more than %d bytes", limit), Offset: -1, Err: behind}
		}
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Memory is about how many bytes decoding and loading the model took, beside
// files that were mapped and bytes that were the caller's.
func (m *Model) Memory() int64 { return m.memory }
