package client

import (
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// attach begins the relaying of what isn't passed, and lets go of what is.
func (k *call) attach() error {
	var passed []*os.File
	for _, st := range k.std.streams {
		if st.Mode == wire.Probe || st.Number > 2 {
			continue
		}
		switch {
		case st.Mode == wire.Passed && !k.bridged:
			if st.Number < 2 {
				passed = append(passed, k.std.files[st.Number])
			}
		case st.Mode == wire.Passed, st.Mode == wire.Relayed:
			if err := k.attachStream(st.Number, k.std.files[st.Number]); err != nil {
				if k.in != nil { // it never runs
					k.in.close()
					k.in = nil
				}
				return fail(ErrLost, k.worker(), true, err, "cannot relay %s: %v", names[st.Number], err)
			}
		}
	}
	k.letGo(passed...)
	if k.in != nil {
		go k.in.run()
	}
	return nil
}

// attachStream makes the reader of stdin, or makes and starts the writer of an
// output. Each has a descriptor of its own for f.
func (k *call) attachStream(number uint8, f *os.File) error {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return err
	}
	if number == 0 {
		k.in, err = newReader(k, fd, f)
		return err
	}
	w := newWriter(k, number, fd, f)
	k.ins = append(k.ins, w)
	go w.run()
	return nil
}

// relayed takes a DATA, END, CLOSED or CREDIT frame.
func (k *call) relayed(h wire.Header) error {
	if h.Type == wire.TypeData {
		for _, w := range k.ins {
			if w.number == h.Stream {
				return w.arrive(int(h.Length))
			}
		}
	}
	return k.relay.Handle(h, k.conn)
}

// letGo replaces descriptors by /dev/null, so that their numbers stay taken.
func (k *call) letGo(files ...*os.File) {
	if !k.cmd.LetGo || len(files) == 0 {
		return
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	for _, f := range files {
		_ = unix.Dup3(null, int(f.Fd()), 0)
	}
	unix.Close(null)
}

// fileError is an error of the caller's own file, not of the connection.
type fileError struct{ err error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }
