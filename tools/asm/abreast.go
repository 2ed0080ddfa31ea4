package main

import "github.com/mmcloughlin/avo/ir"

// abreast writes n independent computations instruction by instruction in turn.
// Each is a chain in which one instruction waits for another, and a processor
// looks only so far ahead for others. They have no labels, and none reads what
// another writes.
func (x *isa) abreast(n int, f func(i int)) {
	file, err := x.Result()
	if err != nil {
		return // reported when all is written
	}
	functions := file.Functions()
	fn := functions[len(functions)-1]
	before := fn.Nodes
	chains := make([][]ir.Node, n)
	longest := 0
	for i := range chains {
		fn.Nodes = nil
		f(i)
		chains[i] = fn.Nodes
		longest = max(longest, len(fn.Nodes))
	}
	fn.Nodes = before
	for at := range longest {
		for _, c := range chains {
			if at < len(c) {
				fn.Nodes = append(fn.Nodes, c[at])
			}
		}
	}
}
