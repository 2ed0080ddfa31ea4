package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
)

type verifyCmd struct {
	Dirs    []string `arg:"" name:"dir" help:"Folders of ONNX test data (model.onnx, test_data_set_*), or folders of such folders." type:"existingdir"`
	Rtol    float64  `help:"Relative tolerance." default:"1e-3"`
	Atol    float64  `help:"Absolute tolerance." default:"1e-5"`
	Plain   bool     `help:"Use the plain interpreter instead of the compiled plan."`
	Threads int      `help:"Cores one run may use; 0 means all." placeholder:"N"`
	JUnit   string   `name:"junit" help:"Write a JUnit XML report to this file." placeholder:"FILE.xml" type:"path"`
}

func (v *verifyCmd) Run(a *app) error {
	var report suite
	for _, dir := range v.Dirs {
		cases, err := onnxtest.Find(os.DirFS(dir), ".")
		if err != nil {
			return err
		}
		if len(cases) == 0 {
			return fmt.Errorf("%s: no model.onnx in it or below", dir)
		}
		for _, c := range cases {
			start := time.Now()
			err := v.verify(a, dir, c)
			name := filepath.Join(dir, c.Name)
			report.add(name, time.Since(start), err)
			if err != nil {
				a.printf("FAIL %s: %v\n", name, err)
			} else {
				a.printf("ok   %s\n", name)
			}
		}
	}
	a.printf("%d passed, %d failed\n", report.Tests-report.Failures, report.Failures)
	if v.JUnit != "" {
		if err := report.write(v.JUnit); err != nil {
			return err
		}
	}
	if report.Failures > 0 {
		return fmt.Errorf("%d of %d cases failed", report.Failures, report.Tests)
	}
	return nil
}

// verify runs every data set of one case.
func (v *verifyCmd) verify(a *app, dir string, c onnxtest.Case) error {
	fsys := os.DirFS(dir)
	proto, err := onnx.Load(filepath.Join(dir, c.ModelPath()))
	if err != nil {
		return err
	}
	level := runtime.Optimised
	if v.Plain {
		level = runtime.Plain
	}
	m, err := runtime.Compile(proto, runtime.WithLevel(level), runtime.WithThreads(v.Threads))
	if err != nil {
		return err
	}
	if len(c.Sets) == 0 {
		return errors.New("no test_data_set_* beside the model")
	}
	tol := onnxtest.Tolerance{Rtol: v.Rtol, Atol: v.Atol}
	for _, set := range c.Sets {
		inputs, want, err := onnxtest.ReadSet(fsys, set, proto)
		if err != nil {
			return err
		}
		if len(want) == 0 {
			return fmt.Errorf("%s: no expected outputs", set)
		}
		got, err := m.RunValues(a.ctx, inputs)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(set), err)
		}
		for _, p := range m.Outputs() {
			if w, expected := want[p.Name]; expected {
				if err := tol.Compare(got[p.Name], w); err != nil {
					return fmt.Errorf("%s: output %q: %w", filepath.Base(set), p.Name, err)
				}
			}
		}
	}
	return nil
}

// suite is a JUnit report.
type suite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []suiteCase `xml:"testcase"`
}

type suiteCase struct {
	Name    string   `xml:"name,attr"`
	Seconds float64  `xml:"time,attr"`
	Failure *failure `xml:"failure,omitempty"`
}

type failure struct {
	Message string `xml:"message,attr"`
}

func (s *suite) add(name string, d time.Duration, err error) {
	c := suiteCase{Name: name, Seconds: d.Seconds()}
	s.Tests++
	if err != nil {
		s.Failures++
		c.Failure = &failure{err.Error()}
	}
	s.Cases = append(s.Cases, c)
}

func (s *suite) write(path string) error {
	s.Name = "onda verify"
	out, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return export.WriteFile(path, append([]byte(xml.Header), append(out, '\n')...))
}
