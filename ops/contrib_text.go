package ops

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/onda-ml/onda/ops/tensor"
)

// contribTextOps are operators of ONNX Runtime's own domain on strings.
func contribTextOps() []Op {
	return []Op{{Name: "Tokenizer", Domain: "com.microsoft", Versions: []Version{one(1, newTokenizer)}}}
}

// tokenizer cuts each string of (C) or (N, C) into tokens along a new last dimension,
// as the vectorizers of scikit-learn do: what an expression matches, or what lies
// between separators. Expressions match as much as they can.
type tokenizer struct {
	token      *regexp.Regexp
	separators []*regexp.Regexp
	chars      bool // every character is a token
	least      int  // characters
	mark       bool // \x02 before the tokens of a string and \x03 after
	pad        string
}

func newTokenizer(a *Attrs) (Kernel, error) {
	a.Require("mincharnum", "mark", "pad_value")
	k := &tokenizer{mark: a.Bool("mark", false), pad: a.String("pad_value", "")}
	least := a.Int("mincharnum", 1)
	if least < 1 {
		a.Fail("mincharnum", "is %d, expected at least 1", least)
	}
	k.least = int(min(least, 1<<30))
	compile := func(name, text string) *regexp.Regexp {
		p, err := regexp.Compile(text)
		if err != nil {
			a.Fail(name, "is no RE2 expression: %w", err)
			return nil
		}
		p.Longest()
		return p
	}
	separators, token := a.Strings("separators"), a.String("tokenexp", "")
	switch {
	case (len(separators) > 0) == (token != ""):
		a.Fail("tokenexp", "and \"separators\": expected one of them")
	case token == "." || len(separators) == 1 && separators[0] == "":
		k.chars = true
		if least > 1 {
			a.Fail("mincharnum", "is %d where every character is a token", least)
		}
	case token != "":
		k.token = compile("tokenexp", token)
	default:
		for _, s := range separators {
			k.separators = append(k.separators, compile("separators", s))
		}
	}
	return k, nil
}

func (k *tokenizer) Infer(c *Infer) error {
	f := c.In(0)
	c.Set(0, Unranked(tensor.String))
	if !f.Ranked {
		return nil
	}
	c.Set(0, Shaped(tensor.String, append(shapeOf(f.Shape), Unknown)...))
	return checkRank(0, len(f.Shape), 1, 2)
}

func (k *tokenizer) Run(c *Ctx) error {
	x, words, err := stringIn(c, 0)
	if err != nil {
		return err
	}
	if err := checkRank(0, x.Rank(), 1, 2); err != nil {
		return err
	}
	bytes := 24 * len(words)
	for _, w := range words {
		bytes += 64 * (len(w) + 1) // a token of each byte, and where it begins and ends
	}
	if err := c.Memory.Reserve(bytes); err != nil {
		return err
	}
	tokens, widest := make([][]string, len(words)), 0
	for i, w := range words {
		if err := c.Err(); err != nil {
			return err
		}
		tokens[i] = k.tokens(w)
		widest = max(widest, len(tokens[i]))
	}
	marks := 0
	if k.mark && widest > 0 {
		marks = 1
		widest += 2
	}
	y, err := c.Out(0, tensor.String, append(shapeOf(x.Shape()), widest)...)
	if err != nil || widest == 0 {
		return err
	}
	out := tensor.Of[string](y)
	for i := range out {
		out[i] = k.pad
	}
	for i, t := range tokens {
		row := out[i*widest:][:widest]
		copy(row[marks:], t)
		if marks > 0 {
			row[0], row[len(t)+1] = "\x02", "\x03"
		}
	}
	return nil
}

// tokens are the tokens of w.
func (k *tokenizer) tokens(w string) []string {
	if k.chars {
		return strings.Split(w, "")
	}
	pieces := []string{w}
	if k.token != nil {
		pieces = k.token.FindAllString(w, -1)
	}
	for _, s := range k.separators {
		var next []string
		for _, p := range pieces {
			next = append(next, between(p, s)...)
		}
		pieces = next
	}
	kept := pieces[:0]
	for _, p := range pieces {
		if utf8.RuneCountInString(p) >= k.least {
			kept = append(kept, p)
		}
	}
	return kept
}

// between is what lies between the matches of s in w: nothing where s matches
// nothing, too, since then each character separates.
func between(w string, s *regexp.Regexp) (parts []string) {
	if s.MatchString("") {
		return nil
	}
	from := 0
	for _, at := range s.FindAllStringIndex(w, -1) {
		parts = append(parts, w[from:at[0]])
		from = at[1]
	}
	return append(parts, w[from:])
}
