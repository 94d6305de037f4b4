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

// func thread(gate, gone uintptr) uintptr
//
// The thread has its parent's stack pointer, and uses no stack.
TEXT ·thread(SB), NOSPLIT, $0-24
	MOVD gate+0(FP), R19
	MOVD gone+8(FP), R4
	MOVD $0x250f00, R0 // see start_amd64.s
	MOVD $0, R1
	MOVD $0, R2
	MOVD $0, R3
	MOVD $220, R8      // clone(2)
	SVC
	CBNZ R0, started

wait:
	MOVD  R19, R0
	MOVD  $0, R1 // FUTEX_WAIT
	MOVD  $0, R2
	MOVD  $0, R3
	MOVD  $98, R8
	SVC
	MOVWU (R19), R0
	CBZ   R0, wait
	MOVD  $0, R0
	MOVD  $93, R8 // exit(2), of the thread
	SVC

started:
	MOVD R0, ret+16(FP)
	RET
