package runtime

import (
	"slices"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// layout decides where values lie.
type layout struct {
	*plan
	groups     []int           // per node, see together
	from       map[*node]*node // see together
	parted     *parts          // nodes that take the batch a part at a time; nil for none
	begin, end []int           // per node: the first and the last node that may run at the same time

	last []int  // the last node that may run when a slot is read, -1 if none; len(nodes) for outputs
	kept []bool // slots whose value something may hold on to, so that it can't be in a region
	view []int  // per node: the slot it is a view of, or -1
}

// spans finds the nodes that may run at the same time as each.
func (l *layout) spans() {
	n := len(l.groups)
	l.begin, l.end = make([]int, n), make([]int, n)
	for i := range n {
		if l.begin[i] = i; i > 0 && l.groups[i] > 0 && l.groups[i] == l.groups[i-1] {
			l.begin[i] = l.begin[i-1]
		}
	}
	for i := n - 1; i >= 0; i-- {
		if l.end[i] = i; i+1 < n && l.groups[i] > 0 && l.groups[i] == l.groups[i+1] {
			l.end[i] = l.end[i+1]
		}
	}
}

func (l *layout) lifetimes() {
	for s := range l.last {
		l.last[s] = -1
	}
	for i, n := range l.g.nodes {
		for _, list := range [][]int{n.in, n.captures} {
			for _, s := range list {
				if s >= 0 {
					l.last[s] = l.end[i]
				}
			}
		}
	}
	for _, s := range l.g.outputs {
		l.last[s] = len(l.g.nodes)
	}
}

// lasting keeps what parts have in common with others from the first of them to the
// last.
func (l *layout) lasting() {
	if l.parted == nil {
		return
	}
	for _, s := range l.parted.slots {
		if l.last[s] >= l.parted.first {
			l.last[s] = max(l.last[s], l.parted.end-1)
		}
	}
}

// placeable reports whether memory can be laid out for a value beforehand.
func placeable(f ops.Fact) bool {
	if !f.Known() || f.DType == tensor.String {
		return false
	}
	_, err := tensor.CheckShape(f.Shape, f.DType.Size())
	return err == nil
}

// keeping finds the values that a kernel may hand on inside an output whose
// memory isn't laid out: by reference, beyond the life of a region.
func (l *layout) keeping() {
	l.view = make([]int, len(l.g.nodes))
	for i := len(l.g.nodes) - 1; i >= 0; i-- {
		n := l.g.nodes[i]
		l.view[i] = -1
		free := false
		for _, s := range n.out {
			free = free || s >= 0 && !placeable(l.facts[s])
		}
		if isView(n, l.facts) && !free {
			l.view[i] = n.in[0]
			free = l.kept[n.out[0]]
		}
		if free {
			for _, list := range [][]int{n.in, n.captures} {
				for _, s := range list {
					if s >= 0 {
						l.kept[s] = true
					}
				}
			}
		}
	}
}

// isView reports whether n's only output has its input's elements in their
// order.
func isView(n *node, facts []ops.Fact) bool {
	if len(n.in) == 0 || n.in[0] < 0 || len(n.out) == 0 || n.out[0] < 0 || !n.only() {
		return false
	}
	x, y := facts[n.in[0]], facts[n.out[0]]
	if !placeable(x) || !placeable(y) || x.DType != y.DType || tensor.Shape(x.Shape).Len() != tensor.Shape(y.Shape).Len() {
		return false
	}
	if v, ok := n.kernel.(ops.View); ok && v.View() {
		return true
	}
	return n.is("Transpose") && keepsElements(n, x.Shape)
}

// keepsElements reports whether a transpose only moves axes of extent 1.
func keepsElements(n *node, shape []int) bool {
	last := -1
	for _, p := range permutation(n, len(shape)) {
		if shape[p] == 1 {
			continue
		}
		if p < last {
			return false
		}
		last = p
	}
	return permutation(n, len(shape)) != nil
}

// enter places an input or capture.
func (l *layout) enter(s int) {
	switch {
	case l.facts[s].Value != nil && l.facts[s].Known():
		l.values[s] = value{home: constant0}
	case l.kept[s] || !placeable(l.facts[s]):
		l.values[s] = value{home: direct}
	default:
		l.values[s] = value{home: outside, region: len(l.regions)}
		l.regions = append(l.regions, region{bytes: l.bytes(s), first: -1, last: len(l.g.nodes), source: s, output: -1})
	}
}

func (l *layout) bytes(s int) int {
	return tensor.Shape(l.facts[s].Shape).Len() * l.facts[s].DType.Size()
}

// place decides where the outputs of node i lie.
func (l *layout) place(i int, n *node) {
	if from := l.view[i]; from >= 0 {
		v := l.values[from]
		if (v.home == outside || v.home == laid) && !l.kept[n.out[0]] {
			l.values[n.out[0]] = value{home: laid, region: v.region, at: v.at}
			r := &l.regions[v.region]
			r.last = max(r.last, l.last[n.out[0]])
			return
		}
	}
	for o, s := range n.out {
		if s < 0 {
			continue
		}
		switch {
		case !placeable(l.facts[s]) || l.view[i] >= 0:
			l.values[s] = value{home: dynamic}
		case l.kept[s]:
			l.values[s] = value{home: heap}
		default:
			l.lay(i, n, o, s)
		}
	}
	l.view[i] = -1
	l.steps = append(l.steps, l.step(n, i))
}

// lay gives slot s, output o of node i, a region: that of an input which ends
// here if the kernel can work in place.
func (l *layout) lay(i int, n *node, o, s int) {
	if k, ok := n.kernel.(ops.InPlace); ok && o == 0 {
		for _, j := range k.InPlace() {
			if r := l.overwritable(i, n, j, s); r >= 0 {
				l.values[s] = value{home: laid, region: r}
				l.regions[r].last = max(l.regions[r].last, l.last[s])
				return
			}
		}
	}
	first := l.begin[i]
	if l.parted.in(i) && slices.Contains(l.parted.slots, s) {
		first = l.parted.first
	}
	l.values[s] = value{home: laid, region: len(l.regions)}
	l.regions = append(l.regions, region{bytes: l.bytes(s), first: first, last: max(l.end[i], l.last[s]), source: -1, output: -1})
}

// overwritable is the region of input j of node i if output slot s may take it
// over, else -1.
func (l *layout) overwritable(i int, n *node, j, s int) int {
	x := n.input(j)
	if l.begin[i] < l.end[i] || x < 0 || l.values[x].home != laid || !alike(l.facts[x], l.facts[s]) {
		return -1
	}
	at := l.values[x].region
	r := l.regions[at]
	if r.source >= 0 || r.last != i || r.bytes != l.bytes(s) {
		return -1
	}
	for _, list := range [][]int{n.in, n.captures} {
		for _, other := range list {
			if other >= 0 && other != x && l.values[other].home == laid && l.values[other].region == at {
				return -1
			}
		}
	}
	return at
}
