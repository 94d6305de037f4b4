package starter

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// standard is how many descriptors every process of Go has: 0, 1 and 2 (the
// runtime opens what is missing).
const standard = 3

// descriptors adds the steps that receive the descriptors and give them their
// numbers. What is received first lies beyond those numbers: the ones that aren't
// in use are filled before, and Lane lies beyond as well.
func (a *Attempt) descriptors(p *Program) {
	all := make([]int, 0, len(p.Files)+1)
	for _, fd := range p.Files {
		if fd >= 0 {
			all = append(all, fd)
		}
	}
	for part := range slices.Chunk(append(all, p.Dir), mostInMessage) {
		a.plan.batches = append(a.plan.batches, newBatch(part))
	}
	if n := len(p.Files); n > standard {
		a.plan.add(Arrange, unix.SYS_FCNTL, uintptr(a.lane.rx), unix.F_DUPFD_CLOEXEC, uintptr(n)).to = &a.plan.door
		for i := standard; i < n; i++ {
			a.plan.add(Arrange, unix.SYS_DUP3, 0, uintptr(i), unix.O_CLOEXEC)
		}
	} else {
		a.plan.door = int32(a.lane.rx)
	}
	for i, b := range a.plan.batches {
		receive := a.plan.add(Receive, unix.SYS_RECVMSG, 0, address(&b.header), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		receive.from = &a.plan.door
		if i == len(a.plan.batches)-1 {
			receive.to = int32Of(&a.received)
		}
	}
	next := 0
	for i, fd := range p.Files {
		if fd < 0 {
			a.plan.add(Arrange, unix.SYS_CLOSE, uintptr(i)).may = 1
			continue
		}
		a.plan.add(Arrange, unix.SYS_DUP3, 0, uintptr(i), 0).from = a.plan.at(next)
		next++
	}
	for i := len(p.Files); i < standard; i++ {
		a.plan.add(Arrange, unix.SYS_CLOSE, uintptr(i)).may = 1
	}
}

// countOpen counts the files that aren't closed, which is the directory's place in
// the messages, too.
func countOpen(files []int) (n int) {
	for _, fd := range files {
		if fd >= 0 {
			n++
		}
	}
	return n
}

// at is where the number of received descriptor i will stand.
func (p *plan) at(i int) *int32 { return &p.batches[i/mostInMessage].control.fds[i%mostInMessage] }

// newBatch makes room for a message with these descriptors, and no room for more.
func newBatch(fds []int) *batch {
	b := &batch{sent: fds}
	for i := range b.control.fds {
		b.control.fds[i] = -1 // EBADF for what doesn't come
	}
	b.vector.Base = &b.data
	b.vector.SetLen(1)
	b.header.Iov = &b.vector
	b.header.SetIovlen(1)
	b.header.Control = (*byte)(unsafe.Pointer(&b.control))
	b.header.SetControllen(unix.CmsgLen(4 * len(fds)))
	return b
}

// send sends all descriptors into the lane.
func (a *Attempt) send() error {
	for _, b := range a.plan.batches {
		if err := unix.Sendmsg(a.lane.tx, []byte{0}, unix.UnixRights(b.sent...), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err != nil {
			return err
		}
	}
	return nil
}
