//go:build race

package kernel

// allocationsCount is false under the race detector, where sync.Pool forgets
// at random.
const allocationsCount = false
