#include "textflag.h"

// The handler of Nothing, which returns to what sigreturn(2) needs.
TEXT nothing<>(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func nothing's address, for Go.
GLOBL ·nothing(SB), RODATA, $8
DATA ·nothing(SB)/8, $nothing<>(SB)
