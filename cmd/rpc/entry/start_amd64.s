#include "textflag.h"

// start is where the kernel starts the program (ELF's e_entry), if it was linked with
// -ldflags '-E rpcd/cmd/rpc/entry.start'. It runs run on the kernel's own stack,
// before Go's runtime exists, and goes on to the runtime's start when run returns.
//
// Go's code wants its g in TLS: FS is set for that, and the runtime sets it again.
TEXT ·start(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ SP, ·state+0(SB)
	LEAQ ·state+16(SB), SI
	MOVQ SI, ·state+8(SB)
	MOVQ $0x1002, DI // ARCH_SET_FS: TLS ends there, and g's place is the last
	MOVQ $158, AX    // arch_prctl(2)
	SYSCALL
	MOVQ SP, AX
	SUBQ $64, SP
	ANDQ $~15, SP
	MOVQ AX, 0(SP)
	CALL ·run(SB)
	MOVQ ·state+0(SB), SP
	XORL DX, DX
	JMP  _rt0_amd64_linux(SB)

// func call(number, a, b, c, d, e, f uintptr) uintptr
TEXT ·call(SB), NOSPLIT, $0-64
	MOVQ number+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	MOVQ d+32(FP), R10
	MOVQ e+40(FP), R8
	MOVQ f+48(FP), R9
	SYSCALL
	MOVQ AX, ret+56(FP)
	RET

// func thread(gate, gone uintptr) uintptr
//
// The thread has its parent's stack pointer, and uses no stack.
TEXT ·thread(SB), NOSPLIT, $0-24
	MOVQ gate+0(FP), R12
	MOVQ gone+8(FP), R10
	MOVQ $0x250f00, DI // CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, CHILD_CLEARTID
	XORL SI, SI
	XORL DX, DX
	XORL R8, R8
	MOVQ $56, AX       // clone(2)
	SYSCALL
	TESTQ AX, AX
	JNE  started

wait:
	MOVQ R12, DI
	XORL SI, SI // FUTEX_WAIT
	XORL DX, DX
	XORL R10, R10
	MOVQ $202, AX
	SYSCALL
	MOVL (R12), AX
	TESTL AX, AX
	JEQ  wait
	XORL DI, DI
	MOVQ $60, AX // exit(2), of the thread
	SYSCALL

started:
	MOVQ AX, ret+16(FP)
	RET
