package export

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// writeBeside writes the content, through to the disk, to a new file in path's
// folder and returns its name: renamed to path it replaces the old file at once.
// Nothing is left after an error.
func writeBeside(path string, content []byte) (temp string, err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("not a regular file")}
	}
	temp = fmt.Sprintf("%s.%s.tmp", path, rand.Text()[:8])
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(temp))
	}
	return temp, nil
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
