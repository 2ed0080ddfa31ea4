package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

// TestMain lets the test binary stand in for onda where a command starts itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bench" {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Every variant of the machine is measured on every shape, and one is in use.
func TestBenchKernels(t *testing.T) {
	var all []kernelRate
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "bench", "--kernels", "--json", "--runs", "1")), &all))
	shapes := len(kernelCases())
	require.Len(t, all, shapes*len(kernel.Variants()))
	for i, r := range all {
		require.Equal(t, kernel.Variants()[i/shapes], r.Variant)
		require.Equal(t, r.Variant == kernel.Variant(), r.Chosen)
		require.Equal(t, all[i%shapes].Kernel, r.Kernel)
		require.Positive(t, r.Rate, r.Kernel)
	}
	require.True(t, slices.ContainsFunc(all, func(r kernelRate) bool { return r.Chosen }))
	var text bytes.Buffer
	printKernels(&app{stdout: &text}, all)
	require.Contains(t, text.String(), kernel.Variant()+"*")
	require.Contains(t, text.String(), "LSTM int8")
}
