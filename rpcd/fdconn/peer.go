package fdconn

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Peer holds the credentials of the other side as the kernel knows them
// (SO_PEERCRED and SO_PEERGROUPS, unix(7)). They are a caller's at the time of
// connect(2), and a worker's at the time of listen(2). No decision may rest on
// PID: it is 0 across pid namespaces.
type Peer struct {
	PID      int32
	UID, GID uint32
	Groups   []uint32 // supplementary
}

// Peer asks the kernel for the credentials of the other side.
func (c *Conn) Peer() (Peer, error) {
	rc, err := c.s.Load().SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var asked error
	if err := rc.Control(func(fd uintptr) {
		cred, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, err
	}
	if asked != nil {
		return Peer{}, fmt.Errorf("ask for the peer's credentials: %w", asked)
	}
	return Peer{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid, Groups: c.groups()}, nil
}

// groups gives the peer's supplementary groups: none on a kernel before 4.13,
// which can't be asked.
func (c *Conn) groups() []uint32 {
	b := make([]byte, 64*4)
	n, err := c.s.Load().GetsockoptBytes(unix.SOL_SOCKET, unix.SO_PEERGROUPS, b)
	if errors.Is(err, unix.ERANGE) {
		b = make([]byte, 65536*4) // NGROUPS_MAX, getgroups(2)
		n, err = c.s.Load().GetsockoptBytes(unix.SOL_SOCKET, unix.SO_PEERGROUPS, b)
	}
	if err != nil {
		return nil
	}
	return parseGroups(b[:n])
}

// parseGroups reads the kernel's array of gid_t.
func parseGroups(b []byte) []uint32 {
	groups := make([]uint32, 0, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		groups = append(groups, binary.NativeEndian.Uint32(b))
	}
	return groups
}
