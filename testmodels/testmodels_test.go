package testmodels

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCasesAreComplete(t *testing.T) {
	all := Cases()
	require.NotEmpty(t, all)
	for _, c := range all {
		require.NotEmpty(t, c.Sets, c.Name)
		for _, set := range c.Sets {
			outputs, err := fs.Glob(FS(), set+"/output_*.pb")
			require.NoError(t, err)
			require.NotEmpty(t, outputs, set)
		}
	}
}

// A model must say nothing of the machine that made it: exporters like to note stack traces.
func TestNoPathsOfTheMakersMachine(t *testing.T) {
	err := fs.WalkDir(FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(FS(), name)
		if err != nil {
			return err
		}
		for _, word := range []string{"/home/", "/usr/", "site-packages", ".py"} {
			require.False(t, bytes.Contains(data, []byte(word)), "%s holds %q", name, word)
		}
		return nil
	})
	require.NoError(t, err)
}

func TestSizesStaySmall(t *testing.T) {
	total := int64(0)
	err := fs.WalkDir(FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		if strings.HasSuffix(name, ".onnx") && !strings.HasPrefix(name, "forecasters/") {
			require.Less(t, info.Size(), int64(64<<10), name)
		}
		return nil
	})
	require.NoError(t, err)
	require.Less(t, total, int64(6<<20), "the whole folder")
}

func TestForecasterIsBundledWithItsSeries(t *testing.T) {
	names := []string{}
	for _, c := range Cases() {
		names = append(names, c.Name)
	}
	require.Contains(t, names, AirPassengers)
	for name, header := range map[string]string{
		AirPassengers + "/series.csv": "unique_id,ds,y\nairpassengers,1949-01-01,112\n",
		Hourly:                        "unique_id,ds,y,temperature\ndemand,2024-01-01 00:00:00,",
	} {
		data, err := fs.ReadFile(FS(), name)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(data), header), name)
	}
}
