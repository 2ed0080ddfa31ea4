package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/export"
)

// torch is PyTorch's side: a process that takes a step when it is asked to.
type torch struct {
	cmd     *exec.Cmd
	ask     io.WriteCloser
	answers *bufio.Scanner
	said    bytes.Buffer // on standard error
	folder  string
	library string // the file of its BLAS
}

// newTorch starts it with the parameters and the batch of ours.
func newTorch(o *options, ours *onda, batch, threads int, library blas) (*torch, error) {
	folder, err := os.MkdirTemp("", "comparetrain-*")
	if err != nil {
		return nil, err
	}
	t := &torch{folder: folder}
	if err := t.start(o, ours, batch, threads, library); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return t, nil
}

func (t *torch) start(o *options, ours *onda, batch, threads int, library blas) error {
	model := filepath.Join(t.folder, "model")
	if err := export.Save(model, ours.model); err != nil {
		return err
	}
	for name, values := range map[string][]float32{"x.f32": ours.batch.X, "target.f32": ours.batch.Target} {
		data, err := binary.Append(nil, binary.LittleEndian, values)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(model, name), data, 0o644); err != nil {
			return err
		}
	}
	t.cmd = exec.Command(o.python, filepath.Join(o.scripts, "train_twin.py"), model, strconv.Itoa(batch), strconv.Itoa(threads))
	t.cmd.Env = append(os.Environ(), "OMP_NUM_THREADS="+strconv.Itoa(threads), "OPENBLAS_NUM_THREADS="+strconv.Itoa(threads))
	if library.folder != "" {
		t.cmd.Env = append(t.cmd.Env, "LD_LIBRARY_PATH="+library.folder)
	}
	t.cmd.Stderr = &t.said
	var err error
	if t.ask, err = t.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	t.answers = bufio.NewScanner(out)
	if err := t.cmd.Start(); err != nil {
		return err
	}
	if !t.answers.Scan() {
		return t.failed(t.answers.Err())
	}
	t.library = t.answers.Text()
	return nil
}

// step is one training step. It returns the loss and how long it took, in
// milliseconds.
func (t *torch) step(forced bool) (loss, ms float64, err error) {
	word := "step\n"
	if forced {
		word = "forced\n"
	}
	if _, err := io.WriteString(t.ask, word); err != nil {
		return 0, 0, t.failed(err)
	}
	if !t.answers.Scan() {
		return 0, 0, t.failed(t.answers.Err())
	}
	if _, err := fmt.Sscan(t.answers.Text(), &loss, &ms); err != nil {
		return 0, 0, t.failed(fmt.Errorf("answered %q: %w", t.answers.Text(), err))
	}
	return loss, ms, nil
}

// failed ends the process and says what it said last.
func (t *torch) failed(err error) error {
	t.ask.Close()
	if ended := t.cmd.Wait(); err == nil {
		err = ended
	}
	lines := strings.Split(strings.TrimSpace(t.said.String()), "\n")
	return fmt.Errorf("PyTorch's side: %v: %s", err, lines[len(lines)-1])
}

// stop ends the process; once is enough.
func (t *torch) stop() {
	if t.cmd.ProcessState != nil {
		return
	}
	t.ask.Close()
	t.cmd.Wait()
	os.RemoveAll(t.folder)
}
