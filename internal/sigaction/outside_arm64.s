#include "textflag.h"

// outside is the handler of Outside and Orderly: R0 is the signal, R1 its siginfo_t, R2 the
// ucontext_t. See outside_amd64.s.
TEXT outside<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD  R0, R19
	SUB   $1, R0, R11
	MOVD  ·shared(SB), R10
	LSR   R11, R10, R10
	TBZ   $0, R10, end
	MOVW  8(R1), R9 // si_code: over 0, the kernel found a fault
	CMPW  $0, R9
	BGT   own
	MOVWU 16(R1), R9 // si_pid
	MOVWU ·pid(SB), R10
	CMPW  R9, R10
	BEQ   own
	MOVD  ·withheld(SB), R10
	LSR   R11, R10, R10
	TBNZ  $0, R10, done

end:
	MOVWU ·raw(SB), R9
	CBZW  R9, default
	MOVWU ·rawFD(SB), R0
	MOVD  $0x5402, R1 // TCSETS
	MOVD  $·modes(SB), R2
	MOVD  $29, R8 // ioctl
	SVC

default:
	// The default action stands, and the signal comes again when this handler returns.
	MOVD  R19, R0
	MOVD  $·Default(SB), R1
	MOVD  $0, R2
	MOVD  $8, R3
	MOVD  $134, R8 // rt_sigaction
	SVC
	MOVD  $178, R8 // gettid
	SVC
	MOVD  R0, R1
	MOVWU ·pid(SB), R0
	MOVD  R19, R2
	MOVD  $131, R8 // tgkill
	SVC

done:
	RET

own:
	MOVD ·runtimes(SB), R9
	JMP  (R9)

GLOBL ·outside(SB), RODATA, $8
DATA ·outside(SB)/8, $outside<>(SB)
