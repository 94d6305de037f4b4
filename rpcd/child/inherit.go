package child

import (
	"math"
	"os"
	"os/signal"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// closeOnExec marks what rpcd inherited beyond descriptor 2.
func closeOnExec() {
	if unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, err := os.ReadDir("/proc/self/fd") // before Linux 5.11, or under seccomp
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// defaultDispositions undoes ignored signals that rpcd inherited (nohup, a
// background job of a script): a child gets default for what has a handler
// here, which Go does for all but these.
func defaultDispositions() {
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT)
	for _, sig := range []uintptr{uintptr(unix.SIGCONT), uintptr(unix.SIGTSTP), uintptr(unix.SIGTTIN), uintptr(unix.SIGTTOU), 32, 33, 34} {
		var deflt [4]uintptr // struct kernel_sigaction with SIG_DFL, no flags, empty mask
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&deflt)), 0, 8, 0, 0)
	}
}
