package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// tfIdf counts the n-grams of a pool in each row of tokens, and weighs the
// counts: TF as they are, IDF by the weight of those that occur at all, TFIDF
// by count times weight.
type tfIdf struct {
	mode                     string
	shortest, longest, skips int
	coordinate               []int // of each n-gram in the output
	weights                  []float32
	width                    int // of the output
	numbers                  *kernel.Grams[int64]
	strings                  *kernel.Grams[string]
}

func newTfIdf(a *Attrs) (Kernel, error) {
	a.Require("mode", "min_gram_length", "max_gram_length", "max_skip_count", "ngram_counts", "ngram_indexes")
	const most = 1 << 30
	k := tfIdf{mode: a.Enum("mode", "TF", "TF", "IDF", "TFIDF"), weights: a.Floats("weights"),
		shortest: int(min(a.Int("min_gram_length", 1), most)), longest: int(min(a.Int("max_gram_length", 1), most)),
		skips: int(min(a.Int("max_skip_count", 0), most)), coordinate: attrInts(a, "ngram_indexes")}
	if k.shortest < 1 || k.longest < k.shortest {
		a.Fail("min_gram_length", "is %d, expected 1 to max_gram_length %d", k.shortest, k.longest)
	}
	if k.skips < 0 {
		a.Fail("max_skip_count", "is %d, expected at least 0", k.skips)
	}
	if k.weights != nil && len(k.weights) != len(k.coordinate) {
		a.Fail("weights", "has %d values, expected one for each of %d n-grams", len(k.weights), len(k.coordinate))
	}
	for i, at := range k.coordinate {
		if at < 0 || at >= most {
			a.Fail("ngram_indexes", "is %d at %d, expected 0 to %d", at, i, most-1)
			return nil, nil
		}
		k.width = max(k.width, at+1)
	}
	starts := attrInts(a, "ngram_counts")
	switch words, ids := a.Has("pool_strings"), a.Has("pool_int64s"); {
	case words == ids:
		a.Fail("pool_strings", "and \"pool_int64s\": expected one of them")
	case words:
		k.strings = fillGrams(a, &k, a.Strings("pool_strings"), starts)
	default:
		k.numbers = fillGrams(a, &k, a.Ints("pool_int64s"), starts)
	}
	return k, nil
}

// fillGrams reads the pool: all 1-grams from starts[0] on, all 2-grams from
// starts[1] on, and so forth. They are numbered in this order.
func fillGrams[T comparable](a *Attrs, k *tfIdf, pool []T, starts []int) *kernel.Grams[T] {
	g := &kernel.Grams[T]{}
	number := 0
	for i, lo := range starts {
		n, hi := i+1, len(pool)
		if i+1 < len(starts) {
			hi = starts[i+1]
		}
		if lo < 0 || hi < lo || hi > len(pool) || (hi-lo)%n != 0 {
			a.Fail("ngram_counts", "doesn't cut a pool of %d tokens into %d-grams from %d to %d", len(pool), n, lo, hi)
			return g
		}
		for ; lo < hi; lo += n {
			if number >= len(k.coordinate) {
				a.Fail("ngram_indexes", "has %d values, the pool has more n-grams", len(k.coordinate))
				return g
			}
			if n >= k.shortest && n <= k.longest {
				g.Add(pool[lo:lo+n], number)
			}
			number++
		}
	}
	return g
}

func (k tfIdf) Infer(c *Infer) error {
	f := c.In(0)
	c.Set(0, Unranked(tensor.Float32))
	if !f.Ranked {
		return nil
	}
	switch len(f.Shape) {
	case 0, 1:
		c.Set(0, Shaped(tensor.Float32, k.width))
	case 2:
		c.Set(0, Shaped(tensor.Float32, f.Shape[0], k.width))
	default:
		return checkRank(0, len(f.Shape), 0, 1, 2)
	}
	return nil
}

func (k tfIdf) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	if err := checkRank(0, x.Rank(), 0, 1, 2); err != nil {
		return err
	}
	rows, cols := 1, x.Len()
	shape := []int{k.width}
	if x.Rank() == 2 {
		rows, cols = x.Dim(0), x.Dim(1)
		shape = []int{rows, k.width}
	}
	y, err := c.Out(0, tensor.Float32, shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	out := tensor.Of[float32](y)
	clear(out)
	switch dt := x.DType(); {
	case k.strings != nil && dt == tensor.String:
		return countGrams(c, k, k.strings, tensor.Of[string](x), out, rows, cols)
	case k.numbers != nil && dt == tensor.Int64:
		return countGrams(c, k, k.numbers, tensor.Of[int64](x), out, rows, cols)
	case k.numbers != nil && dt == tensor.Int32:
		wide, err := reserved[int64](c, x.Len())
		if err != nil {
			return err
		}
		kernel.ConvertTo(wide, tensor.Of[int32](x))
		return countGrams(c, k, k.numbers, wide, out, rows, cols)
	}
	want := "string like pool_strings"
	if k.numbers != nil {
		want = "int32 or int64 like pool_int64s"
	}
	return fmt.Errorf("input 0: has type %v, expected %s", x.DType(), want)
}

func countGrams[T comparable](c *Ctx, k tfIdf, g *kernel.Grams[T], x []T, out []float32, rows, cols int) error {
	for r := range rows {
		if err := c.Err(); err != nil {
			return err
		}
		row := out[r*k.width : (r+1)*k.width]
		g.Count(x[r*cols:(r+1)*cols], k.shortest, k.longest, k.skips, c.Err, func(number int) {
			weight, at := float32(1), k.coordinate[number]
			if k.mode != "TF" && k.weights != nil {
				weight = k.weights[number]
			}
			if k.mode == "IDF" {
				row[at] = weight
			} else {
				row[at] += weight
			}
		})
	}
	return c.Err()
}
