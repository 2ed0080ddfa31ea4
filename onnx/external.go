package onnx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// externalFiles reads the files that external tensors name, each once.
type externalFiles struct {
	open    func(name string) (fs.File, error)
	options *loadOptions
	files   map[string]*externalFile
	memory  int64 // of files that were read, not mapped
}

type externalFile struct {
	data  []byte
	owner *mapping
}

func (m *Model) hasExternal() bool {
	found := false
	_ = m.eachTensor(func(_ *place, t *Tensor) error {
		found = found || t.DataLocation == LocationExternal
		return nil
	})
	return found
}

// loadExternal turns the external data of every tensor into RawData.
func (m *Model) loadExternal(files *externalFiles) error {
	files.files, files.memory = map[string]*externalFile{}, m.memory
	err := m.eachTensor(func(p *place, t *Tensor) error {
		if t.DataLocation != LocationExternal {
			return nil
		}
		if err := files.load(t); err != nil {
			return within(p.String(), err)
		}
		return nil
	})
	for _, f := range files.files {
		if f.owner != nil {
			m.owners = append(m.owners, f.owner)
		}
	}
	m.memory = files.memory
	return err
}

func (l *externalFiles) load(t *Tensor) error {
	ref, err := t.externalRef()
	if err != nil {
		return err
	}
	f, err := l.file(ref.location)
	if err != nil {
		return err
	}
	size := int64(len(f.data))
	if ref.offset > size || ref.length > size-ref.offset {
		return externalProblem(ref.location, "offset %d and length %d, but the file has %d bytes", ref.offset, ref.length, size)
	}
	end := ref.offset + ref.length
	t.RawData, t.owner = f.data[ref.offset:end:end], f.owner
	t.External, t.DataLocation = nil, LocationDefault
	return nil
}

func (l *externalFiles) file(location string) (*externalFile, error) {
	name, err := cleanLocation(location)
	if err != nil {
		return nil, err
	}
	if f := l.files[name]; f != nil {
		return f, nil
	}
	file, err := l.open(name)
	if err != nil {
		e := externalProblem(location, "%s", systemProblem(err))
		e.Err = err
		return nil, e
	}
	defer file.Close()
	left := *l.options
	if left.memoryLimit > 0 {
		left.memoryLimit = max(1, left.memoryLimit-l.memory)
	}
	data, owner, err := content(file, &left)
	if err != nil {
		return nil, within("external data "+quote(location), asFormatError(err))
	}
	if owner == nil {
		l.memory += int64(len(data))
	}
	f := &externalFile{data, owner}
	l.files[name] = f
	return f, nil
}

// externalRef is a tensor's external data: where they are, and as many bytes as the shape asks for.
type externalRef struct {
	location       string
	offset, length int64
}

func (t *Tensor) externalRef() (externalRef, error) {
	var r externalRef
	values := map[string]string{}
	for _, e := range t.External {
		if _, twice := values[e.Key]; twice {
			return r, &FormatError{Problem: fmt.Sprintf("external data: key %s twice", quote(e.Key)), Offset: -1}
		}
		values[e.Key] = e.Value
	}
	r.location = values["location"]
	if r.location == "" {
		return r, &FormatError{Problem: "external data: no location", Offset: -1}
	}
	count, ok := ElementCount(t.Dims)
	if ok {
		r.length, ok = t.DataType.ByteSize(count)
	}
	if !ok {
		return r, externalProblem(r.location, "no size for %s of shape %v", t.DataType, t.Dims)
	}
	if s, given := values["offset"]; given {
		if r.offset, ok = parseSize(s); !ok {
			return r, externalProblem(r.location, "offset %s, expected a number of bytes", quote(s))
		}
	}
	if s, given := values["length"]; given {
		length, ok := parseSize(s)
		if !ok {
			return r, externalProblem(r.location, "length %s, expected a number of bytes", quote(s))
		}
		if length != r.length {
			return r, externalProblem(r.location, "length %d, expected %d bytes for %s of shape %v", length, r.length, t.DataType, t.Dims)
		}
	}
	return r, nil
}

func parseSize(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0
}

func externalProblem(location, format string, args ...any) *FormatError {
	return &FormatError{Problem: "external data " + quote(location) + ": " + fmt.Sprintf(format, args...), Offset: -1}
}

// cleanLocation is a location as a path for io/fs; it must lie in the model's folder by its spelling alone.
func cleanLocation(location string) (string, error) {
	name := path.Clean(location)
	for _, part := range strings.FieldsFunc(location, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == ".." {
			name = ""
		}
	}
	if !fs.ValidPath(name) || name == "." || strings.Contains(name, "\x00") {
		return "", externalProblem(location, "is not a relative path inside the model's folder")
	}
	return name, nil
}

// rootOpener opens regular files inside root; os.Root refuses whatever leads out.
func rootOpener(root *os.Root) func(string) (fs.File, error) {
	return func(name string) (fs.File, error) {
		// Looked at before opening, since opening a pipe or a device may block or do something, and after, since it may
		// have been exchanged in between.
		info, err := root.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, errNotRegular
		}
		f, err := root.OpenFile(name, os.O_RDONLY|openNonblock, 0)
		if err != nil {
			return nil, err
		}
		return regular(f)
	}
}

// fsOpener opens regular files of fsys below dir, without following symbolic links.
func fsOpener(fsys fs.FS, dir string) func(string) (fs.File, error) {
	return func(name string) (fs.File, error) {
		full := path.Join(dir, name)
		for _, prefix := range prefixes(name) {
			info, err := fs.Lstat(fsys, path.Join(dir, prefix))
			if err != nil {
				return nil, err
			}
			if info.Mode()&fs.ModeSymlink != 0 || prefix == name && !info.Mode().IsRegular() {
				return nil, errNotRegular
			}
		}
		f, err := fsys.Open(full)
		if err != nil {
			return nil, err
		}
		return regular(f)
	}
}

// prefixes is a/b/c as a, a/b and a/b/c.
func prefixes(name string) []string {
	var p []string
	for i := range name {
		if name[i] == '/' {
			p = append(p, name[:i])
		}
	}
	return append(p, name)
}

var errNotRegular = errors.New("is not a regular file")

func regular(f fs.File) (fs.File, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// systemProblem is a system error without the path, which the message has already.
func systemProblem(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func asFormatError(err error) error {
	var f *FormatError
	if errors.As(err, &f) {
		return err
	}
	return &FormatError{Problem: systemProblem(err), Offset: -1, Err: err}
}
