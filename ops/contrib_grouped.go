package ops

import "github.com/onda-ml/onda/ops/tensor"

// groupQuery is GroupQueryAttention of com.microsoft: queries (B, T, heads*D),
// keys and values (B, T, kvHeads*D), or all in one; a cache of the keys and values
// before, of which each batch has its own length; rotary embedding inside.
type groupQuery struct {
	contribAttention
	kvHeads     int
	softcap     float64
	window      int  // 0: all
	windowed    bool // the cache holds about a window
	rotary      bool
	interleaved bool
	smooth      bool
	stage       int64 // output 3: 1 before the softmax, 2 after
	cache       quantisedCache
	eps         [2]float64 // of queries and keys that are normalised
}

// The inputs of GroupQueryAttention.
const (
	gqaQ = iota
	gqaK
	gqaV
	gqaPastK
	gqaPastV
	gqaLens
	gqaTotal
	gqaCos
	gqaSin
	gqaPositions
	gqaAdd
	gqaSink
	gqaKScale
	gqaVScale
	gqaQNorm
	gqaKNorm
	gqaQueryLens
)

func newGroupQuery(a *Attrs) (Kernel, error) {
	k := &groupQuery{kvHeads: positiveHeads(a, "kv_num_heads"), softcap: float64(a.Float("softcap", 0)),
		rotary: a.Bool("do_rotary", false), interleaved: a.Bool("rotary_interleaved", false),
		smooth: a.Int("smooth_softmax", -1) > 0, stage: a.Int("qk_output", 0)}
	k.heads, k.scale = positiveHeads(a, "num_heads"), float64(a.Float("scale", 0))
	k.causal = a.Bool("causal", true)
	switch w := a.Int("local_window_size", -1); {
	case w > 0 && k.causal:
		k.window = int(min(w, 1<<30))
	case w != -1:
		a.Fail("local_window_size", "is %d, expected -1, or a positive number if causal", w)
	}
	if k.heads%k.kvHeads != 0 {
		a.Fail("num_heads", "is %d, which %d key heads do not divide", k.heads, k.kvHeads)
	}
	if k.stage < 0 || k.stage > 2 {
		a.Fail("qk_output", "is %d, expected 0 to 2", k.stage)
	}
	if k.windowed = a.Bool("sliding_window_cache", false); k.windowed {
		if k.window == 0 {
			a.Fail("sliding_window_cache", "is 1 without a local_window_size")
		}
		if k.stage > 0 {
			a.Unsupported("qk_output", "is %d with a sliding_window_cache", k.stage)
		}
		if err := needInputs(a, gqaPastK, gqaPastV); err != nil {
			return nil, err
		}
	}
	eps := a.Float("qk_norm_epsilon", 1e-6)
	k.eps = [2]float64{float64(a.Float("q_norm_epsilon", eps)), float64(a.Float("k_norm_epsilon", eps))}
	var err error
	if k.cache, err = newQuantisedCache(a); err != nil {
		return nil, err
	}
	for _, p := range [][2]int{{gqaK, gqaV}, {gqaPastK, gqaPastV}, {gqaCos, gqaSin}, {gqaQNorm, gqaKNorm}} {
		if err := togetherInputs(a, p[0], p[1]); err != nil {
			return nil, err
		}
	}
	if k.rotary {
		if err := needInputs(a, gqaCos); err != nil {
			return nil, err
		}
	}
	return k, needInputs(a, gqaQ, gqaLens, gqaTotal)
}

func (k *groupQuery) check(at func(i int) tensor.DType) error {
	for _, i := range []int{gqaLens, gqaTotal, gqaQueryLens} {
		if err := types(tensor.Int32).check(i, at(i)); err != nil {
			return err
		}
	}
	if err := types(tensor.Int64).check(gqaPositions, at(gqaPositions)); err != nil {
		return err
	}
	if k.cache.bits > 0 {
		if err := k.cache.check(at); err != nil {
			return err
		}
		return checkReals(at, shortFloats, gqaK, gqaV, gqaCos, gqaSin, gqaAdd, gqaSink, gqaQNorm, gqaKNorm)
	}
	return checkReals(at, shortFloats, gqaK, gqaV, gqaPastK, gqaPastV, gqaCos, gqaSin, gqaAdd, gqaSink, gqaQNorm, gqaKNorm)
}

// groupSizes are the sizes of a run; Infer may leave some Unknown. New is how many
// keys come with T queries: as many, or none, where all are in the past of capacity
// room.
type groupSizes struct{ B, T, New, D, room int }

func (k *groupQuery) sizes(at func(i int) Fact) (s groupSizes, err error) {
	s = groupSizes{Unknown, Unknown, Unknown, Unknown, 0}
	q, key := at(gqaQ), at(gqaK)
	if q.Ranked {
		if err := checkRank(gqaQ, len(q.Shape), 3); err != nil {
			return s, err
		}
		heads := k.heads
		if key.DType == tensor.Undefined {
			heads += 2 * k.kvHeads
		}
		s.B, s.T = q.Shape[0], q.Shape[1]
		if s.D, err = headWidth(gqaQ, q.Shape[2], heads); err != nil {
			return s, err
		}
	}
	s.New = s.T
	if key.Ranked && len(key.Shape) == 3 && key.Shape[1] == 0 && at(gqaPastK).DType != tensor.Undefined {
		s.New = 0
	}
	for _, i := range []int{gqaK, gqaV} {
		if f := at(i); f.Ranked {
			if err := checkDims(i, f.Shape, s.B, s.New, mulKnown(s.D, k.kvHeads)); err != nil {
				return s, err
			}
		}
	}
	for _, i := range []int{gqaPastK, gqaPastV} {
		f := at(i)
		if f.Ranked {
			if err := checkDims(i, f.Shape, s.B, k.kvHeads, Unknown, k.cache.width(s.D)); err != nil {
				return s, err
			}
			if i == gqaPastV && s.room >= 0 {
				err = checkDims(i, f.Shape, s.B, k.kvHeads, s.room, k.cache.width(s.D))
			}
			s.room = f.Shape[2]
		} else if f.DType != tensor.Undefined {
			s.room = Unknown
		}
		if err != nil {
			return s, err
		}
	}
	for _, i := range []int{gqaLens, gqaQueryLens} {
		if f := at(i); f.Ranked && s.B >= 0 && !(len(f.Shape) == 2 && f.Shape[1] == 1) {
			if err := checkDims(i, f.Shape, s.B); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func (k *groupQuery) Infer(c *Infer) error {
	if err := k.check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	s, err := k.sizes(c.In)
	if err != nil {
		return err
	}
	dt, present := c.In(0).DType, Unknown
	total, known := c.Ints(gqaTotal)
	known = known && len(total) == 1
	if k.windowed {
		present = s.room
	} else if known && s.room >= 0 {
		present = max(s.room, total[0])
	}
	c.Set(0, Shaped(dt, s.B, s.T, mulKnown(s.D, k.heads)))
	for i := 1; i < 3; i++ {
		c.Set(i, Shaped(k.cache.dtype(dt), s.B, k.kvHeads, present, k.cache.width(s.D)))
	}
	scores := Unknown
	if known {
		scores = total[0]
	}
	c.Set(3, Shaped(dt, s.B, k.heads, s.T, scores))
	return nil
}
