package runtime

import (
	"slices"

	"github.com/onda-ml/onda/ops"
)

// plan is a graph made ready for inputs of certain shapes: its steps in order,
// and where in memory each value lies. It is immutable; an instance runs it.
type plan struct {
	key     *key
	g       *graph
	facts   []ops.Fact
	values  []value // by slot
	steps   []step
	regions []region
	arena   int   // bytes
	fresh   int64 // bytes of the outputs with laid memory
	outputs []output
	folded  int64 // bytes of the constants that planning made
	parted  *parts
	idle    instances
}

// value is where a slot's value is during a run.
type value struct {
	home   home
	region int // of a laid value
	at     int // its first element in the region
}

type home uint8

const (
	nowhere   home = iota // never read
	constant0             // a constant
	outside               // an input or capture, in a header of the instance's
	direct                // an input or capture as it was given, because something may keep it
	laid                  // in a region
	heap                  // of known size, allocated in each run because something may keep it
	dynamic               // made by its kernel
)

// region is memory that the values of several slots share: one after the other,
// or as views of the same elements.
type region struct {
	bytes       int
	first, last int // steps between which it is in use
	offset      int // in the arena
	source      int // slot of the input or capture that it is a view of, or -1
	output      int // index of the output whose memory it is, or -1
}

// step is one node of a plan.
type step struct {
	n       *node
	wanted  []bool
	parted  bool    // one of the plan's parts
	group   int     // of steps that may run side by side, which follow each other; 0 for none
	from    *node   // of the same group, whose output it reads while that is made; nil for none
	dynamic bool    // it has patches or releases
	in      []patch // inputs and captures to be set from the frame before it runs
	outer   []patch
	out     []patch // outputs to be put into the frame after it ran
	release []int   // slots whose values are dead after it
	inner   []*plans
}

// unknown is the number of values whose size is only known once they exist.
func (p *plan) unknown() int {
	n := 0
	for _, v := range p.values {
		if v.home == dynamic {
			n++
		}
	}
	return n
}

// patch is an index in Ctx.Inputs, Outputs or Outer and a slot of the frame.
type patch struct{ i, slot int }

// output is how one output of the graph is handed over.
type output struct {
	slot  int
	given int  // index of the input, or beyond those the capture, that it hands on; -1 if none
	copy  bool // from where it lies, after the run
	own   bool // a dynamic value that may share memory with something else
}

// makePlan lays out w's graph, whose inputs have exact facts. handOn tells that
// outputs may be values that came in from outside, as those of subgraphs may.
func (w *work) makePlan(handOn bool) *plan {
	w.trim()
	p := &plan{g: w.g, facts: w.facts, values: make([]value, len(w.g.slots))}
	groups, from := w.together()
	l := &layout{plan: p, groups: groups, from: from, last: make([]int, len(w.g.slots)), kept: make([]bool, len(w.g.slots))}
	l.spans()
	l.lifetimes()
	l.keeping()
	if !handOn {
		if l.parted = l.parts(w); l.parted != nil {
			p.parted = l.parted
			l.lasting()
			l.keeping()
		}
	}
	for _, s := range slices.Concat(w.g.inputs, w.g.captures) {
		if s >= 0 {
			l.enter(s)
		}
	}
	for _, k := range w.g.consts {
		p.values[k.slot] = value{home: constant0}
	}
	for i, n := range w.g.nodes {
		l.place(i, n)
	}
	l.handOver(handOn)
	p.arena = assign(p.regions)
	l.patches()
	p.ungroup()
	for _, r := range p.regions {
		if r.output >= 0 {
			p.fresh += int64(r.bytes)
		}
	}
	p.folded = w.memory.held
	return p
}

// ungroup runs one by one what has values that only the run itself places, and
// what stands between two others as a step of its own and not as a view.
func (p *plan) ungroup() {
	none := map[int]bool{}
	for _, st := range p.steps {
		if _, ok := st.n.kernel.(ops.Chained); st.dynamic || !ok {
			none[st.group] = true
		}
	}
	for i := range p.steps {
		if none[p.steps[i].group] {
			p.steps[i].group = 0
		}
	}
}

// step makes node i's step; patches follow once every value has its place.
func (l *layout) step(n *node, i int) step {
	st := step{n: n, parted: l.parted.in(i), group: l.groups[i], from: l.from[n], wanted: make([]bool, len(n.out)), inner: make([]*plans, len(n.bodies))}
	for o, s := range n.out {
		st.wanted[o] = s >= 0 && l.last[s] >= 0
	}
	for b := range st.inner {
		st.inner[b] = &plans{}
	}
	return st
}

// handOver decides how each output of the graph reaches the caller.
func (l *layout) handOver(handOn bool) {
	given := slices.Concat(l.g.inputs, l.g.captures)
	for _, s := range l.g.outputs {
		v := l.values[s]
		out := output{slot: s, given: -1}
		if handOn {
			out.given = slices.Index(given, s)
		}
		switch v.home {
		case constant0:
			out.copy = !handOn
		case direct:
			out.own = !handOn
		case laid, outside:
			r := &l.regions[v.region]
			if v.home == laid && r.source < 0 && r.output < 0 && r.bytes == l.bytes(s) {
				r.output = len(l.outputs)
				break
			}
			out.copy = out.given < 0
		case dynamic:
			out.own = !handOn
		}
		l.outputs = append(l.outputs, out)
	}
}

// patches lists for each step what must be moved between it and the frame, and
// which values of the frame end with it.
func (l *layout) patches() {
	index := map[*node]int{}
	for i, n := range l.g.nodes {
		index[n] = i
	}
	inFrame := func(s int) bool {
		if s < 0 {
			return false
		}
		h := l.values[s].home
		return h == direct || h == heap || h == dynamic
	}
	for k := range l.steps {
		st := &l.steps[k]
		n := st.n
		for i, s := range n.in {
			if inFrame(s) {
				st.in = append(st.in, patch{i, s})
			}
		}
		for i, s := range n.captures {
			if inFrame(s) {
				st.outer = append(st.outer, patch{i, s})
			}
		}
		for i, s := range n.out {
			if inFrame(s) {
				st.out = append(st.out, patch{i, s})
			}
		}
		for _, list := range [][]int{n.in, n.captures, n.out} {
			for _, s := range list {
				if inFrame(s) && l.values[s].home != direct && l.last[s] <= index[n] && !slices.Contains(st.release, s) {
					st.release = append(st.release, s)
				}
			}
		}
		st.dynamic = len(st.in)+len(st.outer)+len(st.out)+len(st.release) > 0
	}
}
