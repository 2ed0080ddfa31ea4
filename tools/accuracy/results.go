package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/onda-ml/onda/export"
)

// result is one measurement: a forecaster at a horizon, trained from a seed
// where it is trained at all.
type result struct {
	Name       string  `json:"name"`
	Recipe     string  `json:"recipe,omitempty"` // the checksum of the recipe: a changed one is measured again
	Table      string  `json:"table,omitempty"`
	Horizon    int     `json:"horizon"`
	Seed       uint64  `json:"seed"`
	Validation score   `json:"validation"`
	Test       score   `json:"test"`
	Epochs     int     `json:"epochs,omitempty"`
	Seconds    float64 `json:"seconds"`
}

// store is the results file. Each result is on the disk before the next begins.
type store struct {
	path    string // "" keeps nothing
	results []result
}

func openStore(path string) (*store, error) {
	s := &store{path: path}
	if path == "" {
		return s, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &s.results); err != nil {
		return nil, fmt.Errorf("%s: not a file of results: %w", path, err)
	}
	return s, nil
}

// find returns the result that is there for what r names. A recipe's checksum
// says what was trained; the row that shows it may be called another name since.
func (s *store) find(r result) (result, bool) {
	for _, have := range s.results {
		same := have.Recipe == r.Recipe && have.Horizon == r.Horizon && have.Seed == r.Seed
		if same && (r.Recipe != "" || have.Name == r.Name) {
			have.Name, have.Table = r.Name, r.Table
			return have, true
		}
	}
	return r, false
}

// measure returns the result that is there for what r names, else makes it by
// run and keeps it.
func (s *store) measure(r result, run func(r *result) error) (result, error) {
	if have, ok := s.find(r); ok {
		return have, nil
	}
	if err := run(&r); err != nil {
		return r, err
	}
	s.results = append(s.results, r)
	if s.path == "" {
		return r, nil
	}
	text, err := json.MarshalIndent(s.results, "", "\t")
	if err != nil {
		return r, err
	}
	return r, export.WriteFile(s.path, append(text, '\n'))
}
