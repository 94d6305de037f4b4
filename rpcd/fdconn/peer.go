package fdconn

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Peer is what the kernel says of the other side (SO_PEERCRED and
// SO_PEERGROUPS, unix(7)). A caller is judged as it was when it connected, a
// worker as it was when it called listen(2). PID is 0 across pid namespaces, so
// nothing is decided by it.
type Peer struct {
	PID      int32
	UID, GID uint32
	Groups   []uint32 // supplementary
}

// Peer asks the kernel who the other side is.
func (c *Conn) Peer() (Peer, error) {
	rc, err := c.s.SyscallConn()
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

// groups gives the peer's supplementary groups. A kernel before 4.13 tells
// none.
func (c *Conn) groups() []uint32 {
	b := make([]byte, 64*4)
	n, err := c.s.GetsockoptBytes(unix.SOL_SOCKET, unix.SO_PEERGROUPS, b)
	if errors.Is(err, unix.ERANGE) {
		b = make([]byte, 65536*4) // NGROUPS_MAX, getgroups(2)
		n, err = c.s.GetsockoptBytes(unix.SOL_SOCKET, unix.SO_PEERGROUPS, b)
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
