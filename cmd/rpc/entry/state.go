//go:build amd64 || arm64

package entry

// state is all that the entry keeps. It is one variable, so that few pages of memory
// are touched, and holds no pointer: the ordinary program's garbage collector has no
// business there. The assembly of start knows the first three fields.
var state struct {
	sp  uintptr     // the stack pointer that the kernel gave
	tls uintptr     // holds the address of g, where Go's code on amd64 looks for it
	g   [16]uintptr // what Go's code takes for the runtime's g: its stack has no bound

	action           [4]uintptr // the kernel's struct sigaction
	recorded         bool       // the two below hold
	ignored, blocked uint64     // bit N-1: the caller had signal N so
}
