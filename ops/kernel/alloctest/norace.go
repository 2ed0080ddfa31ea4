//go:build !race

package alloctest

// Counts is whether PerRun's counts mean something.
const Counts = true
