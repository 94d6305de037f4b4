//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	second       = int64(1e9)
	firstTimeout = 10 * second // wire.FirstTimeout
	frozenWait   = 2 * second  // talk's
)

// isServedBy reports whether a user listens on the socket (SO_PEERCRED).
func isServedBy(uid uint64) bool {
	state.length = uint32(unsafe.Sizeof(state.peer))
	r := call(unix.SYS_GETSOCKOPT, uintptr(state.socket), unix.SOL_SOCKET, unix.SO_PEERCRED,
		uintptr(unsafe.Pointer(&state.peer)), uintptr(unsafe.Pointer(&state.length)), 0)
	return r == 0 && uint64(state.peer[1]) == uid
}

// send sends the frame with the descriptors on its first byte. If it is false, the
// worker has no whole frame, and does nothing.
func send() bool {
	state.vector = [2]uintptr{uintptr(unsafe.Pointer(&state.frame)), uintptr(state.frameLen)}
	const headSize = 16 // of struct cmsghdr
	n := uint64(state.passed)
	state.control[0] = headSize + 4*n
	state.control[1] = unix.SOL_SOCKET | unix.SCM_RIGHTS<<32
	state.control[2] = uint64(state.fds[0]) | uint64(state.fds[1])<<32
	state.control[3] = uint64(state.fds[2])
	size := uintptr(headSize + (4*n+7)&^7)
	state.message = [7]uintptr{0, 0, uintptr(unsafe.Pointer(&state.vector)), 1, uintptr(unsafe.Pointer(&state.control)), size, 0}
	sent := call(unix.SYS_SENDMSG, uintptr(state.socket), uintptr(unsafe.Pointer(&state.message)), unix.MSG_NOSIGNAL, 0, 0, 0)
	return sent == uintptr(state.frameLen)
}

// now gives CLOCK_MONOTONIC in nanoseconds, which Go's time counts by, too.
func now() int64 {
	call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&state.time)), 0, 0, 0, 0)
	return state.time[0]*second + state.time[1]
}

// follow waits for the end of the call, and exits with the procedure's status. It
// returns where the ordinary program has to go on: nothing is lost of the answer, and
// no signal.
func follow() {
	state.patience = firstTimeout
	state.set = state.watched
	signals := call(unix.SYS_SIGNALFD4, ^uintptr(0), uintptr(unsafe.Pointer(&state.set)), setSize, unix.SFD_CLOEXEC, 0, 0)
	if failed(signals) {
		return
	}
	for wait(signals) && take() {
		status, ended, ok := understand()
		if ended {
			end(status)
		}
		if !ok {
			break
		}
	}
	call(unix.SYS_CLOSE, signals, 0, 0, 0, 0, 0)
}

// end ends this process as the procedure has ended, by its wait status.
func end(status uintptr) {
	if sig := status & 0x7f; sig != 0 {
		die(sig)
	}
	call(unix.SYS_EXIT_GROUP, status>>8, 0, 0, 0, 0, 0)
}

// wait waits until the answer can be read, and forwards signals. It is false where
// the ordinary program is needed: for another signal, the end of the connection or of
// a time limit.
func wait(signals uintptr) bool {
	const (
		in   = unix.POLLIN << 32
		came = 48 // where revents stands in struct pollfd
	)
	for {
		state.polled = [2]uint64{uint64(uint32(state.socket)) | in, uint64(uint32(signals)) | in}
		limit := uintptr(0) // none
		if state.started == 0 || state.deadline != 0 {
			left := state.patience
			if state.started != 0 {
				left = max(state.deadline-now(), 0)
			}
			state.time = [2]int64{left / second, left % second}
			limit = uintptr(unsafe.Pointer(&state.time))
		}
		ready := call(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&state.polled)), 2, limit, 0, 0, 0)
		if state.started == 0 { // the kernel has written what is left
			state.patience = state.time[0]*second + state.time[1]
		}
		if ready == errno(unix.EINTR) {
			continue
		}
		socket := state.polled[0] >> came
		switch {
		case failed(ready), ready == 0, socket&^unix.POLLIN != 0:
			return false
		case socket != 0:
			return true
		case state.started == 0 && answersSoon():
			return true
		case !handleSignals():
			return false
		}
	}
}

// soon is how long a signal waits for the first answer: the procedure may run before
// STARTED is here, and then the signal can be forwarded at once.
const soon = second / 10

// answersSoon waits for the first answer, and not for signals.
func answersSoon() bool {
	state.time = [2]int64{0, soon}
	return call(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&state.polled)), 1, uintptr(unsafe.Pointer(&state.time)), 0, 0, 0) == 1
}

// take reads what has come of the answer.
func take() bool {
	have := state.have
	if have < 0 || have >= len(state.answer) {
		return false
	}
	n := call(unix.SYS_READ, uintptr(state.socket), uintptr(unsafe.Pointer(&state.answer[have])), uintptr(len(state.answer)-have), 0, 0, 0)
	if failed(n) || n == 0 {
		return n == errno(unix.EAGAIN)
	}
	state.have = have + int(n)
	return true
}

// release closes what the procedure has got of our stdin and stdout: others see at
// once that a pipe was closed.
func release() {
	for fd := range uintptr(2) {
		if state.streams[fd].travels == passed {
			call(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
		}
	}
}
