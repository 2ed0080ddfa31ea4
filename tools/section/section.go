// Package section replaces the part of a Markdown file that a command writes:
// what stands between two lines such as
//
//	<!-- accuracy: written by make accuracy -->
//	<!-- end of accuracy -->
//
// The commands of tools write the README's tables with it.
package section

import (
	"bytes"
	"fmt"
	"os"

	"github.com/onda-ml/onda/export"
)

// Replace puts text between the lines of the file at path that carry name and
// writer. The file is replaced as a whole; without the lines it stays as it is,
// and the error names them.
func Replace(path, name, writer string, text []byte) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	first := fmt.Sprintf("<!-- %s: written by %s -->\n", name, writer)
	last := fmt.Sprintf("<!-- end of %s -->", name)
	before, rest, begun := bytes.Cut(old, []byte(first))
	_, after, ended := bytes.Cut(rest, []byte(last))
	if !begun || !ended {
		return fmt.Errorf("%s: expected the lines %s and %s", path, bytes.TrimSpace([]byte(first)), last)
	}
	text = append(bytes.TrimSpace(text), '\n')
	return export.WriteFile(path, bytes.Join([][]byte{before, []byte(first), text, []byte(last), after}, nil))
}
