package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// randomOps draw numbers. With attribute seed they draw the same in every run,
// and the same as numpy's RandomState of that seed; without, the run's seed
// decides.
func randomOps() []Op {
	draw := func(name string, normal, like bool) Op {
		var vs []Version
		for _, v := range []struct {
			since   int
			allowed dtypes
		}{{1, floats}, {22, floatsBF}} {
			version := Version{Since: v.since, MinOut: 1, MaxOut: 1, Random: true, New: newDraw(normal, like, v.allowed)}
			if like {
				version.MinIn, version.MaxIn = 1, 1
			}
			vs = append(vs, version)
		}
		return Op{Name: name, Versions: vs}
	}
	random := func(v Version) Version { v.Random = true; return v }
	return []Op{
		draw("RandomNormal", true, false),
		draw("RandomNormalLike", true, true),
		draw("RandomUniform", false, false),
		draw("RandomUniformLike", false, true),
		{Name: "Bernoulli", Versions: []Version{random(one(15, newBernoulli(floats))), random(one(22, newBernoulli(floatsBF)))}},
		{Name: "Multinomial", Versions: []Version{random(one(7, newMultinomial(floats))), random(one(22, newMultinomial(floatsBF)))}},
	}
}

// seed is what attribute seed says; noSeed where it is absent.
type seed int64

const noSeed seed = math.MinInt64

func readSeed(a *Attrs) seed {
	f := a.Float("seed", 0)
	if !a.Has("seed") || f != f {
		return noSeed
	}
	return seed(int64(f))
}

func readSeedInt(a *Attrs) seed {
	n := a.Int("seed", 0)
	if !a.Has("seed") {
		return noSeed
	}
	return seed(n)
}

// generator mixes all bits of the run's seed (by the finaliser of MurmurHash3)
// where there is none of the node's own.
func (s seed) generator(c *Ctx) *kernel.Twister {
	if s == noSeed {
		z := c.Seed
		z = (z ^ z>>33) * 0xff51afd7ed558ccd
		z = (z ^ z>>33) * 0xc4ceb9fe1a85ec53
		return kernel.NewTwister(uint32(z ^ z>>33))
	}
	return kernel.NewTwister(uint32(s))
}

func newDraw(normal, like bool, allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &draw{normal: normal, like: like, allowed: allowed, seed: readSeed(a)}
		if normal {
			k.a, k.b = float64(a.Float("mean", 0)), float64(a.Float("scale", 1))
		} else {
			k.a, k.b = float64(a.Float("low", 0)), float64(a.Float("high", 1))
		}
		def := tensor.Float32
		if like {
			def = tensor.Undefined
		} else {
			a.Require("shape")
			for _, d := range a.Ints("shape") {
				if d < 0 || d > math.MaxInt {
					a.Fail("shape", "has extent %d, expected at least 0", d)
				}
				k.shape = append(k.shape, int(d))
			}
		}
		if k.dt = a.DType("dtype", def); k.dt != tensor.Undefined && !allowed.has(k.dt) {
			a.Fail("dtype", "is %v, expected %v", k.dt, allowed)
		}
		return k, nil
	}
}

// draw is a tensor of normal (mean a, deviation b) or uniform (from a to b)
// numbers, of the given shape or that of input 0.
type draw struct {
	normal, like bool
	allowed      dtypes
	a, b         float64
	dt           tensor.DType
	shape        []int
	seed         seed
}

func (k *draw) dtype(in tensor.DType) (tensor.DType, error) {
	if k.dt != tensor.Undefined {
		return k.dt, nil
	}
	return in, k.allowed.check(0, in)
}

func (k *draw) Infer(c *Infer) error {
	x := c.In(0)
	dt, err := k.dtype(x.DType)
	if err != nil {
		return err
	}
	if k.like {
		c.Set(0, Fact{DType: dt, Shape: x.Shape, Ranked: x.Ranked})
	} else {
		c.Set(0, Shaped(dt, k.shape...))
	}
	return nil
}

func (k *draw) Run(c *Ctx) error {
	shape, dt := k.shape, k.dt
	if k.like {
		x := c.In(0)
		var err error
		if dt, err = k.dtype(x.DType()); err != nil {
			return err
		}
		shape = x.Shape()
	}
	y, err := c.Out(0, dt, shape...)
	if err != nil {
		return err
	}
	tmp, err := c.F64(y.Len())
	if err != nil {
		return err
	}
	if g := k.seed.generator(c); k.normal {
		g.Normals(tmp, k.a, k.b)
	} else {
		g.Uniforms(tmp, k.a, k.b)
	}
	castFrom(y, tmp, tensor.Float64, rounding{saturate: true})
	return nil
}

func newBernoulli(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &bernoulli{allowed: allowed, dt: a.DType("dtype", tensor.Undefined), seed: readSeed(a)}
		if out := numbersBF | boolType; k.dt != tensor.Undefined && !out.has(k.dt) {
			a.Fail("dtype", "is %v, expected %v", k.dt, out)
		}
		return k, nil
	}
}

// bernoulli is 1 with the probability that input 0 gives, else 0.
type bernoulli struct {
	allowed dtypes
	dt      tensor.DType
	seed    seed
}

func (k *bernoulli) dtype(in tensor.DType) tensor.DType {
	if k.dt != tensor.Undefined {
		return k.dt
	}
	return in
}

func (k *bernoulli) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Fact{DType: k.dtype(x.DType), Shape: x.Shape, Ranked: x.Ranked})
	return k.allowed.check(0, x.DType)
}

func (k *bernoulli) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, k.dtype(x.DType()), x.Shape()...)
	if err != nil {
		return err
	}
	p, err := asFloat64s(c, x)
	if err != nil {
		return err
	}
	k.seed.generator(c).Bernoullis(p, p)
	castFrom(y, p, tensor.Float64, rounding{saturate: true})
	return nil
}

// asFloat64s is a copy of a floating-point tensor as float64s.
func asFloat64s(c *Ctx, t *tensor.Tensor) ([]float64, error) {
	out, err := c.F64(t.Len())
	if err != nil {
		return nil, err
	}
	switch t.DType() {
	case tensor.Float64:
		copy(out, tensor.Of[float64](t))
	case tensor.Float32:
		kernel.ConvertTo(out, tensor.Of[float32](t))
	default:
		tmp, err := c.F32(t.Len())
		if err != nil {
			return nil, err
		}
		widen(tmp, t)
		kernel.ConvertTo(out, tmp)
	}
	return out, nil
}

func newMultinomial(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &multinomial{allowed: allowed, dt: a.DType("dtype", tensor.Int32), seed: readSeed(a)}
		if k.dt != tensor.Int32 && k.dt != tensor.Int64 {
			a.Fail("dtype", "is %v, expected int32 or int64", k.dt)
		}
		n := a.Int("sample_size", 1)
		if n < 0 || n > math.MaxInt32 {
			a.Fail("sample_size", "is %d, expected 0 to %d", n, math.MaxInt32)
		}
		k.n = int(n)
		return k, nil
	}
}

// multinomial draws n classes for each row of unnormalised log-probabilities
// (batch, classes).
type multinomial struct {
	allowed dtypes
	dt      tensor.DType
	n       int
	seed    seed
}

func (k *multinomial) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Shaped(k.dt, Unknown, k.n))
	if x.Ranked {
		if len(x.Shape) != 2 {
			return fmt.Errorf("input 0: has rank %d, expected 2", len(x.Shape))
		}
		c.Set(0, Shaped(k.dt, x.Shape[0], k.n))
	}
	return k.allowed.check(0, x.DType)
}

func (k *multinomial) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	if x.Rank() != 2 {
		return fmt.Errorf("input 0: has rank %d, expected 2", x.Rank())
	}
	batch, classes := x.Dim(0), x.Dim(1)
	if batch > 0 && classes == 0 && k.n > 0 {
		return fmt.Errorf("input 0: has shape %v, without a class to draw", x.Shape())
	}
	y, err := c.Out(0, k.dt, batch, k.n)
	if err != nil {
		return err
	}
	logits, err := asFloat64s(c, x)
	if err != nil {
		return err
	}
	drawn, err := reserved[int64](c, y.Len())
	if err != nil {
		return err
	}
	g := k.seed.generator(c)
	for b := range batch {
		g.Categories(drawn[b*k.n:(b+1)*k.n], logits[b*classes:(b+1)*classes])
	}
	castFrom(y, drawn, tensor.Int64, rounding{})
	return nil
}
