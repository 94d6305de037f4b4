//go:build !amd64 && !arm64

package sigaction

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Outside does nothing on this processor: signals that another process sends go to
// Go's runtime as its own do.
func Outside(syscall.Signal, bool) {}

// Orderly does nothing on this processor.
func Orderly(syscall.Signal) {}

// Lastly does nothing on this processor: a terminal stays as it is.
func Lastly(int, *unix.Termios) {}
