//go:build !race

package kernel

const allocationsCount = true
