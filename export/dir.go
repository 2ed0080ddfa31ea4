package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onda-ml/onda/lstmattn"
)

// The files of a model directory.
const (
	ConfigFile  = "config.json"
	TensorsFile = "model.safetensors"
)

// maxHeader is what a safetensors file may have before its tensors.
const maxHeader = 100 << 20

// Save writes the model's directory, making it if need be. Each file is replaced
// as a whole, and neither is touched before both are on the disk under other
// names. A crash between the two renames leaves new parameters beside the old
// configuration, which Load refuses where they do not belong together. Sections
// stand in the configuration after the model's fields.
func Save(dir string, m *lstmattn.Model, sections ...Section) error {
	return filler(fill).save(dir, m, sections...)
}

func (fill filler) save(dir string, m *lstmattn.Model, sections ...Section) error {
	config, err := formatConfig(m.Config(), sections...)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), err)
	}
	tensors, err := formatTensors(m)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, TensorsFile), err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	tensorsPath, configPath := filepath.Join(dir, TensorsFile), filepath.Join(dir, ConfigFile)
	tensorsTemp, err := fill.beside(tensorsPath, tensors)
	if err != nil {
		return err
	}
	configTemp, err := fill.beside(configPath, config)
	if err != nil {
		return errors.Join(err, os.Remove(tensorsTemp))
	}
	if err := os.Rename(tensorsTemp, tensorsPath); err != nil {
		return errors.Join(err, os.Remove(tensorsTemp), os.Remove(configTemp))
	}
	if err := os.Rename(configTemp, configPath); err != nil {
		return errors.Join(err, os.Remove(configTemp))
	}
	return syncDir(dir)
}

// Load reads a model directory. The error names the file and what is wrong with
// it: fields that are unknown, missing or impossible, a format_version newer
// than this build, tensors that are missing, unexpected or of another type or
// shape, a file that is cut short or has another checksum than it was written
// with, parameters that were saved under another configuration.
func Load(dir string) (*lstmattn.Model, error) {
	path := filepath.Join(dir, ConfigFile)
	data, err := readLimited(path, maxConfigSize)
	if err != nil {
		return nil, err
	}
	cfg, err := parseConfig(data, true)
	if err != nil {
		return nil, inFile(path, err)
	}
	path = filepath.Join(dir, TensorsFile)
	table, err := lstmattn.ParameterTable(cfg)
	if err != nil {
		return nil, inFile(path, err)
	}
	size := int64(maxHeader)
	for i := range table {
		size += 4 * int64(table[i].Len())
	}
	if data, err = readLimited(path, size); err != nil {
		return nil, err
	}
	p, err := parseTensors(cfg, data)
	if err != nil {
		return nil, inFile(path, err)
	}
	m, err := lstmattn.FromParams(cfg, p)
	if err != nil {
		return nil, inFile(path, err)
	}
	return m, nil
}
