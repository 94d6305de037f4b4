package client

import (
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// attach begins the relaying of what isn't passed, and releases what is.
func (k *call) attach() error {
	if k.cmd.terminal != nil {
		k.cmd.terminal.Started()
	}
	var released []*os.File
	streams := k.std.streams
	if k.bridged {
		streams = wire.Bridge(streams)
	}
	for _, st := range streams {
		if st.Mode == wire.Probe {
			continue
		}
		f := k.std.files[st.Number]
		if st.Mode == wire.Relayed || st.Mode == wire.OnTerminal {
			if err := k.attachStream(st, f); err != nil {
				for _, r := range k.inputs { // they never run
					r.close()
				}
				k.inputs = nil
				return fail(ErrLost, k.worker(), true, err, "cannot relay %s: %v", nameOf(st.Number), err)
			}
		}
		if st.Number > 2 || st.Mode == wire.Passed && st.Number < 2 {
			released = append(released, f)
		}
	}
	k.release(released...)
	for _, r := range k.inputs {
		go r.run()
	}
	return nil
}

// attachStream makes the reader of a stream that the procedure reads, and makes and
// starts the writer of one that it writes. Each has a descriptor of its own for f.
func (k *call) attachStream(st wire.Stream, f *os.File) error {
	if st.Read() {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return err
		}
		r, err := newReader(k, st.Number, fd, f, st.Mode == wire.OnTerminal)
		if err != nil {
			return err
		}
		k.inputs = append(k.inputs, r)
	}
	if !st.Written() {
		return nil
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return err
	}
	var p *passage
	if !k.bridged { // what is between the two sides doesn't keep pages
		p = k.std.takePassage(st.Number)
	}
	w := newWriter(k, st, fd, f, p)
	k.outputs = append(k.outputs, w)
	go w.run()
	return nil
}

// release replaces descriptors by /dev/null, so that their numbers stay taken,
// if door.Cmd.ReleaseFiles was called.
func (k *call) release(files ...*os.File) {
	if !k.cmd.releaseFiles || len(files) == 0 {
		return
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	for _, f := range files {
		if f != nil {
			_ = unix.Dup3(null, int(f.Fd()), 0)
		}
	}
	unix.Close(null)
}

// fileError is an error of a file of this process, not of the connection.
type fileError struct{ err error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }
