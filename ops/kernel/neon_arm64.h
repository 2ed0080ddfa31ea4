// The vector floating-point instructions that Go's assembler has no name for,
// on four single-precision values. m, n and d are register numbers; as in
// Go's own, the destination comes last.
#define FADD(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d))
#define FSUB(m, n, d) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d))
#define FMUL(m, n, d) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d))
#define FDIV(m, n, d) WORD $(0x6e20fc00 | (m)<<16 | (n)<<5 | (d))
#define FMAX(m, n, d) WORD $(0x4e20f400 | (m)<<16 | (n)<<5 | (d))
#define FMIN(m, n, d) WORD $(0x4ea0f400 | (m)<<16 | (n)<<5 | (d))
#define FADDP(m, n, d) WORD $(0x6e20d400 | (m)<<16 | (n)<<5 | (d))
#define FABS(n, d) WORD $(0x4ea0f800 | (n)<<5 | (d))
#define FNEG(n, d) WORD $(0x6ea0f800 | (n)<<5 | (d))
#define FCVTNS(n, d) WORD $(0x4e21a800 | (n)<<5 | (d)) // to the nearest integer
#define SCVTF(n, d) WORD $(0x4e21d800 | (n)<<5 | (d))  // integer to float
#define SSHR(s, n, d) WORD $(0x4f000400 | (64-(s))<<16 | (n)<<5 | (d))
