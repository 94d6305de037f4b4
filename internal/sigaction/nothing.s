#include "textflag.h"

#define ADDRESS 8
#ifdef GOARCH_386
#undef ADDRESS
#define ADDRESS 4
#endif
#ifdef GOARCH_arm
#undef ADDRESS
#define ADDRESS 4
#endif

// The handler of Nothing, which returns to what sigreturn(2) needs.
TEXT nothing<>(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func nothing's address, for Go.
GLOBL ·nothing(SB), RODATA, $ADDRESS
DATA ·nothing(SB)/ADDRESS, $nothing<>(SB)
