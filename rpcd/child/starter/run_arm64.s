#include "textflag.h"

// The offsets of struct step, and the number of exit_group(2).
#define NUMBER 0
#define ARGS 8
#define FROM 56
#define TO 64
#define MAY 72
#define SIZE 80
#define EXIT_GROUP 94

// func run(number, a1, a2, a3, a4, a5 uintptr, first *step, failed unsafe.Pointer) (result uintptr)
TEXT ·run(SB), NOSPLIT, $0-72
	MOVD first+48(FP), R19
	MOVD failed+56(FP), R20
	MOVD number+0(FP), R8
	MOVD a1+8(FP), R0
	MOVD a2+16(FP), R1
	MOVD a3+24(FP), R2
	MOVD a4+32(FP), R3
	MOVD a5+40(FP), R4
	SVC
	CBZ R0, next
	MOVD R0, result+64(FP)
	RET
next: // in the new process, on the stack of the one that waits: nothing is pushed
	MOVD NUMBER(R19), R8
	CMN $1, R8
	BNE first
	MOVD (ARGS+0)(R19), R19 // a jump
	B next
first:
	MOVD (ARGS+0)(R19), R0
	MOVD FROM(R19), R21
	CBZ R21, call
	MOVW (R21), R0
call:
	MOVD NUMBER(R19), R8
	MOVD (ARGS+8)(R19), R1
	MOVD (ARGS+16)(R19), R2
	MOVD (ARGS+24)(R19), R3
	MOVD (ARGS+32)(R19), R4
	MOVD (ARGS+40)(R19), R5
	SVC
	MOVD TO(R19), R21
	CBZ R21, check
	MOVW R0, (R21)
check:
	CMN $4095, R0
	BCC done
	MOVD MAY(R19), R21
	CBNZ R21, done
	NEG R0, R0
	MOVD R19, 0(R20)
	MOVD R0, 8(R20)
exit:
	MOVD $253, R0
	MOVD $EXIT_GROUP, R8
	SVC
	B exit
done:
	ADD $SIZE, R19
	B next
