package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two shards are the same training as one.
func TestShardsGiveTheLossOfTheBatch(t *testing.T) {
	s := shape{2, 8, 1, 2, 12, 4, 6}
	one, err := newOnda(s, 1)
	require.NoError(t, err)
	two, err := newOnda(s, 2)
	require.NoError(t, err)
	for range 3 {
		want, _, err := one.step(true)
		require.NoError(t, err)
		got, _, err := two.step(true)
		require.NoError(t, err)
		require.InEpsilon(t, want, got, 1e-4)
	}
}

func TestQuantile(t *testing.T) {
	require.Equal(t, 3.0, quantile([]float64{5, 1, 3}, .5))
	require.Equal(t, 1.5, quantile([]float64{3, 2, 1}, .25))
	require.Equal(t, 7.0, quantile([]float64{7}, .75))
}

func TestIntoReadme(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	require.NoError(t, os.WriteFile(path, []byte("a\n"+firstMark+"\nold\n"+lastMark+"\nb\n"), 0o644))
	require.NoError(t, intoReadme(path, []byte("new\n")))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "a\n"+firstMark+"\nnew\n"+lastMark+"\nb\n", string(got))

	require.NoError(t, os.WriteFile(path, []byte("no marks"), 0o644))
	require.ErrorContains(t, intoReadme(path, nil), "expected the lines")
}
