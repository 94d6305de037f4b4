#include "textflag.h"

#define PRLIMIT64 302

// func prlimit(pid, resource, set, get uintptr) (result int)
TEXT ·prlimit(SB), NOSPLIT, $0-40
	MOVQ pid+0(FP), DI
	MOVQ resource+8(FP), SI
	MOVQ set+16(FP), DX
	MOVQ get+24(FP), R10
	MOVQ $PRLIMIT64, AX
	SYSCALL
	MOVQ AX, result+32(FP)
	RET
