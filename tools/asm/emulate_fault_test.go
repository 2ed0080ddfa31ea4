package main

import (
	"testing"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

// What a kernel must not do ends its emulation.
func TestEmulatorFaults(t *testing.T) {
	for _, c := range []struct {
		name, want string
		body       func(x *isa)
	}{
		{"load past the end", "outside the arguments", func(x *isa) {
			x.VMOVUPS(Mem{Base: x.base("src")}.Offset(4), x.ZMM())
		}},
		{"load before the start", "outside the arguments", func(x *isa) {
			x.VMOVUPS(Mem{Base: x.base("src")}.Offset(-4), x.YMM())
		}},
		{"store to what is read", "only read", func(x *isa) {
			x.VMOVUPS(x.load(Mem{Base: x.base("src")}), Mem{Base: x.base("src")})
		}},
		{"unknown instruction", "unknown instruction", func(x *isa) {
			v := x.ZMM()
			x.VPOPCNTD(v, v)
		}},
		{"vectors left dirty", "VZEROUPPER", func(x *isa) {
			x.load(Mem{Base: x.base("src")})
			x.RET()
		}},
		{"flags of a shift", "undefined", func(x *isa) {
			x.SHLQ(U8(1), x.slice("src"))
			x.JZ(LabelRef("end"))
			x.DECQ(x.GP64())
			x.Label("end")
		}},
		{"carry of an addition", "carry is undefined", func(x *isa) {
			n, m := x.slice("src"), x.GP64()
			x.MOVQ(n, m)
			x.ADDQ(U8(1), n)
			x.CMOVQCC(n, m)
		}},
		{"endless loop", "no end", func(x *isa) {
			x.Label("again")
			x.JMP(LabelRef("again"))
		}},
		{"none", "", func(x *isa) {
			x.VMOVUPS(x.load(Mem{Base: x.base("src")}), Mem{Base: x.base("dst")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, err := compile(newAVX512(), func(x *isa) {
				x.function("f", "func(dst, src []float32)")
				c.body(x)
				x.ret()
			})
			require.NoError(t, err)
			p, err := emu.New(file)
			require.NoError(t, err)
			_, err = p.Call("f", emu.Out(make([]float32, 16)), make([]float32, 16))
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
		})
	}
}
