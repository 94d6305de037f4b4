#include "textflag.h"

#define PRLIMIT64 261

// func prlimit(pid, resource, set, get uintptr) (result int)
TEXT ·prlimit(SB), NOSPLIT, $0-40
	MOVD pid+0(FP), R0
	MOVD resource+8(FP), R1
	MOVD set+16(FP), R2
	MOVD get+24(FP), R3
	MOVD $PRLIMIT64, R8
	SVC
	MOVD R0, result+32(FP)
	RET
