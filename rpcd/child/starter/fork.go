//go:build amd64 || arm64

package starter

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/internal/slack"
)

// Supported says that this processor's instructions are written.
const Supported = true

// The flags of a process whose parent waits until its program runs (vfork(2)), and
// which shares memory and, at first, the table of descriptors.
const sharing = unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_FILES | unix.CLONE_PIDFD | unix.CLONE_CHILD_SETTID

// cloneArgs is struct clone_args of clone3(2), up to its version 2. Without a name are
// parent_tid, stack, stack_size, tls, set_tid and set_tid_size, which stay 0.
type cloneArgs struct {
	flags, pidfd, childTID, _, exitSignal, _, _, _, _, _, cgroup uint64
}

// fork makes the process and waits until its program runs or it has failed. It
// gives a negated errno of clone, or the number of the process.
func (a *Attempt) fork(cgroup int) uintptr {
	if cgroup >= 0 {
		args := &cloneArgs{
			flags:      sharing | unix.CLONE_INTO_CGROUP | unix.CLONE_CLEAR_SIGHAND,
			pidfd:      uint64(address(&a.pidfd)),
			childTID:   uint64(address(int32Of(&a.pid))),
			exitSignal: uint64(unix.SIGCHLD),
			cgroup:     uint64(cgroup),
		}
		return vfork(unix.SYS_CLONE3, address(args), unsafe.Sizeof(*args), 0, 0, 0, &a.plan.steps[0], unsafe.Pointer(&a.failed))
	}
	a.plan.resetSignals()
	fourth, fifth := cloneOrder(address(int32Of(&a.pid)))
	return vfork(unix.SYS_CLONE, sharing|uintptr(unix.SIGCHLD), 0, address(&a.pidfd), fourth, fifth, &a.plan.steps[0], unsafe.Pointer(&a.failed))
}

// forkSharing makes a process that shares the table of descriptors and tells nobody
// of its end: who made it waits with WALL. It returns when that has ended.
func (a *Attempt) forkSharing() error {
	const flags = unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_FILES | unix.CLONE_CHILD_SETTID
	fourth, fifth := cloneOrder(address(int32Of(&a.pid)))
	result := vfork(unix.SYS_CLONE, flags, 0, 0, fourth, fifth, &a.plan.steps[0], unsafe.Pointer(&a.failed))
	if errno := -int(result); errno > 0 && errno < 4096 {
		return syscall.Errno(errno)
	}
	return nil
}

// vfork lets other goroutines run meanwhile, as a system call that blocks does. The
// process has the timer slack that this program was given.
//
//go:nosplit
func vfork(number, a1, a2, a3, a4, a5 uintptr, first *step, failed unsafe.Pointer) (result uintptr) {
	entersyscall()
	slack.Restore()
	result = run(number, a1, a2, a3, a4, a5, first, failed)
	slack.Raise()
	exitsyscall()
	return result
}

// run makes the system call. In the process that it makes, it runs the steps one
// after the other, in registers alone, and writes the address of one that fails
// and its errno to failed. The last step doesn't return, or is a jump.
//
//go:noescape
func run(number, a1, a2, a3, a4, a5 uintptr, first *step, failed unsafe.Pointer) (result uintptr)

//go:linkname entersyscall runtime.entersyscall
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()
