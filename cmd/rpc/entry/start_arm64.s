#include "textflag.h"

// start is where the kernel starts the program; see start_amd64.s. Go's code on arm64
// has its g in a register.
TEXT ·start(SB), NOSPLIT|NOFRAME, $0-0
	MOVD RSP, R0
	MOVD R0, ·state+0(SB)
	MOVD $·state+16(SB), g
	SUB  $64, RSP
	MOVD R0, 8(RSP)
	BL   ·run(SB)
	MOVD ·state+0(SB), R0
	MOVD R0, RSP
	B    _rt0_arm64_linux(SB)

// func call(number, a, b, c, d, e, f uintptr) uintptr
TEXT ·call(SB), NOSPLIT, $0-64
	MOVD number+0(FP), R8
	MOVD a+8(FP), R0
	MOVD b+16(FP), R1
	MOVD c+24(FP), R2
	MOVD d+32(FP), R3
	MOVD e+40(FP), R4
	MOVD f+48(FP), R5
	SVC
	MOVD R0, ret+56(FP)
	RET
