// Package talk is the conversation about one call on one connection. It has both
// halves: a Caller sends CALL and follows it to its EXIT, and a Callee answers.
// Ask sends a question and takes its answer. The package starts no process, opens
// no socket and finds no worker. Package wire makes the bytes.
//
// Nothing here calls back. The owner of the connection reads it in a loop, gives
// each frame to Handle, and acts on what Handle returns.
package talk

import (
	"bufio"
	"errors"
	"io"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// Socket is the connection below: *fdconn.Conn, or a pipe in a test.
type Socket interface {
	io.Reader
	// WriteFrame writes b whole, however many goroutines write.
	WriteFrame(b []byte) error
	// WriteDescriptors is WriteFrame with descriptors on the first byte. The
	// caller still closes them.
	WriteDescriptors(b []byte, fds []int) error
	// WriteIfRead writes b if the other side has read all that was written before. It
	// never waits.
	WriteIfRead(b []byte)
	// SetIdle bounds the silence that a Read waits through; 0: no bound.
	SetIdle(d time.Duration)
	// SetDeadline bounds all reads and writes to come; the zero time: no bound.
	SetDeadline(t time.Time) error
	Close() error
}

// Conn is a connection that carries one conversation after the other. It alone
// sets the deadlines of its socket.
//
// Phases: first (a first frame or its answer is due), call (no bound but one of
// silence, where heartbeats come), rest (the call is over).
// They follow each other in a circle, since a kept connection has many calls;
// aborted follows each of them and is the last.
type Conn struct {
	Socket
	unread []byte // comes before what the socket has; see NewConnAfter

	mu      sync.Mutex
	phase   phase
	silence time.Duration // past which the other side is gone; 0: it may be silent
	paused  bool          // the caller is stopped: silence means nothing
	quit    chan struct{} // closed: no more heartbeats of a bridged call
	signs   *time.Timer   // of a direct call that waits: the next sign of life is due
}

type phase int

const (
	phaseFirst phase = iota
	phaseCall
	phaseRest
	phaseAborted
)

// NewConn makes a conversation's connection of a socket. The socket is the
// Conn's from then on: Close closes it.
func NewConn(s Socket) *Conn { return &Conn{Socket: s} }

// NewConnAfter is NewConn for a socket from which bytes were read already. Read
// gives these bytes first.
func NewConnAfter(s Socket, read []byte) *Conn { return &Conn{Socket: s, unread: read} }

// Read gives the bytes of NewConnAfter, then the socket's. One goroutine reads.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	n, err := c.Socket.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.listenAgain() {
		n, err = c.Socket.Read(p)
		c.resumeSilence()
	}
	return n, err
}

// Unread is how many bytes Read has before it needs the socket.
func (c *Conn) Unread() int { return len(c.unread) }

// ExpectFirst bounds the wait for a whole first frame, or for its answer, by
// wire.FirstTimeout.
func (c *Conn) ExpectFirst() { c.ExpectWithin(wire.FirstTimeout) }

// ExpectWithin is ExpectFirst with another bound.
func (c *Conn) ExpectWithin(d time.Duration) {
	c.enter(phaseFirst, func() { _ = c.SetDeadline(time.Now().Add(d)) })
}

// BeginCall lifts the bound: a call takes the time that it takes.
func (c *Conn) BeginCall() {
	c.enter(phaseCall, func() { _ = c.SetDeadline(time.Time{}) })
}

// Interrupt makes reads fail until Uninterrupt, those that wait and later ones.
func (c *Conn) Interrupt() {
	c.enter(phaseCall, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
}

// Uninterrupt ends Interrupt.
func (c *Conn) Uninterrupt() { c.BeginCall() }

// Rest begins when a call is over. The other side has d to close, or to send
// its next first frame; 0: no bound. Heartbeats end.
func (c *Conn) Rest(d time.Duration) {
	c.enter(phaseRest, func() {
		c.endHeartbeats()
		c.SetIdle(0)
		var t time.Time
		if d > 0 {
			t = time.Now().Add(d)
		}
		_ = c.SetDeadline(t)
	})
}

// Linger is Rest for a connection that carries nothing more. It reads and
// discards from r, which reads the Conn, until the other side closes: to close
// with unread bytes would take our last words with it (ECONNRESET).
func (c *Conn) Linger(r *bufio.Reader, d time.Duration) {
	c.Rest(d)
	for { // in r's own memory: thousands may linger
		if _, err := r.Discard(math.MaxInt32); err != nil {
			return
		}
	}
}

// Abort makes every read and write fail, those that wait and later ones.
func (c *Conn) Abort() {
	c.enter(phaseAborted, func() {
		c.endHeartbeats()
		_ = c.SetDeadline(time.Unix(1, 0))
	})
}

// Close ends the heartbeats and closes the socket.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.phase = phaseAborted
	c.endHeartbeats()
	c.mu.Unlock()
	return c.Socket.Close()
}

// enter changes the phase and has set apply its deadlines, in one: two
// goroutines may be about to change them.
func (c *Conn) enter(p phase, set func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == phaseAborted {
		return
	}
	c.phase = p
	set()
}

// Gone reports whether a write failed because the other side has closed. The
// other side may have sent the reason before, so its frames are read first.
func Gone(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.ENOTCONN)
}
