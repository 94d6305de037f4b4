//go:build !amd64 && !arm64

package starter

import "golang.org/x/sys/unix"

// Supported says that this processor's instructions are written.
const Supported = false

// fork isn't there.
func (a *Attempt) fork(int) uintptr { return ^uintptr(unix.ENOSYS) + 1 }

// forkSharing isn't there.
func (a *Attempt) forkSharing() error { return unix.ENOSYS }
