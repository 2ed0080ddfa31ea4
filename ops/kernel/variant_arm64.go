//go:build !noasm

package kernel

// variants lists the variants this machine can run, best last.
func variants() []*variant { return []*variant{&generic} }
