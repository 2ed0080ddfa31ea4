package ops

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func words(v ...string) *tensor.Tensor { return tensor.Must(v, len(v)) }

func TestText(t *testing.T) {
	norm := func(a ...*onnx.Attribute) *onnx.Node { return node("StringNormalizer", 1, 1, a...) }
	stop := onnx.AttrStrings("stopwords", "Monday", "the")
	exact := onnx.AttrInt("is_case_sensitive", 1)
	change := func(s string) *onnx.Attribute { return str("case_change_action", s) }
	split := func(a ...*onnx.Attribute) *onnx.Node { return node("StringSplit", 1, 2, a...) }
	match := func(p string) *onnx.Node { return node("RegexFullMatch", 1, 1, str("pattern", p)) }
	days := words("monday", "Monday", "Éclair", "THE")
	runMoves(t, []moveCase{
		{norm(stop), 10, in(days), `string(1)["Éclair"]`},
		{norm(stop, exact), 10, in(days), `string(3)["monday" "Éclair" "THE"]`},
		{norm(stop, exact, change("UPPER")), 10, in(with(days, 1, 4)), `string(1, 3)["MONDAY" "ÉCLAIR" "THE"]`},
		{norm(change("LOWER")), 10, in(days), `string(4)["monday" "monday" "éclair" "the"]`},
		{norm(stop), 10, in(with(words("the"), 1, 1)), `string(1, 1)[""]`},
		{norm(), 10, in(words()), `string(1)[""]`},
		{norm(), 10, in(tensor.Must([]string{"a", "b"}, 2, 1)), "input 0: has shape (2, 1), expected one row"},
		{norm(), 10, in(row(1)), "input 0: has type float, expected string"},

		{node("StringConcat", 2, 1), 20, in(tensor.Must([]string{"a", "b"}, 2, 1), words("x", "")), `string(2, 2)["ax" "a" "bx" "b"]`},
		{node("StringConcat", 2, 1), 20, in(words("a", "b"), words("a", "b", "c")), "shapes (2) and (3) do not broadcast"},
		{node("StringConcat", 2, 1), 20, in(words("a"), row(1)), "input 1: has type float, expected string"},

		{split(), 20, in(words(" a  b\tc ", "")), `string(2, 3)["a" "b" "c" "" "" ""] | int64(2) [3 0]`},
		{split(str("delimiter", ",")), 20, in(words("a,,b", "")), `string(2, 3)["a" "" "b" "" "" ""] | int64(2) [3 1]`},
		{split(str("delimiter", "--"), onnx.AttrInt("maxsplit", 1)), 20, in(words("a--b--c")), `string(1, 2)["a" "b--c"] | int64(1) [2]`},
		{split(onnx.AttrInt("maxsplit", 1)), 20, in(words(" a  b c ")), `string(1, 2)["a" "b c "] | int64(1) [2]`},
		{split(onnx.AttrInt("maxsplit", 0)), 20, in(words(" a b")), `string(1, 1)["a b"] | int64(1) [1]`},

		{match("a|ab"), 20, in(words("ab", "abc", "a", "")), "bool(4) [true false true false]"},
		{match("(?i)x.z"), 20, in(words("xYZ", "x\nz")), "bool(2) [true false]"},
		{match("("), 20, in(words("a")), "attribute \"pattern\": is no RE2 expression: error parsing regexp: missing closing ): `(`"},
	})
}

// The weighted figures are ONNX Runtime's.
func TestTfIdf(t *testing.T) {
	ints := onnx.AttrInts
	grams := func(mode string, shortest, skips int64, more ...*onnx.Attribute) *onnx.Node {
		return node("TfIdfVectorizer", 1, 1, append(more, str("mode", mode), onnx.AttrInt("min_gram_length", shortest),
			onnx.AttrInt("max_gram_length", 2), onnx.AttrInt("max_skip_count", skips), ints("ngram_counts", 0, 2), ints("ngram_indexes", 1, 0, 3))...)
	}
	pool := ints("pool_int64s", 2, 3, 5, 4) // the tokens 2 and 3, and the pair 5 4
	weights := onnx.AttrFloats("weights", 2, 5, 7)
	x := list(2, 3, 5, 4, 4, 2, 2)
	runMoves(t, []moveCase{
		{grams("TF", 1, 0, pool), 9, in(x), "float(4) [1 3 0 1]"},
		{grams("TF", 1, 1, pool), 9, in(x), "float(4) [1 3 0 2]"},
		{grams("TF", 2, 9, pool), 9, in(x), "float(4) [0 0 0 2]"},
		{grams("TFIDF", 1, 1, pool, weights), 9, in(x), "float(4) [5 6 0 14]"},
		{grams("IDF", 1, 1, pool, weights), 9, in(x), "float(4) [5 2 0 7]"},
		{grams("TF", 1, 0, pool), 9, in(tensor.Must([]int32{2, 3, 3, 9}, 2, 2)), "float(2, 4) [1 1 0 0 1 0 0 0]"},
		{grams("TF", 1, 0, onnx.AttrStrings("pool_strings", "a", "b", "a", "b")), 9, in(words("a", "b")), "float(4) [1 1 0 1]"},
		{grams("TF", 1, 0, pool), 9, in(words("a")), "input 0: has type string, expected int32 or int64 like pool_int64s"},
		{grams("TF", 1, 0), 9, in(x), `attribute "pool_strings": and "pool_int64s": expected one of them`},
		{grams("TF", 3, 0, pool), 9, in(x), `attribute "min_gram_length": is 3, expected 1 to max_gram_length 2`},
		{grams("TF", 1, 0, ints("pool_int64s", 1, 2, 3)), 9, in(x), `attribute "ngram_counts": doesn't cut a pool of 3 tokens into 2-grams from 2 to 3`},
	})
}

// Joining strings in a loop doubles their bytes, which count against the limit.
func TestStringsCountAgainstTheLimit(t *testing.T) {
	n := node("StringConcat", 2, 1)
	k, _, err := Standard().Bind(n, 20, nil)
	require.NoError(t, err)
	long := words(string(make([]byte, 1<<12)))
	c := testCtx(n, []tensor.Value{long, long})
	c.Memory = &meter{1 << 12}
	require.ErrorIs(t, k.Run(c), errLimit)
}
