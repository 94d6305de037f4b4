package pool

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// loanNotes are memory in which a worker writes how far it is with a loan (PROTOCOL.md,
// section 7): three words of the machine's, in its own byte order, and arguments. The memory's size is
// sealed. What stands in it is the worker's word, and may be nonsense.
type loanNotes struct {
	fd  int
	mem []byte // nil: not opened
}

// What a worker does with the call whose number stands above these two bits.
const (
	noteIdle      = 0 // it has been answered
	noteBusy      = 1
	noteAnswering = 2 // its caller may get the answer, or has got it
	noteTaking    = 3 // the worker is about to take it from the connection, or has just done so
	noteBits      = 2
)

// open makes the memory, once, clears it for a loan, and says whether it is there.
func (n *loanNotes) open() bool {
	if n.mem != nil {
		n.clear()
		return true
	}
	fd, err := unix.MemfdCreate("rpcd-notes", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return false
	}
	size := unix.Getpagesize()
	if unix.Ftruncate(fd, int64(size)) == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
		if err == nil {
			if n.mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
				n.fd = fd
				return true
			}
		}
	}
	n.mem = nil
	unix.Close(fd)
	return false
}

func (n *loanNotes) close() {
	if n.mem != nil {
		unix.Close(n.fd)
		_ = unix.Munmap(n.mem)
		n.mem = nil
	}
}

func (n *loanNotes) word(i int) *uint64 { return (*uint64)(unsafe.Pointer(&n.mem[8*i])) }

func (n *loanNotes) clear() {
	atomic.StoreUint64(n.word(0), 0)
	atomic.StoreUint64(n.word(1), 0)
	atomic.StoreUint64(n.word(2), 0)
}

// read says which call of the loan the worker began last, 0 for none, what it does
// with it, and when it began it.
func (n *loanNotes) read() (number, state uint64, began time.Time) {
	word := atomic.LoadUint64(n.word(0))
	return word >> noteBits, word & (1<<noteBits - 1), n.began()
}

// began is when the last call began, by CLOCK_MONOTONIC: not before a minute ago, nor
// later than now, whatever the worker wrote.
func (n *loanNotes) began() time.Time {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return time.Now()
	}
	ago := time.Duration(now.Nano() - int64(atomic.LoadUint64(n.word(1))))
	return time.Now().Add(-min(max(ago, 0), time.Minute))
}

// argsAt is where the fields of a call's arguments begin, behind the word with their size.
const argsAt = 3 * 8

// args are the caller's arguments of the last call.
func (n *loanNotes) args() []string {
	size := min(atomic.LoadUint64(n.word(2)), uint64(len(n.mem)-argsAt))
	return wire.Arguments(bytes.Clone(n.mem[argsAt : argsAt+size]))
}

// barrier sees to it that a worker which has been sent RECALL either finds it when it
// looks, or that what it noted before its look stands in the notes. On x86 send(2) and
// recv(2) see to that, since both take a lock by an instruction that is a barrier.
func barrier() {
	if !isStrong {
		_, _, _ = unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0)
	}
}

const membarrierGlobal = 1 // MEMBARRIER_CMD_GLOBAL, membarrier(2)

const isStrong = runtime.GOARCH == "amd64" || runtime.GOARCH == "386"

// hasBarrier says whether barrier works here. Without it nothing is lent.
var hasBarrier = isStrong || func() bool {
	known, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, 0, 0, 0) // MEMBARRIER_CMD_QUERY
	return errno == 0 && known&membarrierGlobal != 0
}()
