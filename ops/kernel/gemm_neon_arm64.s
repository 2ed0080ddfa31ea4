//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Tiles of 1 to 6 rows by 16 columns: B's row in V0-V3, the broadcast of A in
// V4, row r of the tile in V(8+4r)-V(11+4r).

#define ZERO(a, b, c, d) \
	VEOR a.B16, a.B16, a.B16 \
	VEOR b.B16, b.B16, b.B16 \
	VEOR c.B16, c.B16, c.B16 \
	VEOR d.B16, d.B16, d.B16

// One step of k for a row: p points at its value of A and moves on by R20.
#define ROW(p, a, b, c, d) \
	VLD1R.P (p)(R20), [V4.S4] \
	VFMLA V4.S4, V0.S4, a.S4 \
	VFMLA V4.S4, V1.S4, b.S4 \
	VFMLA V4.S4, V2.S4, c.S4 \
	VFMLA V4.S4, V3.S4, d.S4

// Stores a row of the tile, whose first register is number n, at R14, adding
// what is there when R13 says so, and moves R14 to the next row.
#define STORE(n, a, b, c, d) \
	CBZ R13, 6(PC)                           \
	VLD1 (R14), [V0.S4, V1.S4, V2.S4, V3.S4] \
	FADD(0, n, n)                            \
	FADD(1, n+1, n+1)                        \
	FADD(2, n+2, n+2)                        \
	FADD(3, n+3, n+3)                        \
	VST1 [a.S4, b.S4, c.S4, d.S4], (R14)     \
	ADD  R12, R14

// Strides become bytes.
#define LOAD \
	MOVD  k+0(FP), R0       \
	MOVD  panels+8(FP), R1  \
	MOVD  a+16(FP), R2      \
	MOVD  rs+24(FP), R3     \
	LSL   $2, R3            \
	MOVD  cs+32(FP), R20    \
	LSL   $2, R20           \
	MOVD  b+40(FP), R4      \
	MOVD  bs+48(FP), R5     \
	LSL   $2, R5            \
	MOVD  pb+56(FP), R6     \
	LSL   $2, R6            \
	MOVD  c+64(FP), R7      \
	MOVD  ldc+72(FP), R12   \
	LSL   $2, R12           \
	MOVBU add+80(FP), R13

// Row pointers R8, R9, R10, R11, R15, R16, B's pointer R17, k's counter R19.
#define START \
	MOVD R2, R8      \
	ADD  R3, R8, R9  \
	ADD  R3, R9, R10 \
	ADD  R3, R10, R11 \
	ADD  R3, R11, R15 \
	ADD  R3, R15, R16 \
	MOVD R4, R17     \
	MOVD R0, R19

#define NEXTB \
	VLD1 (R17), [V0.S4, V1.S4, V2.S4, V3.S4] \
	ADD  R5, R17

#define NEXTPANEL \
	ADD  $64, R7 \
	ADD  R6, R4  \
	SUBS $1, R1

// func gemm1x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)
TEXT ·gemm1x16NEON(SB), NOSPLIT, $0-81
	LOAD

panel:
	START
	ZERO(V8, V9, V10, V11)
	CBZ R19, done

loop:
	NEXTB
	ROW(R8, V8, V9, V10, V11)
	SUBS $1, R19
	BNE  loop

done:
	MOVD R7, R14
	STORE(8, V8, V9, V10, V11)
	NEXTPANEL
	BNE panel
	RET

// func gemm2x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)
TEXT ·gemm2x16NEON(SB), NOSPLIT, $0-81
	LOAD

panel:
	START
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)
	CBZ R19, done

loop:
	NEXTB
	ROW(R8, V8, V9, V10, V11)
	ROW(R9, V12, V13, V14, V15)
	SUBS $1, R19
	BNE  loop

done:
	MOVD R7, R14
	STORE(8, V8, V9, V10, V11)
	STORE(12, V12, V13, V14, V15)
	NEXTPANEL
	BNE panel
	RET

// func gemm3x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)
TEXT ·gemm3x16NEON(SB), NOSPLIT, $0-81
	LOAD

panel:
	START
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)
	ZERO(V16, V17, V18, V19)
	CBZ R19, done

loop:
	NEXTB
	ROW(R8, V8, V9, V10, V11)
	ROW(R9, V12, V13, V14, V15)
	ROW(R10, V16, V17, V18, V19)
	SUBS $1, R19
	BNE  loop

done:
	MOVD R7, R14
	STORE(8, V8, V9, V10, V11)
	STORE(12, V12, V13, V14, V15)
	STORE(16, V16, V17, V18, V19)
	NEXTPANEL
	BNE panel
	RET

// func gemm4x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)
TEXT ·gemm4x16NEON(SB), NOSPLIT, $0-81
	LOAD

panel:
	START
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)
	ZERO(V16, V17, V18, V19)
	ZERO(V20, V21, V22, V23)
	CBZ R19, done

loop:
	NEXTB
	ROW(R8, V8, V9, V10, V11)
	ROW(R9, V12, V13, V14, V15)
	ROW(R10, V16, V17, V18, V19)
	ROW(R11, V20, V21, V22, V23)
	SUBS $1, R19
	BNE  loop

done:
	MOVD R7, R14
	STORE(8, V8, V9, V10, V11)
	STORE(12, V12, V13, V14, V15)
	STORE(16, V16, V17, V18, V19)
	STORE(20, V20, V21, V22, V23)
	NEXTPANEL
	BNE panel
	RET

// func gemm5x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)
TEXT ·gemm5x16NEON(SB), NOSPLIT, $0-81
	LOAD

panel:
	START
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)
	ZERO(V16, V17, V18, V19)
	ZERO(V20, V21, V22, V23)
	ZERO(V24, V25, V26, V27)
	CBZ R19, done

loop:
	NEXTB
	ROW(R8, V8, V9, V10, V11)
	ROW(R9, V12, V13, V14, V15)
	ROW(R10, V16, V17, V18, V19)
	ROW(R11, V20, V21, V22, V23)
	ROW(R15, V24, V25, V26, V27)
	SUBS $1, R19
	BNE  loop

done:
	MOVD R7, R14
	STORE(8, V8, V9, V10, V11)
	STORE(12, V12, V13, V14, V15)
	STORE(16, V16, V17, V18, V19)
	STORE(20, V20, V21, V22, V23)
	STORE(24, V24, V25, V26, V27)
	NEXTPANEL
	BNE panel
	RET

// func gemm6x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)
TEXT ·gemm6x16NEON(SB), NOSPLIT, $0-81
	LOAD

panel:
	START
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)
	ZERO(V16, V17, V18, V19)
	ZERO(V20, V21, V22, V23)
	ZERO(V24, V25, V26, V27)
	ZERO(V28, V29, V30, V31)
	CBZ R19, done

loop:
	NEXTB
	ROW(R8, V8, V9, V10, V11)
	ROW(R9, V12, V13, V14, V15)
	ROW(R10, V16, V17, V18, V19)
	ROW(R11, V20, V21, V22, V23)
	ROW(R15, V24, V25, V26, V27)
	ROW(R16, V28, V29, V30, V31)
	SUBS $1, R19
	BNE  loop

done:
	MOVD R7, R14
	STORE(8, V8, V9, V10, V11)
	STORE(12, V12, V13, V14, V15)
	STORE(16, V16, V17, V18, V19)
	STORE(20, V20, V21, V22, V23)
	STORE(24, V24, V25, V26, V27)
	STORE(28, V28, V29, V30, V31)
	NEXTPANEL
	BNE panel
	RET
