package fdconn

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mostRaw is how many bytes may be sent without the scheduler's knowledge. The kernel
// copies them in some ten microseconds, in which this thread can't be stopped for a
// garbage collection.
const mostRaw = 64 << 10

// receiveNow is recvmsg(2) without a wait. Go's scheduler isn't told of the call: in a
// process that was idle that would wake a thread of the runtime's each time (sysmon),
// before the call, which takes longer than the call does.
func receiveNow(fd uintptr, p, oob []byte, flags int) (n, oobn, came int, err error) {
	var iov unix.Iovec
	m := message(&iov, p, oob)
	r, _, e := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&m)), uintptr(flags|unix.MSG_DONTWAIT))
	if e != 0 {
		return 0, 0, 0, e
	}
	return int(r), int(m.Controllen), int(m.Flags), nil
}

// sendNow is sendmsg(2) likewise, unless the bytes are many.
func sendNow(fd uintptr, p, oob []byte) (int, error) {
	const flags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	if len(p) > mostRaw {
		return unix.SendmsgN(int(fd), p, oob, nil, flags)
	}
	var iov unix.Iovec
	m := message(&iov, p, oob)
	n, _, e := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&m)), flags)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func message(iov *unix.Iovec, p, oob []byte) (m unix.Msghdr) {
	if len(p) > 0 {
		iov.Base = &p[0]
		iov.SetLen(len(p))
	}
	m.Iov = iov
	m.SetIovlen(1)
	if len(oob) > 0 {
		m.Control = &oob[0]
		m.SetControllen(len(oob))
	}
	return m
}
