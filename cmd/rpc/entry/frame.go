//go:build amd64 || arm64

package entry

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The fields of CALL (PROTOCOL.md, section 3).
const (
	fieldProcedure = 1
	fieldArgument  = 2
	fieldVariable  = 3
	fieldDirectory = 4
	fieldIdentity  = 5
	fieldUmask     = 6
	fieldLabel     = 7
	fieldStream    = 8
	fieldTimeout   = 9
	fieldLogical   = 11
)

const (
	headerSize = 8
	fieldHead  = 6
	typeCall   = 1
	confirm    = 8         // CALL's flag CONFIRM
	window     = 512 << 10 // an output's first credit, if the call turns out to be bridged
)

// pack makes the first frame, byte for byte as wire.Call.Append does. It is false
// where the frame has no room, or something needs the ordinary program.
func pack(p process, o *options) bool {
	state.frameLen, state.overflow = headerSize, false
	putText(constant("RPCD\x00\x01")) // the version
	procedure := o.procedure(p)
	putField(fieldProcedure, o.procedureName(p))
	for i := procedure + 1; i < p.words; i++ {
		w := p.word(i)
		if namesDescriptor(w.str()) {
			return false
		}
		putField(fieldArgument, w)
	}
	if !packEnvironment(p, o) {
		return false
	}
	logical, ok := packDirectory(o)
	if !ok {
		return false
	}
	putNumberField(fieldUmask, uint64(umask()), 4)
	if l := o.value[label]; l.n > 0 {
		putField(fieldLabel, l)
	}
	for i := range state.streams {
		s := &state.streams[i]
		putNumber(fieldStream, 2)
		putNumber(8, 4)
		putNumber(uint64(i)<<24|uint64(s.travels)<<16|uint64(s.index)<<8|uint64(s.flags), 4)
		credit := uint64(window)
		if i == 0 {
			credit = 0
		}
		putNumber(credit, 4)
	}
	if state.timeout > 0 {
		putNumberField(fieldTimeout, state.timeout, 8)
	}
	if logical.n > 0 {
		putField(fieldLogical, logical)
	}
	end := state.frameLen
	state.frameLen = 0
	putNumber(typeCall<<24|confirm, 4)
	putNumber(uint64(end-headerSize), 4)
	state.frameLen = end
	return !state.overflow
}

// packEnvironment adds the variables of RPC_ENV, then those of --env.
func packEnvironment(p process, o *options) bool {
	for rest := o.env; rest.n > 0; {
		s, n := rest.str(), 0
		for n < len(s) && s[n] != ',' {
			if s[n] <= ' ' || s[n] > '~' {
				return false // it may be trimmed
			}
			n++
		}
		if n > 0 && !packVariable(p, text{rest.at, n}) {
			return false
		}
		if n == len(s) {
			break
		}
		rest = rest.after(n + 1)
	}
	for i := 1; i < o.worker; {
		k, value, next := p.option(i)
		if k == env && !packVariable(p, value) {
			return false
		}
		i = next
	}
	return true
}

// packVariable adds NAME=VALUE, or the variable NAME as it is here, if it is.
func packVariable(p process, setting text) bool {
	s := setting.str()
	if !isSetting(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '=' {
			putField(fieldVariable, setting)
			return true
		}
	}
	value, ok := p.variable(s)
	if ok {
		putNumber(fieldVariable, 2)
		putNumber(uint64(setting.n+1+value.n), 4)
		putText(setting)
		putNumber('=', 1)
		putText(value)
	}
	return true
}

// packDirectory adds the directory, and gives its logical name.
func packDirectory(o *options) (logical text, ok bool) {
	if dir := o.value[chdir]; dir.n > 0 {
		putField(fieldDirectory, dir)
		return text{}, true
	}
	if !statAt(constant("\x00"), unix.AT_EMPTY_PATH) {
		return text{}, false
	}
	device, inode := uint64(state.stat.Dev), state.stat.Ino
	at := state.frameLen
	if at < 0 || at > len(state.frame)-fieldHead-maxPath-1 {
		return text{}, false
	}
	place := unsafe.Add(unsafe.Pointer(&state.frame), at+fieldHead)
	n := call(unix.SYS_GETCWD, uintptr(place), maxPath+1, 0, 0, 0, 0)
	if failed(n) || n < 2 || *(*byte)(place) != '/' { // the kernel counts the NUL, and writes (unreachable)
		return text{}, false
	}
	name := text{uintptr(place), int(n) - 1}
	putNumber(fieldDirectory, 2)
	putNumber(uint64(name.n), 4)
	state.frameLen += name.n
	putNumber(fieldIdentity, 2)
	putNumber(16, 4)
	putNumber(device, 8)
	putNumber(inode, 8)
	if o.pwd.str() != name.str() && isLogical(o.pwd.str()) && statAt(o.pwd, 0) && uint64(state.stat.Dev) == device && state.stat.Ino == inode {
		return o.pwd, true
	}
	return text{}, true
}

// statAt looks at a path, behind which a NUL stands.
func statAt(path text, flags uintptr) bool {
	return call(sysFstatat, atFDCWD, path.at, uintptr(unsafe.Pointer(&state.stat)), flags, 0, 0) == 0
}

// umask reads the umask, which umask(2) only gives by setting it.
func umask() uintptr {
	mask := call(unix.SYS_UMASK, 0o077, 0, 0, 0, 0, 0)
	call(unix.SYS_UMASK, mask, 0, 0, 0, 0, 0)
	return mask
}

// putField adds a field.
func putField(tag uint64, value text) {
	putNumber(tag, 2)
	putNumber(uint64(value.n), 4)
	putText(value)
}

// putNumberField adds a field that is a number of so many bytes.
func putNumberField(tag, value uint64, size int) {
	putNumber(tag, 2)
	putNumber(uint64(size), 4)
	putNumber(value, size)
}

// putNumber adds a big-endian number of so many bytes.
func putNumber(value uint64, size int) {
	for ; size > 0; size-- {
		n := state.frameLen
		if uint(n) >= uint(len(state.frame)) {
			state.overflow = true
			return
		}
		state.frame[n] = byte(value >> (8 * uint(size-1)))
		state.frameLen = n + 1
	}
}

// putText adds bytes.
func putText(t text) {
	n := state.frameLen
	if n < 0 || n >= len(state.frame) || t.n > len(state.frame)-n {
		state.overflow = true
		return
	}
	copy(state.frame[n:], t.str())
	state.frameLen = n + t.n
}
