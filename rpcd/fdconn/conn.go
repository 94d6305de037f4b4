// Package fdconn provides UNIX stream sockets that carry descriptors
// (SCM_RIGHTS, unix(7)): connections, dialing, listening and peer credentials.
// It doesn't know the frames of PROTOCOL.md. No other package imports
// mdlayher/socket.
package fdconn

import (
	"cmp"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// MaxDescriptors is how many descriptors one message can carry: SCM_MAX_FD,
// unix(7).
const MaxDescriptors = 253

// Conn is one connected socket. One goroutine may read while others write.
type Conn struct {
	s atomic.Pointer[socket.Conn] // changed by Detach and Attach alone

	deadlines sync.Mutex    // held while one is chosen and set, so that the last to choose counts
	idle      time.Duration // see SetIdle

	receives bool                    // descriptors
	owner    uint32                  // of the descriptors that arrive, for Discard
	full     func(owner uint32) bool // no more of them are to be taken; nil: never

	leave func() // Guard

	hangUp sync.Mutex
	away   int // the socket's descriptor while it is detached; 0: it isn't

	write sync.Mutex             // held for a whole frame, so that frames don't mix
	left  atomic.Pointer[[]byte] // of WriteIfRead, for who holds write
	last  atomic.Pointer[[]byte] // of SendAndHangUp, likewise
	entry *entry                 // of IgnoreRoom, likewise

	// For the reading goroutine alone.
	oob   []byte // room for a control message; nil: the kernel closes descriptors that arrive
	files Files  // descriptors that arrived and that TakeFiles hasn't given out yet
}

func newConn(s *socket.Conn, receive bool) *Conn {
	c := &Conn{receives: receive, leave: guard(s)}
	c.s.Store(s)
	if receive {
		c.oob = roomFor(MaxDescriptors)
		c.readInline()
	}
	return c
}

// readInline lets a byte that was sent out of band (MSG_OOB, send(2)) arrive as any
// other. Else recvmsg(2) would skip it, and close the descriptors that came with it,
// in the thread that reads.
func (c *Conn) readInline() {
	if rc, err := c.s.Load().SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_OOBINLINE, 1) })
	}
}

// Receive sets how many descriptors one message may bring from now on. The
// kernel closes the others (MSG_CTRUNC, recvmsg(2)), within Read: where strangers
// send, nothing less than MaxDescriptors will do. The buffer isn't padded: the
// kernel would put one more descriptor into the padding. Only the reading
// goroutine may call Receive.
func (c *Conn) Receive(most int) {
	c.oob = roomFor(most)
	takeRights(c.s.Load(), 1)
}

func roomFor(descriptors int) []byte { return make([]byte, unix.CmsgLen(4*descriptors)) }

// Charge says to whose account the descriptors go that arrive from now on; see
// Discard. While full says that this has too many, Read takes no message that brings
// some, and fails with ErrFull. Only the reading goroutine may call Charge.
func (c *Conn) Charge(owner uint32, full func(owner uint32) bool) { c.owner, c.full = owner, full }

// ErrFull is Read's error where a message with descriptors is left unread.
var ErrFull = errors.New("descriptors from somebody whose last ones can't be closed")

// Held gives the number of descriptors that arrived and weren't taken yet. Only
// the reading goroutine may call Held.
func (c *Conn) Held() int { return c.files.Len() }

// Pair gives two connected ends. Only the first one receives descriptors.
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

// Read reads bytes. If the connection receives descriptors, Read makes those
// that arrive close-on-exec and keeps them for TakeFiles. It returns io.EOF when
// the other side has closed.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.arm(); err != nil {
		return 0, err
	}
	n, oobn, flags, err := c.receive(p)
	if err != nil {
		return 0, err
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	if oobn > 0 {
		c.collect(c.oob[:oobn])
	}
	if flags&unix.MSG_CTRUNC != 0 && c.oob != nil {
		c.files.Truncated = true
	}
	if c.Held() > MaxDescriptors {
		c.TakeFiles().Close()
		return 0, errors.New("more descriptors than a call can have")
	}
	return n, nil
}

// receive is recvmsg(2) as soon as there is something.
func (c *Conn) receive(p []byte) (n, oobn, flags int, err error) {
	rc, err := c.s.Load().SyscallConn()
	if err != nil {
		return 0, 0, 0, err
	}
	waited := rc.Read(func(fd uintptr) bool {
		if c.full != nil && (isShort() || c.full(c.owner)) && bringsFiles(int(fd)) {
			err = ErrFull
			return true
		}
		for {
			n, oobn, flags, err = receiveNow(fd, p, c.oob, unix.MSG_CMSG_CLOEXEC)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	return n, oobn, flags, cmp.Or(waited, os.NewSyscallError("recvmsg", err))
}

// bringsFiles says whether the next message of a socket brings descriptors. A look at
// it (MSG_PEEK) that has no room for them takes none.
func bringsFiles(fd int) bool {
	_, _, flags, _, err := unix.Recvmsg(fd, make([]byte, 1), nil, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err == nil && flags&unix.MSG_CTRUNC != 0
}

// arm starts the time limit of SetIdle anew.
func (c *Conn) arm() error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	if c.idle > 0 {
		return c.s.Load().SetReadDeadline(time.Now().Add(c.idle))
	}
	return nil
}

// collect takes the descriptors out of a control message.
func (c *Conn) collect(oob []byte) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		c.files.Truncated = true
		return
	}
	for i := range msgs {
		if fds, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			c.files.fds = append(c.files.fds, fds...)
			noticeShortage(fds)
		}
	}
}

// TakeFirst is TakeFiles for the first descriptor alone. Where each frame may bring one,
// that of the next may have come already.
func (c *Conn) TakeFirst() *Files {
	f := Files{owner: c.owner, Truncated: c.files.Truncated}
	if n := min(1, c.Held()); n > 0 {
		f.fds, c.files.fds = c.files.fds[:n:n], c.files.fds[n:]
	}
	return &f
}

// TakeFiles gives the descriptors that arrived so far. The caller closes them.
// Only the reading goroutine may call TakeFiles.
func (c *Conn) TakeFiles() *Files {
	f := c.files
	f.owner = c.owner
	c.files = Files{}
	return &f
}

// WriteFrame writes all of b. No bytes of other goroutines get in between.
func (c *Conn) WriteFrame(b []byte) error { return c.WriteDescriptors(b, nil) }

// WriteDescriptors writes all of b, as WriteFrame does. The descriptors travel
// with the first byte. The caller still has to close its own copies.
func (c *Conn) WriteDescriptors(b []byte, fds []int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	c.write.Lock()
	defer c.endWrite()
	return c.send(b, oob)
}

// send writes all of b; c.write is held.
func (c *Conn) send(b, oob []byte) error {
	rc, err := c.s.Load().SyscallConn()
	if err != nil {
		return err
	}
	waited := rc.Write(func(fd uintptr) bool {
		for len(b) > 0 {
			var n int
			switch n, err = sendNow(fd, b, oob); err {
			case nil:
				b, oob = b[n:], nil
			case unix.EINTR:
			case unix.EAGAIN:
				err = c.entry.setRoom(fd, true)
				return err != nil
			default:
				return true
			}
		}
		_ = c.entry.setRoom(fd, false)
		return true
	})
	return cmp.Or(waited, os.NewSyscallError("sendmsg", err))
}

// WriteIfRead writes b, unless bytes that were written before are still unread
// (SIOCOUTQ, unix(7)). It never waits: while something else is being written, b is
// left to the end of that. b is so short that the kernel takes it whole or not at all.
func (c *Conn) WriteIfRead(b []byte) {
	rc, err := c.s.Load().SyscallConn()
	if err != nil {
		return
	}
	c.left.Store(&b)
	for c.left.Load() != nil && c.write.TryLock() { // who has the lock looks for what is left when it is free
		if b := c.left.Swap(nil); b != nil {
			_ = rc.Control(func(fd uintptr) {
				if unread, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err != nil || unread == 0 {
					_, _ = unix.SendmsgN(int(fd), *b, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
				}
			})
		}
		c.write.Unlock()
	}
}

// endWrite ends a write of a whole frame.
func (c *Conn) endWrite() {
	c.sendLast()
	c.write.Unlock()
	if c.last.Load() != nil && c.write.TryLock() { // it came just now
		c.sendLast()
		c.write.Unlock()
	}
	if b := c.left.Swap(nil); b != nil {
		c.WriteIfRead(*b)
	}
}

// SetIdle makes every Read fail with os.ErrDeadlineExceeded when nothing
// arrives for d. 0 means no limit. A Read that waits already also gets the new
// limit.
func (c *Conn) SetIdle(d time.Duration) {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.idle = d
	if d == 0 {
		_ = c.s.Load().SetReadDeadline(time.Time{})
	} else {
		_ = c.s.Load().SetReadDeadline(time.Now().Add(d))
	}
}

// relayBuffer is how many bytes of a relay the kernel may hold: more than two
// DATA frames of the largest size. net.core.wmem_max may allow less (socket(7)).
const relayBuffer = 1 << 20

// EnlargeSendBuffer lets relayBuffer bytes wait in the socket, so that a relay
// stops less often. A failure costs speed only.
func (c *Conn) EnlargeSendBuffer() { _ = c.s.Load().SetWriteBuffer(relayBuffer) }

// SetDeadline bounds all reads and writes from now on. The zero time means no
// limit.
func (c *Conn) SetDeadline(t time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	return c.s.Load().SetDeadline(t)
}

// lastWait is how long a write that goes on may take before SendAndHangUp hangs up
// without its word.
const lastWait = time.Second

// SendAndHangUp sends b if that needs no wait for the other side, and hangs up. While
// something else is being written, and the socket takes more, it is left to the end of
// that. It never waits.
func (c *Conn) SendAndHangUp(b []byte) {
	c.last.Store(&b)
	if c.write.TryLock() {
		c.endWrite()
		return
	}
	if !c.takesMore() {
		c.HangUp()
		return
	}
	time.AfterFunc(lastWait, c.HangUp)
	if c.write.TryLock() { // it has ended meanwhile, perhaps before it could see the word
		c.endWrite()
	}
}

// takesMore says whether the socket has room for more bytes.
func (c *Conn) takesMore() (room bool) {
	rc, err := c.s.Load().SyscallConn()
	if err != nil {
		return false
	}
	_ = rc.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
		room = err == nil && n > 0
	})
	return room
}

// sendLast sends the word of SendAndHangUp, if there is one, and hangs up; c.write is
// held.
func (c *Conn) sendLast() {
	b := c.last.Swap(nil)
	if b == nil {
		return
	}
	if rc, err := c.s.Load().SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) {
			_, _ = unix.SendmsgN(int(fd), *b, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		})
	}
	c.HangUp()
}

// HangUp ends the connection for both sides (shutdown(2)), and never waits. Reads and
// writes fail, and the reading goroutine closes the connection.
func (c *Conn) HangUp() {
	c.hangUp.Lock()
	defer c.hangUp.Unlock()
	if c.away > 0 {
		_ = unix.Shutdown(c.away, unix.SHUT_RDWR)
		return
	}
	if rc, err := c.s.Load().SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	}
}

// Close closes the connection. It waits until no Read and no write goes on. The
// reading goroutine still has to close the descriptors that arrived and weren't
// taken: TakeFiles().Close(). Those that nobody has read yet go the way of Discard.
func (c *Conn) Close() error {
	last := -1
	c.leave()
	if rc, err := c.s.Load().SyscallConn(); err == nil && c.receives {
		_ = rc.Control(func(fd uintptr) {
			if hasUnread(int(fd)) {
				last, _ = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
			}
		})
	}
	err := c.s.Load().Close()
	if last >= 0 {
		Discard(c.owner, []int{last})
	}
	return err
}

// hasUnread hangs up, so that nothing more can come, and says whether there are
// bytes that nobody has read. Descriptors may be among them, which the kernel closes
// with the connection.
func hasUnread(fd int) bool {
	_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err != nil || n > 0
}
