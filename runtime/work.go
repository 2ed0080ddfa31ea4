package runtime

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// compiler is what the graphs of one model share while they are compiled.
type compiler struct {
	config *config
	pool   *kernel.Pool
	packs  *packs
	held   int64         // bytes that loading took and the model holds, beside the file
	waste  *atomic.Int64 // see budget
	// unpacked leaves kernels and constants as they are: the graph is to be
	// written rather than run.
	unpacked bool
}

// work is a graph while it is rewritten, with what is known of its values.
//
// The same rewrites run twice: at load, when shapes are partly known, and for
// each set of input shapes, when all arithmetic on shapes folds away.
type work struct {
	*compiler
	g        *graph
	facts    []ops.Fact
	same     []int // same[s] is the slot that slot s was found equal to, or s
	exact    bool  // input shapes are known: what can't be inferred can't run
	kept     []*node
	made     map[int]*node // the kept node that makes a slot
	reads    []int         // how often a slot is read, for the rewrites
	origins  map[int]int   // see batch
	unsorted bool          // a rewrite left a node behind one of its readers
	seen     map[string]*node
	small    map[string]int // slots of small constants by their content
	// dequantised are the DequantizeLinear nodes that were folded, by their slot.
	dequantised map[int]*node
	fold        foldRoom
	memory      *budget // of the constants made here
	changed     bool
	unrolled    int  // nodes that unrolled Loops have become
	depth       int  // of subgraphs whose facts are being worked out
	effort      *int // nodes that inference of subgraphs may still visit
}

func newWork(c *compiler, g *graph, exact bool) *work {
	effort := 4 << 20
	w := &work{compiler: c, g: g.clone(), exact: exact, effort: &effort, memory: new(budget), dequantised: map[int]*node{}}
	*w.memory = c.budget()
	w.fold = foldRoom{each: 1 << 20, grow: 8, total: 1 << 33, deadline: time.Now().Add(5 * time.Second)}
	if exact {
		w.fold = foldRoom{each: 1 << 18, total: 8 << 20, deadline: time.Now().Add(time.Second / 4)}
	}
	w.facts = make([]ops.Fact, len(w.g.slots))
	w.same = make([]int, len(w.g.slots))
	for s := range w.same {
		w.same[s] = s
	}
	for _, k := range w.g.consts {
		w.facts[k.slot] = ops.FactOf(k.value)
	}
	return w
}

// newSlot adds a value of which f is known.
func (w *work) newSlot(name string, f ops.Fact) int {
	s := w.g.newSlot(name)
	w.facts = append(w.facts, f)
	w.same = append(w.same, s)
	return s
}

// find is the slot that stands for s now.
func (w *work) find(s int) int {
	for s >= 0 && w.same[s] != s {
		w.same[s] = w.same[w.same[s]]
		s = w.same[s]
	}
	return s
}

// replace makes every later reader of old read by instead.
func (w *work) replace(old, by int) {
	if old >= 0 && old != by {
		w.same[old] = by
		w.changed = true
	}
}

// value is the constant in slot s, nil if it isn't one.
func (w *work) value(s int) *tensor.Tensor {
	if s < 0 {
		return nil
	}
	return w.facts[w.find(s)].Value
}

// constant makes a slot for a constant.
func (w *work) constant(name string, v *tensor.Tensor) int {
	return w.newSlot(name, ops.FactOf(v))
}

// sweep goes through the nodes once in order: it infers what each makes, folds
// what is constant, merges what is computed already and drops what changes
// nothing.
func (w *work) sweep() error {
	nodes := w.g.nodes
	w.kept = make([]*node, 0, len(nodes))
	w.made = make(map[int]*node, len(nodes))
	w.seen = make(map[string]*node, len(nodes))
	w.small = map[string]int{}
	for _, n := range nodes {
		if err := w.visit(n); err != nil {
			return err
		}
	}
	w.g.nodes = w.kept
	w.rename()
	w.trim()
	return nil
}

// rename applies the replacements to every reader.
func (w *work) rename() {
	for _, n := range w.g.nodes {
		w.readers(n)
	}
	for i, s := range w.g.outputs {
		w.g.outputs[i] = w.find(s)
	}
}

func (w *work) readers(n *node) {
	for i, s := range n.in {
		n.in[i] = w.find(s)
	}
	for i, s := range n.captures {
		n.captures[i] = w.find(s)
	}
}

func (w *work) visit(n *node) error {
	w.readers(n)
	if n.is("If") {
		if branch := w.taken(n); branch != nil {
			return w.inline(n, branch)
		}
	}
	if b, trips := w.unrollable(n); b != nil {
		return w.unroll(n, b, trips)
	}
	if err := w.infer(n); err != nil && w.exact {
		return inNode(n, err)
	}
	if w.merged(n) || w.folded(n) || w.simplified(n) {
		w.changed = true
		return nil
	}
	w.kept = append(w.kept, n)
	for _, s := range n.out {
		if s >= 0 {
			w.made[s] = n
		}
	}
	return nil
}

// trim drops the nodes whose outputs nobody reads, and marks the captures that
// no node reads any more.
func (w *work) trim() {
	read := make([]bool, len(w.g.slots))
	for _, s := range w.g.outputs {
		read[s] = true
	}
	kept := make([]*node, 0, len(w.g.nodes))
	for i := len(w.g.nodes) - 1; i >= 0; i-- {
		n := w.g.nodes[i]
		needed := false
		for _, s := range n.out {
			needed = needed || s >= 0 && read[s]
		}
		if !needed {
			continue
		}
		kept = append(kept, n)
		for _, s := range n.in {
			if s >= 0 {
				read[s] = true
			}
		}
		for _, s := range n.captures {
			if s >= 0 {
				read[s] = true
			}
		}
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	w.g.nodes = kept
	for _, n := range kept {
		if len(n.bodies) == 0 {
			continue
		}
		for i, s := range n.out { // they ask what is wanted
			if s >= 0 && !read[s] {
				n.out[i] = -1
			}
		}
	}
	for i, s := range w.g.captures {
		if s >= 0 && (!read[s] || w.facts[s].Value != nil) {
			w.g.captures[i] = -1
		}
	}
	w.g.consts = w.g.consts[:0]
	for s, f := range w.facts {
		if read[s] && f.Value != nil {
			w.g.consts = append(w.g.consts, constant{s, f.Value})
		}
	}
}

// infer works out the facts of n's outputs. Facts stay unknown where the kernel
// has an error.
func (w *work) infer(n *node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrInternal, p)
		}
	}()
	for _, s := range n.out {
		if s >= 0 {
			w.facts[s] = ops.Fact{}
		}
	}
	if len(n.bodies) > 0 {
		facts, err := w.inferControl(n)
		if err == nil && facts != nil {
			for i, s := range n.out {
				if s >= 0 && i < len(facts) {
					w.facts[s] = facts[i]
				}
			}
			return nil
		}
	}
	in, has := make([]ops.Fact, len(n.in)), make([]bool, len(n.in))
	for i, s := range n.in {
		if has[i] = s >= 0; has[i] {
			in[i] = w.facts[s]
		}
	}
	c := ops.NewInfer(in, has, len(n.out))
	if err := n.kernel.Infer(c); err != nil {
		return err
	}
	for i, f := range c.Outputs() {
		if s := n.out[i]; s >= 0 {
			w.facts[s] = f
		}
	}
	w.refine(n)
	return nil
}
