//go:build race

package alloctest

// Counts is false under the race detector, where sync.Pool forgets at random.
const Counts = false
