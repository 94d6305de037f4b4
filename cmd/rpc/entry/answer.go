//go:build amd64 || arm64

package entry

import "golang.org/x/sys/unix"

// The frames that the entry understands (PROTOCOL.md, section 2).
const (
	typeStarted = 49
	typeExit    = 51
)

// understand looks at the frames that have come whole. ended says that the procedure
// has ended with that wait status, and that there is nothing more to say. ok is false where a
// frame needs the ordinary program, which then reads all of them.
func understand() (status uintptr, ended, ok bool) {
	begins := false
	for {
		at, rest := state.at, state.have-state.at
		if rest < headerSize {
			break
		}
		length := int(bytesAt(at+4, 4))
		if length > len(state.answer)-headerSize-at || bytesAt(at+1, 3) != 0 { // too long; the stream, or flags
			return 0, false, false
		}
		if rest < headerSize+length {
			break
		}
		from, to := at+headerSize, at+headerSize+length
		switch kind := bytesAt(at, 1); {
		case kind == typeStarted && state.started == 0 && isStarted(from, to):
			state.started = now()
			setDeadline()
			begins = true
		case kind == typeExit && state.started != 0:
			status, ok = waitStatus(from, to)
			if !ok && begins {
				release()
			}
			return status, ok, ok
		default:
			if begins {
				release()
			}
			return 0, false, false
		}
		state.at = to
	}
	if begins {
		release()
	}
	return 0, false, true
}

// setDeadline is talk's setLimit: how long a worker may take that keeps time.
func setDeadline() {
	if state.timeout > 0 {
		state.deadline = state.started + int64(state.timeout) + int64(min(state.grace, 1<<60)) + frozenWait
	}
}

// isStarted reports whether STARTED's fields are what wire.ParseStarted takes. It
// keeps the grace.
func isStarted(from, to int) bool {
	const id, directory, grace, why = 1, 2, 3, 4
	for seen := uint32(0); from < to; {
		tag, begin, end := field(from, to)
		if tag == 0 || tag > why || seen>>tag&1 != 0 {
			return false
		}
		seen |= 1 << tag
		if tag == grace {
			if end-begin != 8 {
				return false
			}
			state.grace = bytesAt(begin, 8)
		} else if hasNUL(begin, end) {
			return false
		}
		from = end
	}
	return true
}

// waitStatus gives the wait status of an EXIT that says nothing but that, CPU and
// memory.
func waitStatus(from, to int) (status uintptr, ok bool) {
	const statusField, lastField = 1, 5
	seen := uint32(0)
	for from < to {
		tag, begin, end := field(from, to)
		size := 8
		if tag == statusField {
			size = 4
			status = uintptr(bytesAt(begin, 4))
		}
		if tag == 0 || tag > lastField || seen>>tag&1 != 0 || end-begin != size {
			return 0, false
		}
		seen |= 1 << tag
		from = end
	}
	return status, seen>>statusField&1 != 0 && hasEnded(status)
}

// hasEnded is wire's ended: whether a process can end with a wait status.
func hasEnded(status uintptr) bool {
	const core = 0x80
	sig := status & 0x7f
	switch {
	case sig == 0:
		return status&^0xff00 == 0
	case sig >= uintptr(unix.SIGCONT) && sig <= uintptr(unix.SIGTTOU):
		return false
	}
	return sig <= signals && status&^(core|0x7f) == 0
}

// field gives the tag of the field at from, and where its value begins and ends; tag
// 0: it is cut off, or unknown.
func field(from, to int) (tag uint32, begin, end int) {
	if to-from < fieldHead {
		return 0, 0, 0
	}
	length := int(bytesAt(from+2, 4))
	if length > to-from-fieldHead {
		return 0, 0, 0
	}
	tag = uint32(bytesAt(from, 2))
	if tag > 31 {
		tag = 0
	}
	return tag, from + fieldHead, from + fieldHead + length
}

// bytesAt gives a big-endian number in answer.
func bytesAt(at, size int) (n uint64) {
	for ; size > 0; size-- {
		if uint(at) < uint(len(state.answer)) {
			n = n<<8 | uint64(state.answer[at])
		}
		at++
	}
	return n
}

// hasNUL reports whether a zero byte is in that part of answer.
func hasNUL(from, to int) bool {
	for ; from < to; from++ {
		if bytesAt(from, 1) == 0 {
			return true
		}
	}
	return false
}
