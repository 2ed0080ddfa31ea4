package ops

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// textOps work on strings.
func textOps() []Op {
	split := unaryVersion(newStringSplit)
	split.MinOut, split.MaxOut = 2, 2
	return []Op{
		{Name: "StringNormalizer", Versions: repeat(unaryVersion(newStringNormalizer), 10)},
		{Name: "StringConcat", Versions: []Version{two(20, newStringConcat)}},
		{Name: "StringSplit", Versions: repeat(split, 20)},
		{Name: "RegexFullMatch", Versions: repeat(unaryVersion(newRegexFullMatch), 20)},
		{Name: "TfIdfVectorizer", Versions: repeat(unaryVersion(newTfIdf), 9)},
	}
}

// stringIn is input i's strings.
func stringIn(c *Ctx, i int) (*tensor.Tensor, []string, error) {
	t, err := given(c, i)
	if err != nil {
		return nil, nil, err
	}
	if err := strType.check(i, t.DType()); err != nil {
		return nil, nil, err
	}
	return t, tensor.Of[string](t), nil
}

// stringNormalizer drops stop words from a list, in one dimension or one row,
// and changes the case of the rest.
type stringNormalizer struct {
	stop      map[string]bool
	sensitive bool
	change    func(string) string // nil for none
}

func newStringNormalizer(a *Attrs) (Kernel, error) {
	a.String("locale", "")
	k := stringNormalizer{stop: map[string]bool{}, sensitive: a.Bool("is_case_sensitive", false)}
	switch a.Enum("case_change_action", "NONE", "NONE", "LOWER", "UPPER") {
	case "LOWER":
		k.change = strings.ToLower
	case "UPPER":
		k.change = strings.ToUpper
	}
	for _, w := range a.Strings("stopwords") {
		k.stop[k.key(w)] = true
	}
	return k, nil
}

// key is what stop words are compared by.
func (k stringNormalizer) key(s string) string {
	if k.sensitive {
		return s
	}
	return strings.ToLower(s)
}

func (k stringNormalizer) Infer(c *Infer) error {
	f := c.In(0)
	switch {
	case !f.Ranked:
		c.Set(0, Unranked(tensor.String))
	case len(f.Shape) == 1:
		c.Set(0, Shaped(tensor.String, Unknown))
	case len(f.Shape) == 2:
		c.Set(0, Shaped(tensor.String, 1, Unknown))
	default:
		return checkRank(0, len(f.Shape), 1, 2)
	}
	return nil
}

func (k stringNormalizer) Run(c *Ctx) error {
	x, words, err := stringIn(c, 0)
	if err != nil {
		return err
	}
	if err := checkRank(0, x.Rank(), 1, 2); err != nil {
		return err
	}
	if x.Rank() == 2 && x.Dim(0) != 1 {
		return fmt.Errorf("input 0: has shape %v, expected one row", x.Shape())
	}
	bytes := 0
	for _, w := range words {
		bytes += 16 + len(w)
	}
	if err := c.Memory.Reserve(bytes); err != nil {
		return err
	}
	kept := make([]string, 0, max(len(words), 1))
	for _, w := range words {
		if k.stop[k.key(w)] {
			continue
		}
		if k.change != nil {
			w = k.change(w)
		}
		kept = append(kept, w)
	}
	if len(kept) == 0 {
		kept = append(kept, "")
	}
	shape := []int{1, len(kept)}
	y, err := c.Out(0, tensor.String, shape[2-x.Rank():]...)
	if err != nil {
		return err
	}
	copy(tensor.Of[string](y), kept)
	return nil
}

// stringConcat joins pairs of strings, broadcast.
type stringConcat struct{}

func newStringConcat(*Attrs) (Kernel, error) { return stringConcat{}, nil }

func (stringConcat) Infer(c *Infer) error { return inferTwo(c, nil, tensor.String) }

func (stringConcat) Run(c *Ctx) error {
	a, as, err := stringIn(c, 0)
	if err != nil {
		return err
	}
	b, bs, err := stringIn(c, 1)
	if err != nil {
		return err
	}
	y, bc, err := outTwo(c, nil, tensor.String, a, b)
	if err != nil || y.Len() == 0 {
		return err
	}
	if err := c.Memory.Reserve(kernel.ConcatLen(as, bs, &bc)); err != nil {
		return err
	}
	kernel.Concat(tensor.Of[string](y), as, bs, &bc)
	return nil
}

// stringSplit cuts each string at a delimiter. The pieces lie along a new last
// dimension, filled up with "", and their number is output 1.
type stringSplit struct {
	sep  string
	most int // -1 for no limit
}

func newStringSplit(a *Attrs) (Kernel, error) {
	k := stringSplit{sep: a.String("delimiter", ""), most: -1}
	if a.Has("maxsplit") {
		n := a.Int("maxsplit", 0)
		if n < 0 {
			n = -1
		}
		k.most = int(min(n, 1<<30))
	}
	return k, nil
}

func (k stringSplit) Infer(c *Infer) error {
	f := c.In(0)
	c.Set(1, Fact{DType: tensor.Int64, Shape: f.Shape, Ranked: f.Ranked})
	c.Set(0, Unranked(tensor.String))
	if f.Ranked {
		c.Set(0, Shaped(tensor.String, append(slices.Clone(f.Shape), Unknown)...))
	}
	return nil
}

func (k stringSplit) Run(c *Ctx) error {
	x, words, err := stringIn(c, 0)
	if err != nil {
		return err
	}
	bytes := 24 * len(words)
	for _, w := range words {
		bytes += 16 * (len(w) + 1)
	}
	if err := c.Memory.Reserve(bytes); err != nil {
		return err
	}
	counts, err := c.Out(1, tensor.Int64, x.Shape()...)
	if err != nil {
		return err
	}
	pieces, widest := make([][]string, len(words)), 0
	for i, w := range words {
		pieces[i] = kernel.Split(w, k.sep, k.most)
		widest = max(widest, len(pieces[i]))
		tensor.Of[int64](counts)[i] = int64(len(pieces[i]))
	}
	y, err := c.Out(0, tensor.String, append(slices.Clone(x.Shape()), widest)...)
	if err != nil {
		return err
	}
	out := tensor.Of[string](y)
	clear(out)
	for i, p := range pieces {
		copy(out[i*widest:], p)
	}
	return nil
}

// regexFullMatch tells for each string whether all of it matches an RE2
// pattern.
type regexFullMatch struct{ pattern *regexp.Regexp }

func newRegexFullMatch(a *Attrs) (Kernel, error) {
	a.Require("pattern")
	text := a.String("pattern", "")
	if _, err := regexp.Compile(text); err != nil {
		a.Fail("pattern", "is no RE2 expression: %w", err)
		return nil, nil
	}
	p, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil {
		a.Fail("pattern", "is no RE2 expression: %w", err)
	}
	return regexFullMatch{p}, nil
}

func (regexFullMatch) Infer(c *Infer) error {
	f := c.In(0)
	c.Set(0, Fact{DType: tensor.Bool, Shape: f.Shape, Ranked: f.Ranked})
	return nil
}

func (k regexFullMatch) Run(c *Ctx) error {
	x, words, err := stringIn(c, 0)
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Bool, x.Shape()...)
	if err != nil {
		return err
	}
	for i, w := range words {
		if err := c.Err(); err != nil {
			return err
		}
		if len(w) < longText {
			tensor.Of[bool](y)[i] = k.pattern.MatchString(w)
			continue
		}
		tensor.Of[bool](y)[i] = k.pattern.MatchReader(&haltingReader{text: w, halt: c.Err})
	}
	return c.Err()
}

// longText is how many bytes of text an expression of any size is held against
// in one go.
const longText = 256

// haltingReader ends a text early once halt has an error.
type haltingReader struct {
	text string
	read int
	halt func() error
}

func (r *haltingReader) ReadRune() (rune, int, error) {
	if r.read++; r.text == "" || r.read%16 == 0 && r.halt() != nil {
		return 0, 0, io.EOF
	}
	v, n := utf8.DecodeRuneInString(r.text)
	r.text = r.text[n:]
	return v, n, nil
}
