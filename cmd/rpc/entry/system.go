//go:build amd64 || arm64

package entry

import (
	"syscall"
)

// start is the program's entry point, in assembly.
func start()

// call makes a system call. It gives what the kernel gives: an errno is negative.
func call(number, a, b, c, d, e, f uintptr) uintptr

// failed reports whether a system call gave an errno (syscalls(2): -4095 to -1).
func failed(result uintptr) bool { return result > ^uintptr(4095) }

// errno is the result of a system call that failed so.
func errno(e syscall.Errno) uintptr { return -uintptr(e) }

// The kernel calls start, and start calls run.
var _, _ = start, run
