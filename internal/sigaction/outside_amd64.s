#include "textflag.h"

// outside is the handler of Outside and Orderly: DI is the signal, SI its siginfo_t, DX the
// ucontext_t. It uses nothing of Go's runtime, since it may have stopped anywhere.
// sigreturn(2) restores every register. All signals are blocked meanwhile, TTOU too, so
// a terminal may be changed from the background.
TEXT outside<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DI, R12
	MOVL DI, CX
	DECL CX
	MOVQ ·shared(SB), AX
	SHRQ CX, AX
	ANDQ $1, AX
	JEQ  end
	MOVL 8(SI), AX // si_code: over 0, the kernel found a fault
	CMPL AX, $0
	JGT  own
	MOVL 16(SI), AX // si_pid
	CMPL AX, ·pid(SB)
	JEQ  own
	MOVQ ·withheld(SB), AX
	SHRQ CX, AX
	ANDQ $1, AX
	JNE  done

end:
	MOVL ·raw(SB), AX
	CMPL AX, $0
	JEQ  default
	MOVL ·rawFD(SB), DI
	MOVQ $0x5402, SI // TCSETS
	LEAQ ·modes(SB), DX
	MOVQ $16, AX // ioctl
	SYSCALL

default:
	// The default action stands, and the signal comes again when this handler returns.
	MOVQ R12, DI
	LEAQ ·Default(SB), SI
	XORL DX, DX
	MOVQ $8, R10
	MOVQ $13, AX // rt_sigaction
	SYSCALL
	MOVQ $186, AX // gettid
	SYSCALL
	MOVQ AX, SI
	MOVL ·pid(SB), DI
	MOVQ R12, DX
	MOVQ $234, AX // tgkill
	SYSCALL

done:
	RET

own:
	MOVQ ·runtimes(SB), AX
	JMP  AX

GLOBL ·outside(SB), RODATA, $8
DATA ·outside(SB)/8, $outside<>(SB)
