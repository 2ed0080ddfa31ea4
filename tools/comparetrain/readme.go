package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// The lines between which the README's table is written.
const (
	firstMark = "<!-- compare-train: written by make compare-train -->"
	lastMark  = "<!-- end of compare-train -->"
)

// intoReadme replaces what the file has between the marks. The file is replaced
// as a whole.
func intoReadme(path string, section []byte) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok1 := bytes.Cut(old, []byte(firstMark))
	_, after, ok2 := bytes.Cut(rest, []byte(lastMark))
	if !ok1 || !ok2 {
		return fmt.Errorf("%s: expected the lines %s and %s", path, firstMark, lastMark)
	}
	all := bytes.Join([][]byte{before, []byte(firstMark + "\n"), bytes.TrimSpace(section), []byte("\n" + lastMark), after}, nil)
	beside := path + ".new"
	if err := os.WriteFile(beside, all, 0o644); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

// processor is the name of its model.
func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, found := strings.Cut(string(data), "model name")
	name, _, _ := strings.Cut(rest, "\n")
	if name = strings.Trim(name, " \t:"); !found || name == "" {
		return "processor unknown"
	}
	return name
}

// loadAverage tells how busy the machine is with other work.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}
