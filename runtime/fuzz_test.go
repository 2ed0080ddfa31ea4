package runtime_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

// hostileLimit is the memory that a hostile model may take.
const hostileLimit = 64 * mib

// tryModel loads and runs what may be no model at all, at both levels, on small
// inputs of the types it asks for. Whatever the bytes are there is an error or a
// result: a panic that got out ends the test, one that didn't, a hang or a
// result where the levels disagree on success is reported.
func tryModel(data []byte) error {
	return tryLoad(func(o ...runtime.Option) (*runtime.Model, error) { return runtime.LoadBytes(data, o...) })
}

func tryLoad(load func(...runtime.Option) (*runtime.Model, error)) error {
	const patience = 10 * time.Second
	start := time.Now()
	defer func() {
		if d := time.Since(start); d > 4*patience {
			panic(fmt.Sprintf("hung for %v", d))
		}
	}()
	var want map[string]tensor.Value
	for _, l := range levels {
		m, err := load(runtime.WithMemoryLimit(hostileLimit), runtime.WithLevel(l.level), runtime.WithThreads(1))
		if errors.Is(err, runtime.ErrInternal) {
			return fmt.Errorf("%s: load: %w", l.name, err)
		}
		if err != nil {
			continue
		}
		inputs := map[string]tensor.Value{}
		for _, p := range m.Inputs() {
			if v := smallInput(p); v != nil {
				inputs[p.Name] = v
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		began := time.Now()
		got, err := m.RunValues(ctx, inputs)
		cancel()
		if errors.Is(err, runtime.ErrInternal) {
			return fmt.Errorf("%s: run: %w", l.name, err)
		}
		if d := time.Since(began); d > patience {
			return fmt.Errorf("%s: the run took %v of one second: %w", l.name, d, err)
		}
		if l.level == runtime.Plain && err == nil {
			want = got
		}
		if l.level == runtime.Plain || want == nil || errors.Is(err, context.DeadlineExceeded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("the levels differ: %w", err)
		}
		for name := range want {
			if err := (onnxtest.Tolerance{Rtol: 1e-2, Atol: 1e-3}).Compare(got[name], want[name]); err != nil {
				return fmt.Errorf("the levels differ: output %q: %w", name, err)
			}
		}
	}
	return nil
}

// smallInput is a value that a port takes, with 2 for every open extent.
func smallInput(p runtime.Port) tensor.Value {
	if p.Kind != runtime.KindTensor || !p.DType.Valid() {
		return nil
	}
	elems := 1
	var shape []int
	for _, d := range p.Shape {
		n := d.Size
		if n < 0 {
			n = 2
		}
		if elems *= max(n, 1); elems > 1<<16 {
			return nil
		}
		shape = append(shape, n)
	}
	t, err := tensor.Zeros(p.DType, shape...)
	if err != nil {
		return nil
	}
	for i := range t.Bytes() {
		if p.DType == tensor.Bool || i%t.DType().Size() == 0 && p.DType.IsInteger() {
			t.Bytes()[i] = byte(i/t.DType().Size()) % 2
		} else if p.DType == tensor.Float32 && i%4 == 3 {
			t.Bytes()[i] = 0x3f
		}
	}
	return t
}

// seeds are the smaller models of testmodels.
func seeds(t testing.TB) [][]byte {
	var all [][]byte
	for _, c := range testmodels.Cases() {
		data, err := fs.ReadFile(testmodels.FS(), c.Model())
		require.NoError(t, err)
		if len(data) < 20<<10 {
			all = append(all, data)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func FuzzLoadRun(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := tryModel(data); err != nil {
			t.Fatal(err)
		}
	})
}

// mutate changes a few places of a model: bytes, numbers, names, lengths.
func mutate(r *rand.Rand, data []byte) []byte {
	d := append([]byte(nil), data...)
	for range 1 + r.IntN(4) {
		at := r.IntN(len(d))
		switch r.IntN(7) {
		case 0:
			d[at] ^= 1 << r.IntN(8)
		case 1:
			d[at] = byte(r.IntN(256))
		case 2: // a number becomes an extreme
			v := []uint64{0, 1, 0x7f, 0xffffffff, 1 << 40, 1 << 62, ^uint64(0)}[r.IntN(7)]
			d = append(append(append([]byte(nil), d[:at]...), binary.AppendUvarint(nil, v)...), d[at+1:]...)
		case 3: // a stretch is gone
			n := min(1+r.IntN(32), len(d)-at)
			d = append(d[:at:at], d[at+n:]...)
		case 4: // a stretch is there twice
			n := min(1+r.IntN(64), len(d)-at)
			d = append(append(append([]byte(nil), d[:at+n]...), d[at:at+n]...), d[at+n:]...)
		case 5: // int64 data becomes an extreme
			if at+8 <= len(d) {
				binary.LittleEndian.PutUint64(d[at:], []uint64{0, ^uint64(0), 1 << 40, 1 << 63, 1 << 31}[r.IntN(5)])
			}
		case 6: // one operator becomes another
			names := []string{"Add", "Mul", "Reshape", "Transpose", "Gather", "Concat", "Slice", "Expand", "LSTM", "Loop", "If", "Shape", "Pad", "Tile"}
			from, to := names[r.IntN(len(names))], names[r.IntN(len(names))]
			if i := strings.Index(string(d), "\x22"+string(rune(len(from)))+from); i >= 0 && len(from) == len(to) {
				copy(d[i+2:], to)
			}
		}
		if len(d) == 0 {
			return d
		}
	}
	return d
}

// rewire changes a few places of a model that stays well-formed: what nodes
// read, what they are, their attributes, constants and declared types.
func rewire(r *rand.Rand, data []byte) *onnx.Model {
	m, err := onnx.Decode(data)
	if err != nil {
		return nil
	}
	graphs := graphsOf(m.Graph, nil)
	extremes := []int64{0, 1, -1, 2, 3, 7, 1 << 20, 1 << 31, 1 << 40, 1 << 62, -1 << 63}
	for range 1 + r.IntN(3) {
		g := graphs[r.IntN(len(graphs))]
		if len(g.Nodes) == 0 {
			continue
		}
		n, other := g.Nodes[r.IntN(len(g.Nodes))], g.Nodes[r.IntN(len(g.Nodes))]
		switch r.IntN(8) {
		case 0:
			if len(n.Inputs) > 0 && len(other.Inputs) > 0 {
				n.Inputs[r.IntN(len(n.Inputs))] = other.Inputs[r.IntN(len(other.Inputs))]
			}
		case 1:
			n.OpType = other.OpType
		case 2:
			n.OpType, n.Attributes = other.OpType, other.Attributes
		case 3:
			if len(n.Attributes) > 0 {
				a := *n.Attributes[r.IntN(len(n.Attributes))]
				a.I = extremes[r.IntN(len(extremes))]
				a.Ints = append([]int64(nil), a.Ints...)
				if len(a.Ints) > 0 {
					a.Ints[r.IntN(len(a.Ints))] = extremes[r.IntN(len(extremes))]
				}
				if a.T != nil && len(a.T.RawData) >= 8 && a.T.DataType == onnx.Int64 {
					t := *a.T
					t.RawData = append([]byte(nil), t.RawData...)
					binary.LittleEndian.PutUint64(t.RawData[8*r.IntN(len(t.RawData)/8):], uint64(extremes[r.IntN(len(extremes))]))
					a.T = &t
				}
				n.Attributes[0] = &a
			}
		case 4:
			if len(n.Inputs) > 0 {
				n.Inputs[r.IntN(len(n.Inputs))] = ""
			}
		case 5:
			if len(n.Inputs) > 0 {
				n.Inputs = n.Inputs[:len(n.Inputs)-1]
			}
		case 6:
			if len(g.Initializers) > 0 {
				t := g.Initializers[r.IntN(len(g.Initializers))]
				if t.DataType == onnx.Int64 && len(t.RawData) >= 8 {
					t.RawData = append([]byte(nil), t.RawData...)
					binary.LittleEndian.PutUint64(t.RawData[8*r.IntN(len(t.RawData)/8):], uint64(extremes[r.IntN(len(extremes))]))
				} else if len(t.Dims) > 1 {
					t.Dims = append([]int64(nil), t.Dims...)
					t.Dims[0], t.Dims[len(t.Dims)-1] = t.Dims[len(t.Dims)-1], t.Dims[0]
				}
			}
		case 7:
			if len(g.Inputs) > 0 {
				v := g.Inputs[r.IntN(len(g.Inputs))]
				if v.Type != nil && v.Type.Tensor != nil && v.Type.Tensor.Shape != nil && len(v.Type.Tensor.Shape.Dims) > 0 {
					d := v.Type.Tensor.Shape.Dims
					d[r.IntN(len(d))] = onnx.DimValue(int64(r.IntN(9)))
				}
			}
		}
	}
	return m
}

func graphsOf(g *onnx.Graph, all []*onnx.Graph) []*onnx.Graph {
	all = append(all, g)
	for _, n := range g.Nodes {
		for _, a := range n.Attributes {
			if a.G != nil {
				all = graphsOf(a.G, all)
			}
		}
	}
	return all
}

// tryRewired is tryModel for a model in memory.
func tryRewired(m *onnx.Model) error {
	return tryLoad(func(o ...runtime.Option) (*runtime.Model, error) { return runtime.Compile(m, o...) })
}

// A few hundred mutated copies of valid models, always the same.
func TestMutatedModels(t *testing.T) {
	models := seeds(t)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		data := mutate(r, models[r.IntN(len(models))])
		require.NoError(t, tryModel(data), "mutation %d", i)
		if m := rewire(r, models[r.IntN(len(models))]); m != nil {
			require.NoError(t, tryRewired(m), "rewired %d", i)
		}
	}
}
