//go:build !amd64 && !arm64

package sigaction

import "syscall"

// Outside does nothing on this processor: signals that another process sends go to
// Go's runtime as its own do.
func Outside(syscall.Signal, bool) {}
