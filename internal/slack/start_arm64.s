#include "go_asm.h"
#include "textflag.h"

// start is where the kernel starts the program; see start_amd64.s.
TEXT ·start(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $30, R0 // PR_GET_TIMERSLACK
	MOVD $167, R8 // prctl(2)
	SVC
	CMP  $0, R0
	BLE  on
	MOVD $const_More, R1
	CMP  R1, R0
	BGE  on
	MOVD R0, ·given(SB)
	MOVD $29, R0 // PR_SET_TIMERSLACK
	MOVD $167, R8
	SVC

on:
	B    _rt0_arm64_linux(SB)
