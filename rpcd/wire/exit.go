package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// The flags of EXIT.
const (
	ExitTimeout = 1 // a time limit ended the procedure
	ExitLeft    = 2 // a stream was still held open by another process
)

// EndReason is what ended a procedure that didn't end by itself, as a word for
// people and programs. Later versions may send others than these.
type EndReason string

// The reasons. None is "".
const (
	CallerTimeout EndReason = "caller-timeout" // the caller's own time limit ran out
	WorkerTimeout EndReason = "worker-timeout" // the worker's or the procedure's did
	Drain         EndReason = "drain"          // the worker stopped
	ByKill        EndReason = "kill"           // somebody sent KILL for it
	CallerLeft    EndReason = "caller-left"    // nobody waited for it any more
	OutOfMemory   EndReason = "memory"         // the kernel ended it for want of memory
	Crashed       EndReason = "crash"          // its resident worker broke off: the status is none of its own
)

// NoUID is nobody's uid: (uid_t)-1, which setuid(2) refuses.
const NoUID = math.MaxUint32

// End says what ended a procedure that didn't end by itself. The zero value says
// that nothing did, or that it isn't known.
type End struct {
	Reason EndReason
	By     uint32        // with ByKill: the uid that sent KILL, or NoUID if it isn't known; else 0
	Limit  time.Duration // the time limit or the drain that ran out; 0: none did
}

// IsTimeout reports whether a time limit ended it.
func (e End) IsTimeout() bool { return e.Reason == CallerTimeout || e.Reason == WorkerTimeout }

// Exit is the message of EXIT.
type Exit struct {
	Flags    uint16
	Status   uint32 // as wait(2) gives it on Linux
	User     time.Duration
	System   time.Duration
	MaxRSS   uint64 // KiB; 0: not known
	Consumed int64  // bytes of a relayed stdin that the procedure took; -1: not known
	Taken    []Taken
	End
	Text string // with Crashed: one line for people, to be read after the worker's name
	ID   string // of the call; a resident worker's alone
}

// Taken is how many bytes of a relayed stream over 2 the procedure took.
type Taken struct {
	Number uint8
	Bytes  uint64
}

// ConsumedOf gives how many bytes of a relayed stream the procedure took; -1: that
// isn't known.
func (m *Exit) ConsumedOf(number uint8) int64 {
	if number == 0 {
		return m.Consumed
	}
	for _, t := range m.Taken {
		if t.Number == number {
			return int64(duration(t.Bytes))
		}
	}
	return -1
}

// CrashStatus is the wait status of an EXIT with the reason Crashed: what rpc itself
// exits with, so that no reader takes it for a success.
const CrashStatus = 125 << 8

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
	f.text(6, string(m.Reason))
	if m.Reason == ByKill && m.By != NoUID {
		f.u32(7, m.By)
	}
	if m.Limit > 0 {
		f.u64(8, uint64(m.Limit))
	}
	f.text(9, cut(m.Text, 16<<10))
	f.text(10, m.ID)
	for _, t := range m.Taken {
		f.bytes(11, binary.BigEndian.AppendUint64([]byte{t.Number}, t.Bytes))
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
		case 6:
			m.Reason = EndReason(r.text(tag, v))
		case 7:
			m.By = r.u32(tag, v)
		case 8:
			m.Limit = duration(r.u64(tag, v))
		case 9:
			m.Text = r.text(tag, v)
		case 10:
			m.ID = r.text(tag, v)
		case 11:
			m.Taken = r.taken(v, m.Taken)
		default:
			r.unknown(tag)
		}
	}
	m.By = by(m.By, r.seen[7], m.Reason == ByKill)
	if r.err == nil && !r.seen[1] {
		r.err = protocolError("an EXIT without a status")
	}
	if r.err == nil && !ended(m.Status) {
		r.err = protocolError("a wait status of %#x, which no process ends with", m.Status)
	}
	return m, r.err
}

// taken reads one more Taken of an EXIT.
func (r *reader) taken(v []byte, list []Taken) []Taken {
	if len(v) != 9 || len(list) > MaxStream {
		r.fail(protocolError("a field of %d bytes about a stream, the %dth", len(v), len(list)+1))
		return list
	}
	return append(list, Taken{v[0], binary.BigEndian.Uint64(v[1:])})
}

// by gives the uid of a message that a KILL is the reason of, or not.
func by(uid uint32, sent, killed bool) uint32 {
	switch {
	case !killed:
		return 0
	case !sent:
		return NoUID
	}
	return uid
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
