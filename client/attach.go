package client

import (
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// attach begins the relaying of what isn't passed, and releases what is.
func (k *call) attach() error {
	var passed []*os.File
	streams := k.std.streams
	if k.bridged {
		streams = wire.Bridge(streams)
	}
	for _, st := range streams {
		if st.Mode == wire.Probe || st.Number > 2 {
			continue
		}
		switch {
		case st.Mode == wire.Passed:
			if st.Number < 2 {
				passed = append(passed, k.std.files[st.Number])
			}
		case st.Mode == wire.Relayed:
			if err := k.attachStream(st.Number, k.std.files[st.Number]); err != nil {
				if k.stdin != nil { // it never runs
					k.stdin.close()
					k.stdin = nil
				}
				return fail(ErrLost, k.worker(), true, err, "cannot relay %s: %v", names[st.Number], err)
			}
		}
	}
	k.release(passed...)
	if k.stdin != nil {
		go k.stdin.run()
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
		k.stdin, err = newReader(k, fd, f)
		return err
	}
	var p *passage
	if !k.bridged { // what is between the two sides doesn't keep pages
		p = k.std.takePassage(number)
	}
	w := newWriter(k, number, fd, f, p)
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
		_ = unix.Dup3(null, int(f.Fd()), 0)
	}
	unix.Close(null)
}

// fileError is an error of a file of this process, not of the connection.
type fileError struct{ err error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }
