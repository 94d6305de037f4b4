//go:build amd64 || arm64

package entry

import (
	"slices"
	"strings"
)

// What stands here is for the ordinary program, and may use Go's runtime.

// Signals gives the signals that the caller of rpc has ignored and blocked: bit N-1
// is signal N. If held, the signals that reach a procedure and those of job control are
// blocked since. It is false where the program was linked without its entry, so that
// nobody looked before Go's runtime.
func Signals() (ignored, blocked uint64, held, ok bool) {
	return state.ignored, state.blocked, state.held, state.recorded
}

// Take gives the call that the entry has sent; false: it has sent none.
func Take() (Sent, bool) {
	if !state.handed {
		return Sent{}, false
	}
	socket := string(state.path[familySize : familySize+state.pathLen])
	if state.nameLen > 0 {
		socket = strings.TrimSuffix(socket, "/") + "/" + string(state.name[:state.nameLen])
	}
	var caught []int
	for sig := 1; sig <= signals; sig++ {
		if state.caught>>(sig-1)&1 != 0 {
			caught = append(caught, sig)
		}
	}
	return Sent{
		FD:      int(state.socket),
		Socket:  socket,
		Frame:   slices.Clone(state.frame[:state.frameLen]),
		Read:    slices.Clone(state.answer[:state.have]),
		Signals: caught,
		At:      state.sent,
		Started: state.started,
	}, true
}
