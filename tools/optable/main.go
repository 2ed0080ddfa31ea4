// Command optable writes the table of supported operators, ops/OPERATORS.md and
// the summary in README.md, from the table that the runtime uses. make generate
// runs it.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/tools/section"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: optable ROOT")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "optable:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	domains := []struct {
		name string
		ops  []ops.Op
	}{}
	for _, op := range ops.Standard().Ops() {
		name := op.Domain
		if name == "" {
			name = "ai.onnx"
		}
		if name == "onda" { // what the optimiser makes; no file has them
			continue
		}
		if n := len(domains); n == 0 || domains[n-1].name != name {
			domains = append(domains, struct {
				name string
				ops  []ops.Op
			}{name: name})
		}
		d := &domains[len(domains)-1]
		d.ops = append(d.ops, op)
	}
	var table, summary bytes.Buffer
	specification, err := readSchemas()
	if err != nil {
		return err
	}
	table.WriteString(heading)
	for _, d := range domains {
		fmt.Fprintf(&table, "\n## %s\n\n| operator | version | element types | attributes |\n|---|---|---|---|\n", d.name)
		var names []string
		for _, op := range d.ops {
			for _, v := range op.Versions {
				kinds, attributes := specification.row(op, v.Since)
				fmt.Fprintf(&table, "| %s | %d | %s | %s |\n", op.Name, v.Since, kinds, attributes)
			}
			names = append(names, op.Name)
		}
		fmt.Fprintf(&summary, "- **%s** (%d): %s\n", d.name, len(names), strings.Join(names, ", "))
	}
	if err := os.WriteFile(filepath.Join(root, "ops", "OPERATORS.md"), table.Bytes(), 0o644); err != nil {
		return err
	}
	return section.Replace(filepath.Join(root, "README.md"), "operators", "make generate", summary.Bytes())
}
