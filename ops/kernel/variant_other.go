//go:build noasm || !(amd64 || arm64)

package kernel

// variants lists the variants this machine can run, best last.
func variants() []*variant { return []*variant{&generic} }
