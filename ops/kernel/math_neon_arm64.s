//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// The functions are those of tools/asm/math.go; see there for how they work.

DATA mathNEON<>+0(SB)/4, $0x3fb8aa3b // 1.442695041
DATA mathNEON<>+4(SB)/4, $0xbf317218 // -0.6931471825
DATA mathNEON<>+8(SB)/4, $0x3102e308 // 1.904654323e-09
DATA mathNEON<>+12(SB)/4, $0x3efffffe // 0.4999999343
DATA mathNEON<>+16(SB)/4, $0x3e2aaa49 // 0.166665204
DATA mathNEON<>+20(SB)/4, $0x3d2aac79 // 0.04166839079
DATA mathNEON<>+24(SB)/4, $0x3c091d10 // 0.008368745127
DATA mathNEON<>+28(SB)/4, $0x3ab511e7 // 0.001381453988
DATA mathNEON<>+32(SB)/4, $0x3f800000 // 1
DATA mathNEON<>+36(SB)/4, $0x40000000 // 2
DATA mathNEON<>+40(SB)/4, $0xc2d00000 // -104
DATA mathNEON<>+44(SB)/4, $0x42b20000 // 89
DATA mathNEON<>+48(SB)/4, $0x41200000 // 10
DATA mathNEON<>+52(SB)/4, $127
DATA mathNEON<>+56(SB)/4, $0x80000000
GLOBL mathNEON<>(SB), RODATA|NOPTR, $60

// Constants, as registers and, for the instructions that go by number, as
// numbers.
#define LOG2E V16
#define LN2HIGH V17
#define LN2LOW V18
#define Q0 V19
#define Q1 V20
#define Q2 V21
#define Q3 V22
#define Q4 V23
#define ONE V24
#define TWO V25
#define LOWEST V26
#define HIGHEST V27
#define TEN V28
#define BIAS V29
#define SIGN V30
#define nLOG2E 16
#define nLN2HIGH 17
#define nLN2LOW 18
#define nQ0 19
#define nQ1 20
#define nQ2 21
#define nQ3 22
#define nQ4 23
#define nONE 24
#define nTWO 25
#define nLOWEST 26
#define nHIGHEST 27
#define nTEN 28
#define nBIAS 29
#define nSIGN 30

#define CONSTANTS \
	MOVD $mathNEON<>(SB), R4 \
	VLD1R.P 4(R4), [LOG2E.S4] \
	VLD1R.P 4(R4), [LN2HIGH.S4] \
	VLD1R.P 4(R4), [LN2LOW.S4] \
	VLD1R.P 4(R4), [Q0.S4] \
	VLD1R.P 4(R4), [Q1.S4] \
	VLD1R.P 4(R4), [Q2.S4] \
	VLD1R.P 4(R4), [Q3.S4] \
	VLD1R.P 4(R4), [Q4.S4] \
	VLD1R.P 4(R4), [ONE.S4] \
	VLD1R.P 4(R4), [TWO.S4] \
	VLD1R.P 4(R4), [LOWEST.S4] \
	VLD1R.P 4(R4), [HIGHEST.S4] \
	VLD1R.P 4(R4), [TEN.S4] \
	VLD1R.P 4(R4), [BIAS.S4] \
	VLD1R.P 4(R4), [SIGN.S4]

#define ARGS \
	MOVD dst+0(FP), R0 \
	MOVD src+8(FP), R1 \
	MOVD n+16(FP), R2

// REDUCE turns the exponent y in V0 into n, an integer, in V2 and e**r - 1 in
// V0, where y = n*ln2 + r. It uses V1 to V5.
#define REDUCE \
	FMUL(nLOG2E, 0, 1)             \
	FCVTNS(1, 2)                   \
	SCVTF(2, 1)                    \
	VFMLA LN2HIGH.S4, V1.S4, V0.S4 \
	VFMLA LN2LOW.S4, V1.S4, V0.S4  \
	VORR  Q3.B16, Q3.B16, V3.B16   \
	VFMLA Q4.S4, V0.S4, V3.S4      \
	VORR  Q2.B16, Q2.B16, V4.B16   \
	VFMLA V3.S4, V0.S4, V4.S4      \
	VORR  Q1.B16, Q1.B16, V3.B16   \
	VFMLA V4.S4, V0.S4, V3.S4      \
	VORR  Q0.B16, Q0.B16, V4.B16   \
	VFMLA V3.S4, V0.S4, V4.S4      \
	FMUL(0, 0, 5)                  \
	VFMLA V4.S4, V5.S4, V0.S4

// POWER is 2**n for the integers n in register v, in place.
#define POWER(v) \
	VADD BIAS.S4, v.S4, v.S4 \
	VSHL $23, v.S4, v.S4

// EXP is e**y of V0, in two factors so that denormal results round once. It
// uses V1 to V5.
#define EXP \
	REDUCE                 \
	FADD(nONE, 0, 0)       \
	SSHR(1, 2, 1)          \
	VSUB V1.S4, V2.S4, V2.S4 \
	POWER(V1)              \
	POWER(V2)              \
	FMUL(1, 0, 0)          \
	FMUL(2, 0, 0)

// func expNEON(dst, src *float32, n int)
TEXT ·expNEON(SB), NOSPLIT, $0-24
	ARGS
	CONSTANTS

loop:
	VLD1.P 16(R1), [V0.S4]
	FMAX(nLOWEST, 0, 0)
	FMIN(nHIGHEST, 0, 0)
	EXP
	VST1.P [V0.S4], 16(R0)
	SUBS   $4, R2
	BNE    loop
	RET

// func sigmoidNEON(dst, src *float32, n int)
TEXT ·sigmoidNEON(SB), NOSPLIT, $0-24
	ARGS
	CONSTANTS

loop:
	VLD1.P 16(R1), [V6.S4]
	VORR   SIGN.B16, V6.B16, V0.B16 // -|x|
	FMAX(nLOWEST, 0, 0)
	EXP
	FADD(nONE, 0, 1)
	SSHR(31, 6, 6)
	VBSL   ONE.B16, V0.B16, V6.B16 // e where x is negative, else 1
	FDIV(1, 6, 0)
	VST1.P [V0.S4], 16(R0)
	SUBS   $4, R2
	BNE    loop
	RET

// func tanhNEON(dst, src *float32, n int)
TEXT ·tanhNEON(SB), NOSPLIT, $0-24
	ARGS
	CONSTANTS

loop:
	VLD1.P 16(R1), [V6.S4]
	FABS(6, 0)
	FMIN(nTEN, 0, 0)
	FADD(0, 0, 0)
	REDUCE
	POWER(V2)
	FSUB(nONE, 2, 1)
	VFMLA  V0.S4, V2.S4, V1.S4 // expm1(2|x|)
	FADD(nTWO, 1, 2)
	FDIV(2, 1, 0)
	VAND   SIGN.B16, V6.B16, V6.B16
	VORR   V6.B16, V0.B16, V0.B16
	VST1.P [V0.S4], 16(R0)
	SUBS   $4, R2
	BNE    loop
	RET
