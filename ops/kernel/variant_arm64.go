//go:build !noasm

package kernel

// variants lists the variants this machine can run, best last. Every arm64
// processor has NEON.
func variants() []*variant { return []*variant{&generic, neon()} }
