// Package ring is shared memory for a topic's records: a memfd of slots that one
// publisher writes and anybody reads (PROTOCOL.md, section 8). It sends nothing, and
// doesn't know which slots are free.
package ring

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// seals are those of a ring's memory: nobody can make it shorter, so that a map of it
// can be read, nor longer, and that stays so.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// futureWrite is F_SEAL_FUTURE_WRITE (fcntl(2), Linux 5.1): nobody can write the memory
// but through a map that was made before.
const futureWrite = 0x10

// Check says what is wrong with memory that somebody calls a ring. It stays the
// caller's.
func Check(fd int, m wire.Ring) error {
	have, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return errors.New("cannot use the ring: it is no memory that can be sealed (memfd_create(2))")
	}
	if have&seals != seals || have&(futureWrite|unix.F_SEAL_WRITE) == 0 {
		return fmt.Errorf("cannot use the ring: its seals are %#x (it needs SEAL, SHRINK, GROW and FUTURE_WRITE)", have)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("cannot use the ring: %w", err)
	}
	if !m.Fits() || uint64(st.Size) < uint64(m.Slots)*m.Size {
		return fmt.Errorf("cannot use the ring: it has %d bytes, and says %d slots of %d", st.Size, m.Slots, m.Size)
	}
	return nil
}

// Ring is a ring that is mapped: for writing by who made it, for reading by others.
type Ring struct {
	wire.Ring
	memory []byte
}

// New makes a ring, whose descriptor is the caller's. Memory is taken as slots are
// written.
func New(m wire.Ring) (*Ring, int, error) {
	size, err := sizeOf(m)
	if err != nil {
		return nil, -1, err
	}
	fd, err := unix.MemfdCreate("rpcd-ring", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, -1, os.NewSyscallError("memfd_create", err)
	}
	r, err := mapped(fd, m, size)
	if err != nil {
		unix.Close(fd)
		return nil, -1, err
	}
	return r, fd, nil
}

func mapped(fd int, m wire.Ring, size int) (*Ring, error) {
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return nil, os.NewSyscallError("ftruncate", err)
	}
	memory, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	r := &Ring{m, memory}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals|futureWrite); err != nil {
		r.Close()
		return nil, os.NewSyscallError("seal memory", err)
	}
	return r, nil
}

// Open maps a ring of somebody else's, for reading. The descriptor stays the caller's,
// and can be closed.
func Open(fd int, m wire.Ring) (*Ring, error) {
	if err := Check(fd, m); err != nil {
		return nil, err
	}
	size, err := sizeOf(m)
	if err != nil {
		return nil, err
	}
	memory, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &Ring{m, memory}, nil
}

// sizeOf is a ring's bytes, as far as this process has addresses for them.
func sizeOf(m wire.Ring) (int, error) {
	size := uint64(m.Slots) * m.Size
	if !m.Fits() || size > math.MaxInt {
		return 0, fmt.Errorf("cannot map the ring: %d slots of %d bytes are too many here", m.Slots, m.Size)
	}
	return int(size), nil
}

// Slot gives the first n bytes of a slot, or nil where there is none of that size.
func (r *Ring) Slot(index uint32, n uint64) []byte {
	if index >= r.Slots || n > r.Size {
		return nil
	}
	at := uint64(index) * r.Size
	return r.memory[at : at+n : at+n]
}

// Close ends the map. Nothing of Slot may be used any more.
func (r *Ring) Close() { _ = unix.Munmap(r.memory) }
