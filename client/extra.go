package client

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// extraWindow is the first credit in bytes of a relayed output over 2: what a pipe
// holds (pipe(7)). There may be 250 of them.
const extraWindow = 64 << 10

// extras decides how ExtraFiles travel. A nil leaves its number without a descriptor.
// With streams 0 to 2 they are as many as one frame carries: their numbers bound that.
func (c *Cmd) extras(s *stdio) error {
	var before []base // for same
	for n, f := range s.files {
		if n == 3 {
			before = s.bases()
		}
		if n < 3 || f == nil {
			continue
		}
		if n > wire.MaxStream {
			return fail(ErrUsage, c.Worker, false, nil, "cannot pass descriptor %d: numbers up to %d cross", n, wire.MaxStream)
		}
		b, err := c.extra(s, uint8(n), f, before)
		if err != nil {
			return fail(ErrUsage, c.Worker, false, err, "cannot pass descriptor %d: %v", n, err)
		}
		if b != nil {
			before = append(before, *b)
		}
	}
	return nil
}

// base is a stream that another one may be the same as.
type base struct {
	wire.Stream
	*opening
}

// bases gives those of the standard streams that have a way of their own.
func (s *stdio) bases() (all []base) {
	for _, st := range s.streams {
		if st.Mode != wire.Passed && st.Mode != wire.Relayed {
			continue
		}
		if o, err := look(int(s.files[st.Number].Fd())); err == nil {
			all = append(all, base{st, o})
		}
	}
	return all
}

// extra decides how one file travels. It gives nil where that has no way of its own.
func (c *Cmd) extra(s *stdio, n uint8, f *os.File, before []base) (*base, error) {
	fd := int(f.Fd())
	t, err := examine(fd)
	if err != nil {
		return nil, err
	}
	o, err := look(fd)
	if err != nil {
		return nil, err
	}
	if t.null { // the worker has one of its own, through a bridge, too
		s.streams, s.why[n] = append(s.streams, wire.Stream{Number: n}), "null"
		return nil, nil
	}
	flags, whole := directions(o)
	st := wire.Stream{Number: n, Flags: flags}
	if st.Written() {
		st.Window = extraWindow
	}
	for _, b := range before {
		if b.Read() == st.Read() && b.Written() == st.Written() && b.sameInode(o) && sameOpen(b.fd, fd) {
			st.Mode, st.Index = wire.Same, b.Number
			s.streams, s.why[n] = append(s.streams, st), "same as "+nameOf(b.Number)
			return nil, nil
		}
	}
	relay := c.relayed(t)
	switch {
	case relay == "":
		if t.pipe {
			reopenable(fd)
		}
		st.Mode, s.why[n] = wire.Passed, "passed"
		s.add(st, fd)
		return &base{st, o}, nil
	case whole != nil:
		return nil, whole
	case t.terminal && st.Read():
		st.Flags |= wire.StreamLine
	}
	st.Mode, s.why[n] = wire.Relayed, "relayed ("+relay+")"
	s.streams = append(s.streams, st)
	return &base{st, o}, nil
}

// directions gives the flags of a stream over 2, by what its descriptor is open for.
// The error says why there are none: such a descriptor can only be passed.
func directions(o *opening) (uint8, error) {
	switch o.flags & unix.O_ACCMODE {
	case unix.O_RDONLY:
		return wire.StreamInput, nil
	case unix.O_WRONLY:
		return wire.StreamOutput, nil
	}
	if o.isType(unix.S_IFSOCK) {
		if kind, err := unix.GetsockoptInt(o.fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_STREAM {
			return 0, errors.New("its messages can't be relayed (a stream socket's bytes can)")
		}
		return wire.StreamInput | wire.StreamOutput, nil
	}
	if o.terminal() { // as 3>&1 leaves it; what is typed goes to stdin
		return wire.StreamOutput, nil
	}
	return 0, errors.New("it can't be relayed, since it is open for reading and writing (open it for one)")
}
