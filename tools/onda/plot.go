package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn/plot"
)

// writePNG draws a chart to a file.
func writePNG(path string, c *plot.Chart) error {
	var png bytes.Buffer
	if err := c.WritePNG(&png); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return export.WriteFile(path, png.Bytes())
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
