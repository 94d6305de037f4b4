// Package fdconn is UNIX stream sockets that carry descriptors (unix(7),
// SCM_RIGHTS): connections, dialing, listening and peer credentials. It knows
// nothing of frames, and is the only importer of mdlayher/socket.
package fdconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// MaxDescriptors is the most that one message carries: SCM_MAX_FD, unix(7).
const MaxDescriptors = 253

// Conn is one connected socket. One goroutine may read while others write.
type Conn struct {
	s    *socket.Conn
	idle atomic.Int64 // nanoseconds; see SetIdle

	write sync.Mutex // a frame leaves whole

	// the reader's own
	oob       []byte // nil: descriptors aren't wanted, the kernel closes them
	fds       []int
	truncated bool
}

func newConn(s *socket.Conn, receive bool) *Conn {
	c := &Conn{s: s}
	if receive {
		c.Receive(MaxDescriptors)
	}
	return c
}

// Receive says how many descriptors one message may bring from now on; the
// kernel closes what comes beyond (MSG_CTRUNC). In padding it would find room
// for one more. Only the reading goroutine may call it.
func (c *Conn) Receive(most int) { c.oob = make([]byte, unix.CmsgLen(4*most)) }

// Held is how many descriptors came and were not taken yet. Only the reading
// goroutine may call it.
func (c *Conn) Held() int { return len(c.fds) }

// Pair gives two connected ends, the first of which receives descriptors.
func Pair() (*Conn, *Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	a, err := socket.New(fds[0], "rpc")
	if err != nil {
		return nil, nil, err
	}
	b, err := socket.New(fds[1], "rpc")
	if err != nil {
		a.Close()
		return nil, nil, err
	}
	return newConn(a, true), newConn(b, false), nil
}

// Read reads bytes. On a connection that receives descriptors, those that come
// with the bytes are kept for TakeDescriptors, marked close-on-exec. It
// returns io.EOF when the other side has closed.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.arm(); err != nil {
		return 0, err
	}
	if c.oob == nil {
		n, err := c.s.Read(p)
		if n == 0 && err == nil {
			err = io.EOF
		}
		return max(n, 0), err
	}
	n, oobn, flags, _, err := c.s.Recvmsg(context.Background(), p, c.oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, err // n may be -1, which no io.Reader may say
	}
	if oobn > 0 {
		c.collect(c.oob[:oobn])
	}
	if flags&unix.MSG_CTRUNC != 0 {
		c.truncated = true
	}
	if len(c.fds) > MaxDescriptors {
		c.Discard()
		return 0, errors.New("more descriptors than a call can have")
	}
	return n, nil
}

// arm begins the time of SetIdle anew.
func (c *Conn) arm() error {
	if d := c.idle.Load(); d > 0 {
		return c.s.SetReadDeadline(time.Now().Add(time.Duration(d)))
	}
	return nil
}

// collect takes the descriptors out of a control message.
func (c *Conn) collect(oob []byte) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		c.truncated = true
		return
	}
	for i := range msgs {
		if fds, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			c.fds = append(c.fds, fds...)
		}
	}
}

// TakeDescriptors gives the descriptors that came so far, in order; the caller
// closes them. truncated says that the kernel cut some off (MSG_CTRUNC).
// Only the reading goroutine may call it.
func (c *Conn) TakeDescriptors() (fds []int, truncated bool) {
	fds, truncated = c.fds, c.truncated
	c.fds, c.truncated = nil, false
	return fds, truncated
}

// Discard closes the descriptors that came and were not taken. Only the
// reading goroutine may call it.
func (c *Conn) Discard() {
	fds, _ := c.TakeDescriptors()
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// WriteFrame writes b whole, however many goroutines write.
func (c *Conn) WriteFrame(b []byte) error { return c.WriteDescriptors(b, nil) }

// WriteDescriptors writes b whole, with the descriptors on its first byte. The
// descriptors stay the caller's to close.
func (c *Conn) WriteDescriptors(b []byte, fds []int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	c.write.Lock()
	defer c.write.Unlock()
	for len(b) > 0 {
		n, err := c.s.Sendmsg(context.Background(), b, oob, nil, unix.MSG_NOSIGNAL)
		if err != nil {
			return err
		}
		b, oob = b[n:], nil
	}
	return nil
}

// SetIdle makes every Read fail with os.ErrDeadlineExceeded when nothing
// arrives for d; 0 is no limit. A Read that is already waiting keeps the limit
// that it began with.
func (c *Conn) SetIdle(d time.Duration) {
	c.idle.Store(int64(d))
	if d == 0 {
		_ = c.s.SetReadDeadline(time.Time{})
	} else {
		_ = c.s.SetReadDeadline(time.Now().Add(d))
	}
}

// relayBuffer is what the kernel may hold of a relay, in bytes: two big frames,
// where net.core.wmem_max admits it (socket(7)).
const relayBuffer = 1 << 20

// Enlarge lets more bytes lie in the socket on their way to the other side.
func (c *Conn) Enlarge() { _ = c.s.SetWriteBuffer(relayBuffer) }

// SetDeadline bounds all reads and writes to come; the zero time is no limit.
func (c *Conn) SetDeadline(t time.Time) error { return c.s.SetDeadline(t) }

// Dismiss sends b, if that needs no waiting, and closes the connection.
func (c *Conn) Dismiss(b []byte) {
	if rc, err := c.s.SyscallConn(); err == nil && c.write.TryLock() {
		_ = rc.Control(func(fd uintptr) {
			_, _ = unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		})
		c.write.Unlock()
	}
	c.Close()
}

// Close closes the connection. Descriptors that came and were not taken are
// the reader's to close, by Discard.
func (c *Conn) Close() error {
	return c.s.Close()
}

// Peer is what the kernel says of the other side (SO_PEERCRED and
// SO_PEERGROUPS, unix(7)): of a caller as it connected, of a worker as it
// called listen(2). The pid is 0 across pid namespaces and nothing is decided
// by it.
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
	var gerr error
	if err := rc.Control(func(fd uintptr) {
		cred, gerr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, err
	}
	if gerr != nil {
		return Peer{}, fmt.Errorf("ask for the peer's credentials: %w", gerr)
	}
	return Peer{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid, Groups: c.groups()}, nil
}

// groups gives the peer's supplementary groups; a kernel before 4.13 knows
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
