package record

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Record is one record. Its owner closes it.
type Record struct {
	Number uint64 // from 1
	Data   []byte // without what ends it; nil where it is Large
	End    string // what ended a text: "\n", "\x00", or "" where the input ended
	Size   int64  // in bytes, without End
	Until  int64  // bytes of the stream up to the record's end

	large *memory // holds more than MaxInline
}

// Large says that the record isn't in Data.
func (r *Record) Large() bool { return r.large != nil }

// Close frees the memory of a large record. Files that File gave stay.
func (r *Record) Close() {
	if r.large != nil {
		unix.Close(r.large.fd)
		r.large.fd = -1
	}
}

// File gives the record as a file in memory with a position of its own, at the
// start. The caller closes it. Nobody can change what is in it. behind stands after
// the record's bytes: a text's newline, if it is wanted. A large record has it
// already if its reader was told so.
func (r *Record) File(behind string) (*os.File, error) {
	if r.large != nil {
		fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", r.large.fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("open record %d anew: %w", r.Number, err)
		}
		return os.NewFile(uintptr(fd), "record"), nil
	}
	m, err := newMemory()
	if err != nil {
		return nil, err
	}
	if err = m.write(r.Data); err == nil && behind != "" {
		err = m.write([]byte(behind))
	}
	if err == nil {
		err = m.seal()
	}
	if err != nil {
		unix.Close(m.fd)
		return nil, err
	}
	return os.NewFile(uintptr(m.fd), "record"), nil
}

// memory is a file in memory (memfd_create(2)) that is being filled. Its position
// stays at the start.
type memory struct {
	fd   int
	size int64
}

func newMemory() (*memory, error) {
	fd, err := unix.MemfdCreate("rpc-record", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	return &memory{fd: fd}, nil
}

func (m *memory) write(p []byte) error {
	for len(p) > 0 {
		n, err := unix.Pwrite(m.fd, p, m.size)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write into memory: %w", err)
		}
		m.size += int64(n)
		p = p[n:]
	}
	return nil
}

// seal ends the writing for everybody: a record that is tried twice is the same.
func (m *memory) seal() error {
	const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err := unix.FcntlInt(uintptr(m.fd), unix.F_ADD_SEALS, all)
	if err != nil {
		return fmt.Errorf("seal a file in memory: %w", err)
	}
	return nil
}
