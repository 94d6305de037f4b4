package stream

import (
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// relay makes the pipe of a relayed stream, or a pair of sockets for one that is read
// and written. It gives the child's end, which is blocking. Ours isn't, for Go's
// poller.
func (s *Set) relay(st wire.Stream, reopenable bool) (int, error) {
	if st.Read() && st.Written() {
		return s.socket(st)
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	ours, theirs := p[0], p[1]
	if st.Read() {
		ours, theirs = p[1], p[0]
	}
	s.theirs = append(s.theirs, theirs)
	if reopenable {
		_ = unix.Fchmod(theirs, 0o666)
	}
	if err := unix.SetNonblock(ours, true); err != nil {
		unix.Close(ours)
		return -1, err
	}
	file := os.NewFile(uintptr(ours), "pipe")
	if st.Read() {
		s.inputs = append(s.inputs, newInput(s.plan.Relay, st, file))
		return theirs, nil
	}
	if st.Number <= 2 { // many of that size are more than a user may have (pipe(7), pipe-user-pages-soft)
		_, _ = unix.FcntlInt(uintptr(theirs), unix.F_SETPIPE_SZ, outPipe)
	}
	s.outputs = append(s.outputs, newOutput(s.plan.Conn, s.plan.Relay, st, file))
	return theirs, nil
}

// socket makes the pair of a stream that is read and written. An input and an output
// have our end, each by a descriptor of its own.
func (s *Set) socket(st wire.Stream) (int, error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	s.theirs = append(s.theirs, p[1])
	again, err := unix.FcntlInt(uintptr(p[0]), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		unix.Close(p[0])
		return -1, err
	}
	if err := unix.SetNonblock(p[0], true); err != nil { // of both: one open file
		closeAll([]int{p[0], again})
		return -1, err
	}
	s.inputs = append(s.inputs, newInput(s.plan.Relay, st, os.NewFile(uintptr(p[0]), "socket")))
	s.outputs = append(s.outputs, newOutput(s.plan.Conn, s.plan.Relay, st, os.NewFile(uintptr(again), "socket")))
	return p[1], nil
}

// shut tells the other end of a socket that nobody reads or writes here any more
// (shutdown(2), how). The end of a pipe is its close.
func shut(f *os.File, how int) {
	_ = control(f, func(fd int) { _ = unix.Shutdown(fd, how) })
}
