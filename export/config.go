package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
)

// FormatVersion is the version of the model directory's format that is written.
// Every older one is read.
const FormatVersion = 1

// maxConfigSize bounds what is read of a configuration file.
const maxConfigSize = 1 << 20

// upgrades[v] turns the fields of version v into those of version v+1.
type upgrades map[int]func(fields) (fields, error)

// released has an entry for every version before FormatVersion.
var released = upgrades{}

// A Section is a field of a configuration file; "training" is an object that is
// not the model's.
type Section struct {
	Name  string          // the field's name
	Value json.RawMessage // as the file has it
}

// sectionNames are those that a configuration file may have.
var sectionNames = []string{"training"}

// ReadConfig reads a configuration file that a person or Save wrote. Without a
// format_version it is of the present one. The error names the file and every
// field that cannot be. It looks at the model's fields only; ReadSection at the
// others. What the file leaves out is as in defaults, then as in
// lstmattn.DefaultConfig.
func ReadConfig(path string, defaults ...Section) (lstmattn.Config, error) {
	data, err := readLimited(path, maxConfigSize)
	if err != nil {
		return lstmattn.Config{}, err
	}
	cfg, err := parseConfig(data, false, defaults...)
	if err != nil {
		return lstmattn.Config{}, inFile(path, err)
	}
	return cfg, nil
}

// ReadSection sets into to a section, or another field, of a configuration file
// and says whether there is one. The error names the file.
func ReadSection(path, name string, into any) (found bool, err error) {
	data, err := readLimited(path, maxConfigSize)
	if err != nil {
		return false, err
	}
	f, err := parseFields(data)
	if err != nil {
		return false, inFile(path, err)
	}
	i := f.index(name)
	if i < 0 {
		return false, nil
	}
	if err := json.Unmarshal(f[i].value, into); err != nil {
		var ce *lstmattn.ConfigError
		if !errors.As(err, &ce) {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return false, inFile(path, err)
	}
	return true, nil
}

// formatConfig is the content of config.json.
func formatConfig(cfg lstmattn.Config, sections ...Section) ([]byte, error) {
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	f, err := parseFields(data)
	if err != nil {
		return nil, err
	}
	f = append(fields{{"format_version", json.RawMessage(fmt.Sprint(FormatVersion))}}, f...)
	for _, section := range sections {
		f = append(f, field{section.Name, section.Value})
	}
	var out bytes.Buffer
	if err := json.Indent(&out, f.object(), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// parseConfig reads the content of config.json; strict asks for format_version
// and model_type to be there.
func parseConfig(data []byte, strict bool, defaults ...Section) (cfg lstmattn.Config, err error) {
	f, err := parseFields(data)
	if err != nil {
		return cfg, err
	}
	if strict && f.index("model_type") < 0 {
		return cfg, errors.New(`field "model_type" is missing`)
	}
	if f, err = released.apply(f, FormatVersion, strict); err != nil {
		return cfg, err
	}
	for _, name := range sectionNames {
		if i := f.index(name); i >= 0 {
			f = append(append(fields{}, f[:i]...), f[i+1:]...)
		}
	}
	for _, d := range defaults {
		if f.index(d.Name) < 0 {
			f = append(f, field{d.Name, d.Value})
		}
	}
	return cfg, json.Unmarshal(f.object(), &cfg)
}

// apply brings fields of any version to the newest and takes format_version
// away.
func (u upgrades) apply(f fields, newest int, strict bool) (fields, error) {
	version := newest
	if i := f.index("format_version"); i >= 0 {
		if err := json.Unmarshal(f[i].value, &version); err != nil || string(f[i].value) == "null" {
			return nil, fmt.Errorf("format_version is %.40s, expected an integer", f[i].value)
		}
		f = append(append(fields{}, f[:i]...), f[i+1:]...)
		if f.index("format_version") >= 0 {
			return nil, errors.New(`field "format_version" is given twice`)
		}
	} else if strict {
		return nil, errors.New(`field "format_version" is missing`)
	}
	if version < 1 || version > newest {
		return nil, fmt.Errorf("format_version is %d, this build reads 1 to %d", version, newest)
	}
	for ; version < newest; version++ {
		var err error
		if f, err = u[version](f); err != nil {
			return nil, fmt.Errorf("upgrading from format_version %d: %w", version, err)
		}
	}
	return f, nil
}

// fields are the members of a JSON object, in order, duplicates and all.
type fields []field

type field struct {
	name  string
	value json.RawMessage
}

func (f fields) index(name string) int {
	for i := range f {
		if f[i].name == name {
			return i
		}
	}
	return -1
}

// object is the fields as JSON.
func (f fields) object() []byte {
	out := []byte{'{'}
	for i := range f {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(f[i].name) // a string always has a form
		out = append(append(append(out, name...), ':'), f[i].value...)
	}
	return append(out, '}')
}

func parseFields(data []byte) (f fields, err error) {
	err = lstmattn.EachField(data, func(name string, value json.RawMessage) {
		f = append(f, field{name, bytes.Clone(value)})
	})
	return f, err
}

// readLimited reads a whole file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > limit {
		return nil, fmt.Errorf("%s: has %d bytes, at most %d are read", path, info.Size(), limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: has more than %d bytes", path, limit)
	}
	return data, err
}

// inFile puts the file's name before an error, in place of "config" where the
// error begins so.
func inFile(path string, err error) error {
	var ce *lstmattn.ConfigError
	if errors.As(err, &ce) {
		return &fileError{path, strings.Join(ce.Problems, "; "), err}
	}
	return &fileError{path, err.Error(), err}
}

type fileError struct {
	path, problem string
	cause         error
}

func (e *fileError) Error() string { return e.path + ": " + e.problem }
func (e *fileError) Unwrap() error { return e.cause }
