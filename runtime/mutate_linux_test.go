package runtime_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/testmodels"
)

// TestManyMutatedModels is what make mutate runs: ONDA_MUTATE copies of models,
// each changed in a few places, are loaded and run with a memory limit. The
// process may exceed it by 64 MiB, a model may take five seconds of the
// processor. ONDA_MUTATE_SEED chooses other mutations, ONDA_MUTATE_MODELS is a
// folder of more models. What fails is kept in a folder that the test names.
func TestManyMutatedModels(t *testing.T) {
	count, _ := strconv.Atoi(os.Getenv("ONDA_MUTATE"))
	if count == 0 {
		t.Skip("make mutate runs this")
	}
	const limit, slack, patience = 128 * mib, 64 * mib, 5 * time.Second
	seed, _ := strconv.ParseUint(os.Getenv("ONDA_MUTATE_SEED"), 10, 64)
	models := manyModels(t)
	opTypes := allOps()
	kept, err := os.MkdirTemp("", "onda-mutated-")
	require.NoError(t, err)
	var highest, failed int
	var slowest time.Duration
	began := time.Now()
	for i := range count {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		data := models[r.IntN(len(models))]
		if r.IntN(3) == 0 {
			data = mutate(r, data)
		} else if data = distort(r, data, opTypes); data == nil {
			continue
		}
		path := filepath.Join(kept, fmt.Sprintf("%d-%d.onnx", seed, i))
		require.NoError(t, os.WriteFile(path, data, 0o600)) // it is there if the process dies
		resetPeak(t)
		before := cpuTime(t)
		err := runMutated(path, data, r, limit)
		took := cpuTime(t) - before
		peak := peakBytes(t)
		slowest, highest = max(slowest, took), max(highest, peak)
		switch {
		case err != nil:
		case took > patience:
			err = fmt.Errorf("took %v", took)
		case peak > limit+slack:
			err = fmt.Errorf("the process had %d MiB", peak/mib)
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			failed++
		} else {
			require.NoError(t, os.Remove(path))
		}
		if i%1000 == 999 {
			t.Logf("%d models, %d failed, the process had at most %d MiB, slowest %v, %v", i+1, failed, highest/mib, slowest, time.Since(began).Round(time.Second))
		}
	}
	if failed == 0 {
		require.NoError(t, os.RemoveAll(kept))
	}
}

// manyModels are the committed models and those of a folder.
func manyModels(t *testing.T) (all [][]byte) {
	read := func(fsys fs.FS) {
		require.NoError(t, fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".onnx" {
				return err
			}
			data, err := fs.ReadFile(fsys, path)
			if err == nil && len(data) < 256<<10 {
				all = append(all, data)
			}
			return err
		}))
	}
	read(testmodels.FS())
	if dir := os.Getenv("ONDA_MUTATE_MODELS"); dir != "" {
		read(os.DirFS(dir))
	}
	require.NotEmpty(t, all)
	return all
}

// opName is an operator with its domain.
type opName struct{ domain, name string }

func allOps() (all []opName) {
	for _, op := range ops.Standard().Ops() {
		all = append(all, opName{op.Domain, op.Name})
	}
	return all
}

var extremes = []int64{0, 1, -1, 2, 3, 7, 255, 1 << 10, 1 << 16, 1 << 20, 1 << 24, 1 << 27, 1 << 31, 1<<31 - 1, 1 << 40, 1 << 62, -1 << 31, -1 << 63, 1<<63 - 1}

func extreme(r *rand.Rand) int64 { return extremes[r.IntN(len(extremes))] }

// distort changes a few places of a model that stays a protobuf message:
// operators, attributes, constants, extents, edges.
func distort(r *rand.Rand, data []byte, opTypes []opName) []byte {
	if r.IntN(3) == 0 {
		m := rewire(r, data)
		if m == nil {
			return nil
		}
		out, _ := m.Encode()
		return out
	}
	m, err := onnx.Decode(append([]byte(nil), data...))
	if err != nil || m.Graph == nil {
		return nil
	}
	graphs := graphsOf(m.Graph, nil)
	for range 1 + r.IntN(4) {
		g := graphs[r.IntN(len(graphs))]
		if len(g.Nodes) == 0 {
			continue
		}
		n := g.Nodes[r.IntN(len(g.Nodes))]
		switch r.IntN(7) {
		case 0:
			o := opTypes[r.IntN(len(opTypes))]
			n.OpType, n.Domain = o.name, o.domain
			if r.IntN(2) == 0 {
				n.Attributes = nil
			}
			if o.domain != "" && !imports(m, o.domain) {
				m.OpsetImports = append(m.OpsetImports, onnx.OpsetImport{Domain: o.domain, Version: 1})
			}
		case 1, 2:
			distortAttribute(r, n)
		case 3, 4:
			if len(g.Initializers) > 0 {
				distortTensor(r, g.Initializers[r.IntN(len(g.Initializers))])
			}
		case 5:
			if v := g.Inputs; len(v) > 0 {
				if x := v[r.IntN(len(v))].Type; x != nil && x.Tensor != nil {
					if r.IntN(3) == 0 {
						x.Tensor.ElemType = onnx.DataType(1 + r.IntN(16))
					} else if x.Tensor.Shape != nil && len(x.Tensor.Shape.Dims) > 0 {
						x.Tensor.Shape.Dims[r.IntN(len(x.Tensor.Shape.Dims))] = onnx.DimValue([]int64{0, 1, 7, 64, 1000, 4096}[r.IntN(6)])
					}
				}
			}
		case 6:
			if len(n.Inputs) > 0 && len(g.Initializers) > 0 {
				n.Inputs[r.IntN(len(n.Inputs))] = g.Initializers[r.IntN(len(g.Initializers))].Name
			}
		}
	}
	out, err := m.Encode()
	if err != nil {
		return nil
	}
	return out
}

func imports(m *onnx.Model, domain string) bool {
	for _, o := range m.OpsetImports {
		if o.Domain == domain {
			return true
		}
	}
	return false
}

func distortAttribute(r *rand.Rand, n *onnx.Node) {
	if len(n.Attributes) == 0 {
		return
	}
	a := n.Attributes[r.IntN(len(n.Attributes))]
	switch {
	case a.T != nil:
		distortTensor(r, a.T)
	case len(a.Ints) > 0 && r.IntN(4) == 0:
		a.Ints = append(a.Ints, extreme(r))
	case len(a.Ints) > 0:
		a.Ints[r.IntN(len(a.Ints))] = extreme(r)
	case len(a.S) > 0:
		a.S = []byte([]string{"", "SAME_UPPER", "VALID", "bidirectional", "linear", "cubic", "reflect", "wrap", "ij,jk->ik", "...i->i"}[r.IntN(10)])
	default:
		a.I, a.F = extreme(r), []float32{0, -1, 1e30, 1e-30, 2.5}[r.IntN(5)]
	}
}

func distortTensor(r *rand.Rand, t *onnx.Tensor) {
	wide := t.DataType == onnx.Int64 || t.DataType == onnx.Double
	switch r.IntN(4) {
	case 0:
		if len(t.Dims) > 0 {
			t.Dims[r.IntN(len(t.Dims))] = extreme(r)
		}
	case 1:
		if i, j := r.IntN(max(1, len(t.Dims))), r.IntN(max(1, len(t.Dims))); len(t.Dims) > 1 {
			t.Dims[i], t.Dims[j] = t.Dims[j], t.Dims[i]
		}
	case 2:
		if len(t.Dims) > 1 && r.IntN(2) == 0 {
			t.Dims = append(t.Dims[:len(t.Dims)-2], t.Dims[len(t.Dims)-2]*t.Dims[len(t.Dims)-1])
		} else {
			t.Dims = append(t.Dims, 1)
		}
	case 3:
		if n := len(t.RawData) / 8; wide && n > 0 {
			t.RawData = append([]byte(nil), t.RawData...)
			binary.LittleEndian.PutUint64(t.RawData[8*r.IntN(n):], uint64(extreme(r)))
		} else if n := len(t.Int64Data); n > 0 {
			t.Int64Data[r.IntN(n)] = extreme(r)
		} else if n := len(t.RawData) / 4; n > 0 {
			t.RawData = append([]byte(nil), t.RawData...)
			binary.LittleEndian.PutUint32(t.RawData[4*r.IntN(n):], uint32(extreme(r)))
		}
	}
}

// runMutated is an error where a defect of ours shows; a model that is refused
// is none. Half of the models come from their file, half from memory.
func runMutated(path string, data []byte, r *rand.Rand, limit int64) error {
	weights := []runtime.Weights{runtime.Float32, runtime.Float32, runtime.BFloat16, runtime.Int8}[r.IntN(4)]
	extent := []int{1, 2, 2, 3, 16, 200}[r.IntN(6)]
	fromFile := r.IntN(2) == 0
	for _, l := range levels {
		opts := []runtime.Option{runtime.WithMemoryLimit(limit), runtime.WithLevel(l.level), runtime.WithThreads(2)}
		if l.level == runtime.Optimised {
			opts = append(opts, runtime.WithWeights(weights))
		}
		var m *runtime.Model
		var err error
		if fromFile {
			m, err = runtime.Load(path, opts...)
		} else {
			m, err = runtime.LoadBytes(data, opts...)
		}
		if errors.Is(err, runtime.ErrInternal) {
			return fmt.Errorf("%s: load: %w", l.name, err)
		}
		if err != nil {
			continue
		}
		inputs := map[string]tensor.Value{}
		for _, p := range m.Inputs() {
			p.Shape = slices.Clone(p.Shape)
			for i, d := range p.Shape {
				if d.Size < 0 {
					p.Shape[i].Size = extent
				}
			}
			if v := smallInput(p); v != nil {
				inputs[p.Name] = v
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err = m.RunValues(ctx, inputs)
		cancel()
		if errors.Is(err, runtime.ErrInternal) {
			return fmt.Errorf("%s: run: %w", l.name, err)
		}
	}
	return nil
}

// resetPeak has the system count the most memory anew.
func resetPeak(t *testing.T) {
	require.NoError(t, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200))
}

func peakBytes(t *testing.T) int {
	data, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	return kb << 10
}

func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
