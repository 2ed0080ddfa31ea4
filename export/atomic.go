package export

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A filler writes a new file's content through to the disk.
type filler func(f *os.File, content []byte) error

func fill(f *os.File, content []byte) error {
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Sync()
}

// beside writes the content to a new file in path's folder and returns its
// name: renamed to path it replaces the old file at once. Nothing is left after
// an error.
func (fill filler) beside(path string, content []byte) (temp string, err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("not a regular file")}
	}
	temp = fmt.Sprintf("%s.%s.tmp", path, rand.Text()[:8])
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", naming(path, err)
	}
	err = fill(f, content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", errors.Join(naming(path, err), os.Remove(temp))
	}
	return temp, nil
}

// naming makes an error about the new file one about path.
func naming(path string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return &fs.PathError{Op: failed.Op, Path: path, Err: failed.Err}
	}
	return err
}

// WriteFile writes content beside path, through to the disk, and renames it into
// place, so that path is the old file or the whole new one at any moment.
func WriteFile(path string, content []byte) error {
	temp, err := filler(fill).beside(path, content)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames in a folder last. Systems that cannot sync a folder
// are left to their own ways.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
