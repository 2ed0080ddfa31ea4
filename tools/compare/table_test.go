package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/compare/bench"
)

func TestRowsStayOneLine(t *testing.T) {
	var b strings.Builder
	newTable(&b, "Title.", "a", "b").row("1|2", "first\nsecond")
	require.Equal(t, "\nTitle.\n\n| a | b |\n| --- | --- |\n| 1\\|2 | first |\n", b.String())
	require.Len(t, []rune(oneLine(strings.Repeat("é", 500))), 160)
}

func TestGridKeepsTheOrderOfItsCells(t *testing.T) {
	var g grid
	var b strings.Builder
	g.write(&b, "Nothing.", "model")
	require.Empty(t, b.String())

	g.add("lstm", "batch 1", "0.9")
	g.add("lstm", "batch 1", "0.8")
	g.add("linear", "batch 8", "1.1")
	g.write(&b, "Title.", "model")
	require.Equal(t, "\nTitle.\n\n| model | batch 1 | batch 8 |\n| --- | --- | --- |\n| lstm | 0.9, 0.8 |  |\n| linear |  | 1.1 |\n", b.String())
}

func TestNumbers(t *testing.T) {
	got, err := numbers("1,8,32")
	require.NoError(t, err)
	require.Equal(t, []int{1, 8, 32}, got)
	for _, bad := range []string{"", "1,,2", "0", "x"} {
		_, err := numbers(bad)
		require.Error(t, err, bad)
	}
}

// The step that is streamed gives what a state carried by hand gives.
func TestStreamCarriesItsState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "step.onnx")
	require.NoError(t, writeStep(path, 16))
	task, err := bench.NewTask(path, 2, 1)
	require.NoError(t, err)
	stream, err := newStream(task, stepFeedback)
	require.NoError(t, err)

	for _, name := range []string{"h", "c"} {
		clear(bench.Data(task.Value(name)))
	}
	for range 3 {
		require.NoError(t, stream.Run())
		got, err := stream.Outputs()
		require.NoError(t, err)
		plain, err := bench.Onda{}.Load(task)
		require.NoError(t, err)
		want, err := plain.Outputs()
		require.NoError(t, err)
		require.Equal(t, want, got)
		for out, in := range stepFeedback {
			copy(bench.Data(task.Value(in)), want[out])
		}
	}
}
