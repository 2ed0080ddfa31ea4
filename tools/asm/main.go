// Command asm generates the amd64 assembly of package kernel with avo. It is
// a module of its own so that nothing of it reaches a user of the library.
//
//	go run . -dir ../../ops/kernel
//
// writes, per family and instruction set, NAME_amd64.s and its declarations
// NAME_stub_amd64.go. -check writes nothing and fails if the files differ.
// The tests execute what it generates in package emu.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// families lists what is generated: one pair of files for each family and
// instruction set.
var families = []struct {
	name string
	emit func(x *isa)
}{
	{"gemm", emitGemm},
	{"conv", emitConv},
	{"winograd", emitWinograd},
	{"math", emitMath},
	{"vec", emitVec},
	{"lstm", emitLSTM},
	{"gru", emitGRU},
	{"rows", emitRows},
	{"move", emitMove},
	{"backward", emitBackward},
	{"int8", emitInt8},
	{"bf16", emitBF16},
	{"half", emitHalf},
	{"convert", emitConvert},
	{"doubles", emitDoubles},
	{"curves", emitCurves},
}

func main() {
	dir := flag.String("dir", "../../ops/kernel", "package directory")
	check := flag.Bool("check", false, "compare with the files there instead of writing them")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "asm:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	for _, f := range families {
		for _, x := range []*isa{newAVX2(), newAVX512()} {
			file, err := compile(x, f.emit)
			if err != nil {
				return fmt.Errorf("%s for %s: %w", f.name, x.name, err)
			}
			if len(file.Sections) == 0 {
				continue
			}
			cfg := printer.Config{Name: "tools/asm", Pkg: "kernel"}
			base := filepath.Join(dir, f.name+"_"+x.file)
			for path, p := range map[string]printer.Printer{
				base + "_amd64.s":       printer.NewGoAsm(cfg),
				base + "_stub_amd64.go": printer.NewStubs(cfg),
			} {
				text, err := p.Print(file)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				if err := put(path, text, check); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// compile emits functions and allocates their registers.
func compile(x *isa, emit func(x *isa)) (*ir.File, error) {
	x.ConstraintExpr("!noasm")
	emit(x)
	file, err := x.Result()
	if err != nil {
		return nil, err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return nil, err
	}
	if x.wide {
		x.repeat(file)
	}
	return file, x.fits(file)
}

// repeat lets AVX-512 instructions that read a constant repeat its one word over
// the vector: the linker aligns no data to 64 bytes, and a vector of them would
// lie in two cache lines.
func (x *isa) repeat(file *ir.File) {
	constants := map[string]bool{}
	for _, m := range x.consts {
		constants[m.Symbol.Name] = true
	}
	for _, fn := range file.Functions() {
		for _, i := range fn.Instructions() {
			for _, o := range i.Operands {
				if m, ok := o.(operand.Mem); !ok || !constants[m.Symbol.Name] {
					continue
				}
				if i.Opcode == "VMOVUPS" {
					i.Opcode = "VBROADCASTSS"
				} else {
					i.Suffixes = append(i.Suffixes, "BCST")
				}
			}
		}
	}
}

// beyond are registers that only instructions of AVX-512 reach. The allocator
// gives them out as well where the first 16 don't suffice.
var beyond = regexp.MustCompile(`^[XY](1[6-9]|2\d|3[01])$`)

// fits reports functions for AVX2 that need more registers than it has.
func (x *isa) fits(file *ir.File) error {
	for _, fn := range file.Functions() {
		for _, i := range fn.Instructions() {
			for _, o := range i.Operands {
				if !x.wide && beyond.MatchString(o.Asm()) {
					return fmt.Errorf("%s uses %s: it needs more than 16 vector registers", fn.Name, o.Asm())
				}
			}
		}
	}
	return nil
}

func put(path string, text []byte, check bool) error {
	if !check {
		return os.WriteFile(path, text, 0o644)
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, text) {
		return fmt.Errorf("%s differs from what is generated: run make generate", path)
	}
	return nil
}
