package wire

import "time"

// The flags of EXIT.
const (
	ExitTimeout = 1 // a time limit ended the procedure
	ExitLeft    = 2 // a stream was still held open by another process
)

// Exit is the message of EXIT.
type Exit struct {
	Flags    uint16
	Status   uint32 // as wait(2) gives it on Linux
	User     time.Duration
	System   time.Duration
	MaxRSS   uint64 // KiB; 0: not known
	Consumed int64  // bytes of a relayed stdin that the procedure took; -1: not known
}

// Append gives the message as a frame.
func (m *Exit) Append() []byte {
	f := answer()
	f.u32(1, m.Status)
	f.u64(2, uint64(m.User))
	f.u64(3, uint64(m.System))
	if m.MaxRSS > 0 {
		f.u64(4, m.MaxRSS)
	}
	if m.Consumed >= 0 {
		f.u64(5, uint64(m.Consumed))
	}
	return f.frame(TypeExit, 0, m.Flags)
}

// ParseExit reads an EXIT's payload. A missing status is an error, since it must
// never look like 0.
func ParseExit(flags uint16, payload []byte) (*Exit, error) {
	m := &Exit{Flags: flags, Consumed: -1}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Status = r.u32(tag, v)
		case 2:
			m.User = duration(r.u64(tag, v))
		case 3:
			m.System = duration(r.u64(tag, v))
		case 4:
			m.MaxRSS = r.u64(tag, v)
		case 5:
			m.Consumed = int64(duration(r.u64(tag, v)))
		default:
			r.unknown(tag)
		}
	}
	if r.err == nil && !r.seen[1] {
		r.err = protocolError("an EXIT without a status")
	}
	if r.err == nil && !ended(m.Status) {
		r.err = protocolError("a wait status of %#x, which no process ends with", m.Status)
	}
	return m, r.err
}

// ended reports whether wait(2) gives such a status for a process that has ended:
// by exit(3), or by a signal that ends processes.
func ended(status uint32) bool {
	sig := status & 0x7f
	switch {
	case status > 0xffff:
		return false
	case sig == 0:
		return status&0x80 == 0
	case sig >= 18 && sig <= 22: // CONT, STOP, TSTP, TTIN, TTOU
		return false
	}
	return sig <= 64 && status>>8 == 0
}
