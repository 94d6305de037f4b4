package stream

import (
	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Plan is what a Set is made of. All of it stays the caller's, but Started and
// Close close Files.
type Plan struct {
	Streams  []wire.Stream  // of a CALL: what wire.ParseCall accepts
	Terminal *wire.Terminal // what streams 0 and 1 are then; nil: no terminal
	Files    *fdconn.Files  // that arrived with it
	Conn     *fdconn.Conn   // to the caller
	Relay    *wire.Relay    // over Conn
	Null     int            // descriptor of /dev/null, for closed streams
}

// New checks the descriptors of a plan, and decides by their number whether
// passed streams are relayed instead (PROTOCOL.md, section 4). Its errors are
// ErrTruncated, *CountError, *BridgeError, *LimitError and *UnfitError.
func New(p Plan) (*Set, error) {
	s := &Set{plan: p, streams: p.Streams}
	arrived, named := p.Files.Len(), wire.Descriptors(p.Streams)
	switch {
	case p.Files.Truncated:
		return nil, ErrTruncated
	case arrived == 0:
		s.bridged = true
	case arrived != named:
		return nil, &CountError{arrived, named}
	}
	for _, st := range p.Streams {
		if st.Mode.IsWorkers() {
			return nil, &UnfitError{st.Number, "one that rpcd alone sends"}
		}
		if st.Mode != wire.Passed {
			continue
		}
		if s.bridged && !st.Read() && !st.Written() {
			return nil, &BridgeError{st.Number}
		}
		if !s.bridged {
			if what := unfit(p.Files.At(int(st.Index)), p.Conn); what != "" {
				return nil, &UnfitError{st.Number, what}
			}
		}
	}
	if s.bridged {
		s.streams = wire.Bridge(p.Streams)
	}
	if err := checkNumbers(p.Streams); err != nil {
		return nil, err
	}
	return s, nil
}

// startRoom is how many descriptors a process has beside its own while it starts: see
// child/starter.
const startRoom = 4

// checkNumbers finds a number that no process can have: while it starts, it has all
// of its descriptors a second time, beyond the highest.
func checkNumbers(streams []wire.Stream) error {
	highest := uint8(2)
	for _, st := range streams {
		highest = max(highest, st.Number)
	}
	var limit unix.Rlimit
	if highest > 2 && unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && uint64(highest)+uint64(len(streams))+startRoom > limit.Cur {
		return &LimitError{highest, limit.Cur}
	}
	return nil
}

// unfit says what forbids a descriptor; "" is nothing. With a directory a worker
// reaches its caller's whole file system. With an end of a connection to us the
// procedure would hold its own connection open when the caller has left.
func unfit(fd int, conn *fdconn.Conn) string {
	var st unix.Statx_t // no file system is asked
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st); err != nil {
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
