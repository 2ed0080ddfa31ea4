//go:build race

package runtime_test

// raceEnabled: the race detector makes sync.Pool forget at random, so that
// kernels allocate where they otherwise don't.
const raceEnabled = true
