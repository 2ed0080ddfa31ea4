package train

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nlpodyssey/safetensors"

	"github.com/onda-ml/onda/export"
)

// CheckpointFile is the checkpoint's name in the model directory. It is a
// safetensors file: "parameters", "best" (once there was an evaluation), "ema"
// (with ema_decay) and the optimiser's moments, all in the order of lstmattn.Params.Data, and the scaler;
// its metadata has everything else as JSON.
const CheckpointFile = "checkpoint.safetensors"

// Keys of the checkpoint's metadata.
const (
	metaVersion  = "onda.checkpoint" // the version of the format
	metaProgress = "onda.progress"
	metaIdentity = "onda.identity"
)

const checkpointVersion = "1"

func (r *run) checkpointPath() string { return filepath.Join(r.options.Dir, CheckpointFile) }

// tensors are the checkpoint's, by name.
func (r *run) tensors() map[string][]float32 {
	p := r.model.Params()
	t := map[string][]float32{"parameters": p.Data}
	for _, b := range p.Buffers() {
		t[b.Name] = b.Data
	}
	if r.best != nil {
		t["best"] = r.best
	}
	if r.ema != nil {
		t["ema"] = r.ema
	}
	for name, data := range r.moments {
		t[name] = data
	}
	return t
}

// save writes the checkpoint. It is not written with parameters that are of no
// use.
func (r *run) save() error {
	if r.options.Dir == "" {
		return nil
	}
	for _, v := range r.model.Params().Data {
		if v-v != 0 {
			return &DivergedError{r.progress.Step, "there are parameters that are no finite numbers", r.progress.BestStep}
		}
	}
	views := map[string]safetensors.TensorView{}
	for name, data := range r.tensors() {
		raw := make([]byte, 4*len(data))
		for i, v := range data {
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
		}
		view, err := safetensors.NewTensorView(safetensors.F32, []uint64{uint64(len(data))}, raw)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", r.checkpointPath(), name, err)
		}
		views[name] = view
	}
	progress, err := json.Marshal(&r.progress)
	if err != nil {
		return fmt.Errorf("%s: %w", r.checkpointPath(), err)
	}
	identity, err := json.Marshal(&r.same)
	if err != nil {
		return fmt.Errorf("%s: %w", r.checkpointPath(), err)
	}
	data, err := safetensors.Serialize(views, map[string]string{
		metaVersion: checkpointVersion, metaProgress: string(progress), metaIdentity: string(identity),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", r.checkpointPath(), err)
	}
	if err := os.MkdirAll(r.options.Dir, 0o777); err != nil {
		return err
	}
	r.saved = time.Now()
	return export.WriteFile(r.checkpointPath(), data)
}

// A checkpoint is the content of its file.
type checkpoint struct {
	progress progress
	identity identity
	tensors  map[string][]float32
}

// readCheckpoint is nil where there is no file.
func readCheckpoint(path string) (*checkpoint, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func parseCheckpoint(data []byte) (*checkpoint, error) {
	file, err := safetensors.Deserialize(data)
	if err != nil {
		return nil, fmt.Errorf("not a whole safetensors file: %w", err)
	}
	_, header, err := safetensors.ReadMetadata(data)
	if err != nil {
		return nil, fmt.Errorf("not a whole safetensors file: %w", err)
	}
	meta := header.Metadata()
	if got := meta[metaVersion]; got != checkpointVersion {
		return nil, fmt.Errorf("the checkpoint's version is %.20q, this build reads %s", got, checkpointVersion)
	}
	c := &checkpoint{tensors: map[string][]float32{}}
	if err := json.Unmarshal([]byte(meta[metaProgress]), &c.progress); err != nil {
		return nil, fmt.Errorf("the metadata %s cannot be read: %w", metaProgress, err)
	}
	if err := json.Unmarshal([]byte(meta[metaIdentity]), &c.identity); err != nil {
		return nil, fmt.Errorf("the metadata %s cannot be read: %w", metaIdentity, err)
	}
	for _, t := range file.Tensors() {
		if t.TensorView.DType() != safetensors.F32 {
			return nil, fmt.Errorf("tensor %q is of type %s, expected F32", t.Name, t.TensorView.DType())
		}
		raw := t.TensorView.Data()
		v := make([]float32, len(raw)/4)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		c.tensors[t.Name] = v
	}
	return c, nil
}

// What a training that was killed may leave in its folder: a probe, and files that
// export.WriteFile had not renamed yet.
const (
	probeFile = ".probe.*"
	temporary = ".????????.tmp"
)

// prepareFolder makes the folder, sees that files can be made in it before hours
// are spent, and removes what a training that was killed has left there.
func (r *run) prepareFolder() error {
	if err := os.MkdirAll(r.options.Dir, 0o777); err != nil {
		return err
	}
	probe, err := os.CreateTemp(r.options.Dir, probeFile)
	if err != nil {
		return fmt.Errorf("%s: no file can be made there: %w", r.options.Dir, errors.Unwrap(err))
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return err
	}
	entries, err := os.ReadDir(r.options.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, pattern := range []string{probeFile, CheckpointFile + temporary, export.TensorsFile + temporary, export.ConfigFile + temporary} {
			if left, _ := filepath.Match(pattern, e.Name()); left {
				if err := os.Remove(filepath.Join(r.options.Dir, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// refuseUnfinished keeps a training that was not finished from being lost,
// unless it may be.
func (r *run) refuseUnfinished() error {
	if r.options.Overwrite {
		return nil
	}
	c, err := readCheckpoint(r.checkpointPath())
	if err != nil || c == nil || c.progress.Why != "" {
		return err
	}
	return &UnfinishedError{r.checkpointPath(), c.progress.Step}
}

// restore makes the training what the checkpoint says; found is false where
// there is none.
func (r *run) restore() (found bool, err error) {
	path := r.checkpointPath()
	c, err := readCheckpoint(path)
	if err != nil || c == nil {
		return false, err
	}
	if err := c.identity.agree(&r.same); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if p := &c.progress; p.Step < 0 || p.Step > r.total || p.Evaluated < 0 || p.Evaluated > p.Step {
		return false, fmt.Errorf("%s: is at step %d of %d, evaluated at %d, which cannot be", path, p.Step, r.total, p.Evaluated)
	}
	if c.progress.Evaluated > 0 {
		r.best = make([]float32, r.model.NumParameters())
	}
	into := r.tensors()
	for name, dst := range into {
		src, ok := c.tensors[name]
		switch {
		case !ok:
			return false, fmt.Errorf("%s: tensor %q is missing", path, name)
		case len(src) != len(dst):
			return false, fmt.Errorf("%s: tensor %q has %d elements, expected %d", path, name, len(src), len(dst))
		case strings.HasPrefix(name, "scaler.") && !slices.Equal(src, dst):
			return false, fmt.Errorf("%s: %s differs from the model's, so it is of other data", path, name)
		}
	}
	for name, dst := range into {
		copy(dst, c.tensors[name])
	}
	r.progress = c.progress
	return true, nil
}
