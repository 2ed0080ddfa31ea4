package onnx

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SaveOption changes how a model is saved.
type SaveOption func(*saveOptions)

type saveOptions struct {
	external  string
	threshold int64
}

// WithExternalData puts the RawData of every tensor of at least threshold bytes into a second file, of the given name
// and in the model's folder. A model of 2 GiB or more cannot be saved without.
func WithExternalData(name string, threshold int64) SaveOption {
	return func(o *saveOptions) { o.external, o.threshold = name, threshold }
}

// externalAlign is where tensors may begin in a file of external data: at pages, so that readers can map them.
const externalAlign = 4096

// Save writes the model to a file. The file at path is whole at every moment, the old one or the new one; with external
// data that holds for each of the two files. The model is not changed; tensors whose data are external and not loaded
// are written as references.
func (m *Model) Save(path string, opts ...SaveOption) error {
	var o saveOptions
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	e := new(encoder)
	var external [][]byte
	if o.external != "" {
		if !fs.ValidPath(o.external) || strings.ContainsAny(o.external, `/\`) || o.external == "." || o.external == filepath.Base(path) {
			return &FormatError{File: path, Offset: -1,
				Problem: fmt.Sprintf("external data %s: expected the name of another file beside the model", quote(o.external))}
		}
		var err error
		if e.external, external, err = m.externalise(&o); err != nil {
			return inFile(path, err)
		}
	}
	if err := e.run(func() error { return encodeMessage(e, m) }); err != nil {
		return inFile(path, err)
	}
	if o.external != "" {
		if err := writeFile(filepath.Join(filepath.Dir(path), o.external), external); err != nil {
			return fmt.Errorf("onnx: %w", err)
		}
	}
	if err := writeFile(path, e.segments()); err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	return nil
}

// externalise gives each tensor that is to leave the model the one to write in its place, and the other file's content.
func (m *Model) externalise(o *saveOptions) (map[*Tensor]*Tensor, [][]byte, error) {
	moved := map[*Tensor]*Tensor{}
	var data [][]byte
	var size int64
	padding := make([]byte, externalAlign)
	err := m.eachTensor(func(_ *place, t *Tensor) error {
		n := int64(len(t.RawData))
		if moved[t] != nil || t.RawData == nil || n < o.threshold || t.DataLocation == LocationExternal {
			return nil
		}
		if over := size % externalAlign; over != 0 {
			data = append(data, padding[:externalAlign-over])
			size += externalAlign - over
		}
		r := *t
		r.RawData = nil
		r.DataLocation = LocationExternal
		r.External = []StringEntry{
			{Key: "location", Value: o.external},
			{Key: "offset", Value: strconv.FormatInt(size, 10)},
			{Key: "length", Value: strconv.FormatInt(n, 10)},
		}
		moved[t] = &r
		data = append(data, t.RawData)
		size += n
		return nil
	})
	return moved, data, err
}

// writeFile replaces a file as a whole: written beside, synced, renamed.
func writeFile(path string, parts [][]byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "write", Path: path, Err: errNotRegular}
	}
	temp := path + "." + rand.Text()[:8] + ".tmp"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp))
		}
	}()
	if err = writeParts(f, parts); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(temp, path)
}

func writeParts(w io.Writer, parts [][]byte) error {
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}
