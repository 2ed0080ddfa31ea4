package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An isa is an instruction set and the file being built for it. It hides what
// AVX2 and AVX-512 write differently, so that most kernels are written once.
type isa struct {
	*build.Context
	name   string // in function names
	file   string // in file names
	lanes  int    // float32 values in a vector
	wide   bool   // AVX-512: 32 registers, mask registers
	labels int
	consts map[uint32]operand.Mem
	// consts64 are words that VBROADCASTSD loads.
	consts64 map[uint64]operand.Mem
	tail     operand.Mem // AVX2: 16 words of ones, then 16 of zeros
	lastFour operand.Mem // AVX2: 3 words of zeros, 0 to 7, 4 words of zeros
	edges    operand.Mem // AVX2: a word of zeros, 8 of ones, 4 of zeros
	quads    operand.Mem // AVX2: the order of quads that two packings leave (see blocks)
}

func newAVX2() *isa {
	return &isa{Context: build.NewContext(), name: "AVX2", file: "avx2", lanes: 8, consts: map[uint32]operand.Mem{}, consts64: map[uint64]operand.Mem{}}
}

func newAVX512() *isa {
	return &isa{Context: build.NewContext(), name: "AVX512", file: "avx512", lanes: 16, wide: true, consts: map[uint32]operand.Mem{}, consts64: map[uint64]operand.Mem{}}
}

// function begins a function whose pointers do not escape.
func (x *isa) function(name, signature string, doc ...string) {
	x.Function(name)
	x.Attributes(attr.NOSPLIT)
	x.SignatureExpr(signature)
	x.Pragma("noescape")
	x.Doc(doc...)
}

// ret ends a function that used vectors.
func (x *isa) ret() {
	x.VZEROUPPER()
	x.RET()
}

// label returns a fresh label.
func (x *isa) label(name string) string {
	x.labels++
	return fmt.Sprintf("%s%d", name, x.labels)
}

func (x *isa) vec() reg.VecVirtual {
	if x.wide {
		return x.ZMM()
	}
	return x.YMM()
}

func (x *isa) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = x.vec()
	}
	return v
}

// registers is the number of vector registers.
func (x *isa) registers() int {
	if x.wide {
		return 32
	}
	return 16
}

func (x *isa) bytes() int { return 4 * x.lanes }

// zero clears v.
func (x *isa) zero(v reg.VecVirtual) {
	x.VXORPS(v, v, v)
}

// param loads a parameter into a general register.
func (x *isa) param(name string) reg.GPVirtual {
	r := x.GP64()
	x.Load(x.Param(name), r)
	return r
}

// address is where a parameter is kept, for instructions that read memory.
func (x *isa) address(name string) operand.Mem {
	b, err := x.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// data adds a read-only table of 32-bit words.
func (x *isa) data(name string, words ...uint32) operand.Mem {
	m := x.StaticGlobal(name + "_" + x.name)
	x.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, w := range words {
		x.AddDatum(4*i, operand.U32(w))
	}
	return m
}

// bits returns the address of a 32-bit word as a vector's operand: repeated over
// a vector, or once where instructions repeat it themselves (see repeat).
func (x *isa) bits(w uint32) operand.Mem {
	m, ok := x.consts[w]
	if !ok {
		words := []uint32{w}
		for !x.wide && len(words) < x.lanes {
			words = append(words, w)
		}
		m = x.data(fmt.Sprintf("c%08x", w), words...)
		x.consts[w] = m
	}
	return m
}

// float returns the address of a constant repeated over a vector.
func (x *isa) float(f float64) operand.Mem { return x.bits(math.Float32bits(float32(f))) }
