package rpcd

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// stdio makes passed and relayed streams the same: descriptors for a child.
// It owns what it makes, and closes that, and what arrived, by started and close.
type stdio struct {
	call    *call
	streams []wire.Stream
	passed  *fdconn.Files // what arrived, by index
	files   []int         // the child's, by number; -1: closed
	own     []int         // the child's ends of our pipes
	outs    []*outlet
	in      *inlet
}

// outPipe is the size in bytes of a relayed output's pipe: big frames are
// cheap frames. The kernel may refuse; then it is 64 KiB (pipe(7)).
const outPipe = 256 << 10

// newStdio decides between passed and bridged by what arrived, and checks the
// descriptors.
func newStdio(c *call, files *fdconn.Files) (*stdio, error) {
	s := &stdio{call: c, streams: c.Streams, passed: files}
	refuse := func(code wire.Code, format string, args ...any) (*stdio, error) {
		return nil, &wire.Refused{Code: code, Text: fmt.Sprintf(format, args...)}
	}
	want := c.Descriptors()
	switch {
	case files.Truncated:
		return refuse(wire.Failed, "couldn't take the descriptors: it is at its limit of open files (ulimit -n)")
	case files.Len() == 0:
		c.setBridged()
	case files.Len() != want:
		return refuse(wire.Protocol, "refuses: %d descriptors arrived for %d streams", files.Len(), want)
	}
	for i, st := range s.streams {
		switch {
		case st.Mode == wire.Passed && c.bridged && st.Number > 2:
			return refuse(wire.Protocol, "can't be given descriptor %d: only streams 0 to 2 cross a bridge", st.Number)
		case st.Mode == wire.Passed && c.bridged:
			s.streams[i].Mode = wire.Relayed
		case st.Mode == wire.Passed:
			if what := unfit(files.At(int(st.Index)), c.conn.fd); what != "" {
				return refuse(wire.Protocol, "refuses descriptor %d: it is %s", st.Number, what)
			}
		}
	}
	return s, nil
}

// unfit says what forbids a descriptor: with a directory a worker reaches its
// caller's whole file system, and with an end of a connection to us the
// procedure would hold its own connection open when the caller has left.
func unfit(fd int, conn *fdconn.Conn) string {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err.Error()
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return "a directory"
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_PATH != 0 {
		return "opened with O_PATH"
	}
	if st.Mode&unix.S_IFMT == unix.S_IFSOCK && conn.Sibling(fd) {
		return "a connection to this worker"
	}
	return ""
}

// open makes the child's descriptors. foreign says that another user's process
// will have them, and may open its pipes again by name (/dev/stdout).
func (s *stdio) open(foreign bool) error {
	highest := 2
	for _, st := range s.streams {
		if st.Mode != wire.Probe {
			highest = max(highest, int(st.Number))
		}
	}
	null := s.call.conn.server.null
	s.files = slices.Repeat([]int{-1}, highest+1)
	s.files[0], s.files[1], s.files[2] = null, null, null
	for _, st := range s.streams {
		fd := null
		switch st.Mode {
		case wire.Probe:
			continue
		case wire.Passed:
			fd = s.passed.At(int(st.Index))
		case wire.Same:
			fd = s.files[st.Index]
		case wire.Relayed:
			var err error
			if fd, err = s.pipe(st, foreign); err != nil {
				return fmt.Errorf("make a pipe: %w", err)
			}
		}
		s.files[st.Number] = fd
	}
	return nil
}

// pipe makes the pipe of a relayed stream and gives the child's end, which
// stays blocking; ours is the poller's.
func (s *stdio) pipe(st wire.Stream, foreign bool) (int, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	ours, theirs := p[0], p[1]
	if st.Number == 0 {
		ours, theirs = p[1], p[0]
	}
	s.own = append(s.own, theirs)
	if foreign {
		_ = unix.Fchmod(theirs, 0o666)
	}
	if err := unix.SetNonblock(ours, true); err != nil {
		unix.Close(ours)
		return -1, err
	}
	file := os.NewFile(uintptr(ours), "pipe")
	if st.Number == 0 {
		s.in = newInlet(s.call.relay, st, file)
		return theirs, nil
	}
	_, _ = unix.FcntlInt(uintptr(theirs), unix.F_SETPIPE_SZ, outPipe)
	s.outs = append(s.outs, newOutlet(s.call.conn.fd, s.call.relay, st, file))
	return theirs, nil
}

// started closes our copies of what the child has now.
func (s *stdio) started() {
	closeAll(s.own)
	s.passed.Close()
	s.own = nil
}

// relay begins the relaying; STARTED is on its way.
func (s *stdio) relay() {
	if s.in != nil {
		go s.in.run()
	}
	if len(s.outs) > 0 {
		s.call.conn.fd.EnlargeSendBuffer()
	}
	for _, o := range s.outs {
		go o.run()
	}
}

// finish sends what was written before the procedure's end, and END. It says
// whether something else still holds a stream.
func (s *stdio) finish() (left bool) {
	for _, o := range s.outs {
		o.finish()
	}
	for _, o := range s.outs {
		<-o.done
		left = left || o.left
	}
	if s.in != nil {
		s.in.finish()
	}
	return left
}

// giveUp ends the outputs, whatever of them isn't taken.
func (s *stdio) giveUp() {
	for _, o := range s.outs {
		o.out.Stop(errLeft)
	}
}

// consumed is how many bytes of a relayed stdin the procedure took.
// -1: not known, or there is none.
func (s *stdio) consumed() int64 {
	if s.in == nil {
		return -1
	}
	return s.in.consumed
}

// relayed counts the bytes that went through rpcd.
func (s *stdio) relayed() (in, out int64) {
	for _, o := range s.outs {
		out += o.bytes
	}
	if s.in != nil {
		in = s.in.written
	}
	return in, out
}

// close closes everything that is still open.
func (s *stdio) close() {
	s.started()
	for _, o := range s.outs {
		o.pipe.Close()
	}
	if s.in != nil {
		s.in.close()
	}
}
