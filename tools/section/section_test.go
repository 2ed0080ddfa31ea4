package section

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplaceKeepsTheRest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	const first, last = "<!-- speed: written by make speed -->", "<!-- end of speed -->"
	require.NoError(t, os.WriteFile(path, []byte("before\n"+first+"\nold\n"+last+"\nafter\n"), 0o644))
	for range 2 {
		require.NoError(t, Replace(path, "speed", "make speed", []byte("\nnew\n\n")))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "before\n"+first+"\nnew\n"+last+"\nafter\n", string(got))
	}
	for _, text := range []string{"no lines", last + "\n" + first + "\n"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		require.EqualError(t, Replace(path, "speed", "make speed", []byte("new")), path+": expected the lines "+first+" and "+last)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
}
