package ops

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A family that is written but not listed is an operator that no model can use.
func TestTableListsEveryFamily(t *testing.T) {
	var table strings.Builder
	tables, err := filepath.Glob("table_*.go")
	require.NoError(t, err)
	for _, file := range tables {
		code, err := os.ReadFile(file)
		require.NoError(t, err)
		table.Write(code)
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	family := regexp.MustCompile(`(?m)^func (\w+Ops)\(\) \[\]Op`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		code, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range family.FindAllStringSubmatch(string(code), -1) {
			require.Contains(t, table.String(), "\t\t"+m[1]+"(),\n", "%s in %s", m[1], file)
		}
	}
}

// Two rows of the same name would hide one another; versions must rise.
func TestTableIsSound(t *testing.T) {
	seen := map[opKey]bool{}
	for _, family := range families() {
		for _, op := range family {
			key := opKey{op.Domain, op.Name}
			require.False(t, seen[key], "%s.%s is listed twice", op.Domain, op.Name)
			seen[key] = true
			require.NotEmpty(t, op.Versions, op.Name)
			for i, v := range op.Versions {
				require.NotNil(t, v.New, "%s version %d", op.Name, v.Since)
				require.LessOrEqual(t, v.MinIn, v.MaxIn, "%s version %d", op.Name, v.Since)
				require.LessOrEqual(t, v.MinOut, v.MaxOut, "%s version %d", op.Name, v.Since)
				if i > 0 {
					require.Greater(t, v.Since, op.Versions[i-1].Since, op.Name)
				}
			}
		}
	}
}
