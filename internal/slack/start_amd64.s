#include "go_asm.h"
#include "textflag.h"

// start is where the kernel starts the program (see the package). Of prctl(2)'s
// answers only one between 0 and More is changed: a thread with a real-time policy
// has none, and who was given more keeps it.
TEXT ·start(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $30, DI // PR_GET_TIMERSLACK
	MOVQ $157, AX // prctl(2)
	SYSCALL
	TESTQ AX, AX
	JLE  on
	CMPQ AX, $const_More
	JGE  on
	MOVQ AX, ·given(SB)
	MOVQ $29, DI // PR_SET_TIMERSLACK
	MOVQ $const_More, SI
	MOVQ $157, AX
	SYSCALL

on:
	XORL DX, DX
	JMP  _rt0_amd64_linux(SB)
