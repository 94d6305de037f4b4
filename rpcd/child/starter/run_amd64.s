#include "textflag.h"

// The offsets of struct step, and the number of exit_group(2).
#define NUMBER 0
#define ARGS 8
#define FROM 56
#define TO 64
#define MAY 72
#define SIZE 80
#define EXIT_GROUP 231

// func run(number, a1, a2, a3, a4, a5 uintptr, first *step, failed unsafe.Pointer) (result uintptr)
TEXT ·run(SB), NOSPLIT, $0-72
	MOVQ first+48(FP), R12
	MOVQ failed+56(FP), R13
	MOVQ number+0(FP), AX
	MOVQ a1+8(FP), DI
	MOVQ a2+16(FP), SI
	MOVQ a3+24(FP), DX
	MOVQ a4+32(FP), R10
	MOVQ a5+40(FP), R8
	SYSCALL
	TESTQ AX, AX
	JZ next
	MOVQ AX, result+64(FP)
	RET
next: // in the new process, on the stack of the one that waits: nothing is pushed
	CMPQ NUMBER(R12), $-1
	JNE first
	MOVQ (ARGS+0)(R12), R12 // a jump
	JMP next
first:
	MOVQ (ARGS+0)(R12), DI
	MOVQ FROM(R12), BX
	TESTQ BX, BX
	JZ call
	MOVLQSX (BX), DI
call:
	MOVQ NUMBER(R12), AX
	MOVQ (ARGS+8)(R12), SI
	MOVQ (ARGS+16)(R12), DX
	MOVQ (ARGS+24)(R12), R10
	MOVQ (ARGS+32)(R12), R8
	MOVQ (ARGS+40)(R12), R9
	SYSCALL
	MOVQ TO(R12), BX
	TESTQ BX, BX
	JZ check
	MOVL AX, (BX)
check:
	CMPQ AX, $-4095
	JCS done
	CMPQ MAY(R12), $0
	JNE done
	NEGQ AX
	MOVQ R12, 0(R13)
	MOVQ AX, 8(R13)
exit:
	MOVQ $253, DI
	MOVQ $EXIT_GROUP, AX
	SYSCALL
	JMP exit
done:
	ADDQ $SIZE, R12
	JMP next
