package runtime_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
)

// ONNX's own suites: each a folder of the data that ONDA_ONNX_DATA lists. A
// suite found in two of its folders is taken from the first.
var suites = []string{"node", "simple", "pytorch-converted", "pytorch-operator"}

const (
	allowFile  = "../testmodels/conformance.txt"
	reportFile = "../testmodels/CONFORMANCE.md"
)

var updateConformance = flag.Bool("update-conformance", false, "write "+allowFile+" and "+reportFile+" from what passes now")

// levels are the two ways to run a model that every case goes through.
var levels = []struct {
	name  string
	level runtime.Level
}{{"plain", runtime.Plain}, {"optimised", runtime.Optimised}}

// TestConformance runs ONNX's backend test suites where ONDA_ONNX_DATA lists
// folders with their data (CASE folders in a folder named after the suite). A
// case that testmodels/conformance.txt lists must pass, one that it doesn't
// list must not: the list is exact. Without data it checks the list's form.
func TestConformance(t *testing.T) {
	allowed := map[string]bool{}
	if !*updateConformance {
		allowed = readAllowed(t)
	}
	roots := filepath.SplitList(os.Getenv("ONDA_ONNX_DATA"))
	if len(roots) == 0 {
		require.NotEmpty(t, allowed)
		return
	}
	cases := conformanceCases(t, roots)
	require.NotEmpty(t, cases, "no suite below %v", roots)
	results := map[string]error{}
	for _, key := range slices.Sorted(maps.Keys(cases)) {
		t.Run(path.Base(key), func(t *testing.T) {
			tol := onnxtest.Standard
			if strings.HasPrefix(path.Base(key), "test_bernoulli") {
				tol.Atol = 1 // a draw of another generator: type, shape and range are what can agree
			}
			err := runCase(os.DirFS(cases[key]), path.Base(key), tol)
			results[key] = err
			switch {
			case *updateConformance:
			case err != nil && allowed[key]:
				t.Errorf("%s is in conformance.txt and fails: %v", key, err)
			case err == nil && !allowed[key]:
				t.Errorf("%s passes and is not in conformance.txt", key)
			}
		})
	}
	if *updateConformance {
		writeConformance(t, results)
		return
	}
	for key := range allowed {
		suite, _, _ := strings.Cut(key, "/")
		if _, ran := results[key]; !ran && slices.ContainsFunc(slices.Collect(maps.Keys(results)), func(k string) bool { return strings.HasPrefix(k, suite+"/") }) && flag.Lookup("test.run").Value.String() == "" {
			t.Errorf("%s is in conformance.txt and not in the data", key)
		}
	}
}

// conformanceCases maps SUITE/CASE to the folder that has the case's folder.
func conformanceCases(t *testing.T, roots []string) map[string]string {
	cases := map[string]string{}
	for _, suite := range suites {
		for _, root := range roots {
			dir := filepath.Join(root, suite)
			entries, err := os.ReadDir(dir)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			require.NoError(t, err)
			for _, e := range entries {
				if _, err := os.Stat(filepath.Join(dir, e.Name(), "model.onnx")); err == nil {
					cases[suite+"/"+e.Name()] = dir
				}
			}
			break
		}
	}
	return cases
}

// runCase runs every data set of a case at both levels.
func runCase(fsys fs.FS, name string, tol onnxtest.Tolerance) error {
	found, err := onnxtest.Find(fsys, name)
	if err != nil {
		return err
	}
	if len(found) != 1 || len(found[0].Sets) == 0 {
		return fmt.Errorf("no data set beside the model")
	}
	c := found[0]
	proto, err := onnx.LoadFS(fsys, c.ModelPath())
	if err != nil {
		return err
	}
	for _, l := range levels {
		m, err := runtime.Compile(proto, runtime.WithLevel(l.level))
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		for _, set := range c.Sets {
			if _, err := runSet(fsys, set, proto, m, tol); err != nil {
				return fmt.Errorf("%s: %s: %w", l.name, path.Base(set), err)
			}
		}
	}
	return nil
}

// runSet runs one data set and compares what came out with what was expected.
func runSet(fsys fs.FS, set string, proto *onnx.Model, m *runtime.Model, tol onnxtest.Tolerance) (map[string]tensor.Value, error) {
	inputs, want, err := onnxtest.ReadSet(fsys, set, proto)
	if err != nil {
		return nil, err
	}
	if len(want) == 0 {
		return nil, errors.New("no expected outputs")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got, err := m.RunValues(ctx, inputs)
	if err != nil {
		return nil, err
	}
	for _, p := range m.Outputs() {
		w, expected := want[p.Name]
		if !expected {
			continue
		}
		if err := tol.Compare(got[p.Name], w); err != nil {
			return nil, fmt.Errorf("output %q: %w", p.Name, err)
		}
	}
	return got, nil
}

func readAllowed(t *testing.T) map[string]bool {
	data, err := os.ReadFile(allowFile)
	require.NoError(t, err)
	allowed := map[string]bool{}
	last := ""
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		key := lines.Text()
		if key == "" || strings.HasPrefix(key, "#") {
			continue
		}
		require.Less(t, last, key, "conformance.txt is sorted and lists a case once")
		last, allowed[key] = key, true
	}
	return allowed
}

// writeConformance writes the list of cases that pass and the report of those
// that don't.
func writeConformance(t *testing.T, results map[string]error) {
	var list, report, failures strings.Builder
	list.WriteString("# The cases of ONNX's backend test suites that pass, one SUITE/CASE a line.\n" +
		"# Written by: go test ./runtime -run Conformance -update-conformance\n")
	report.WriteString("# Conformance\n\nONNX's backend test suites through the plain interpreter and the compiled plan, tolerances rtol 1e-3 and\n" +
		"atol 1e-7. Written by `go test ./runtime -run Conformance -update-conformance`; `conformance.txt` beside this\n" +
		"page lists what passes, and a change of that list fails the test. Of the random cases (`test_bernoulli*`) type, shape\n" +
		"and range are compared.\n\n| suite | passed | cases | |\n| --- | ---: | ---: | ---: |\n")
	passed, total := map[string]int{}, map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(results)) {
		suite, name, _ := strings.Cut(key, "/")
		total[suite]++
		if err := results[key]; err != nil {
			fmt.Fprintf(&failures, "| %s | %s | %s |\n", suite, name, strings.ReplaceAll(strings.ReplaceAll(err.Error(), "\n", " "), "|", `\|`))
			continue
		}
		passed[suite]++
		list.WriteString(key + "\n")
	}
	for _, suite := range suites {
		if total[suite] > 0 {
			fmt.Fprintf(&report, "| %s | %d | %d | %.1f %% |\n", suite, passed[suite], total[suite], 100*float64(passed[suite])/float64(total[suite]))
		}
	}
	if failures.Len() > 0 {
		report.WriteString("\n## Not passed\n\n| suite | case | why |\n| --- | --- | --- |\n" + failures.String())
	}
	require.NoError(t, os.WriteFile(allowFile, []byte(list.String()), 0o644))
	require.NoError(t, os.WriteFile(reportFile, []byte(report.String()), 0o644))
}
