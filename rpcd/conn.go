package rpcd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

const (
	closeWait = 5 * time.Second // for the caller to close after the end
	keepWait  = time.Hour       // for the next call on a kept connection
)

// conn is one connection. Its goroutine is the only one that reads.
type conn struct {
	server *Server
	fd     *fdconn.Conn
	br     *bufio.Reader // of Read
	caller export.Caller
	now    *call       // the last one; the reader's own
	begun  bool        // a first frame, whose end hasn't come; the reader's own
	seat   *limit.Seat // taken while the connection waits for a call
}

// newConn asks the kernel who the caller is, once and for all: whoever gets
// the descriptor later calls in that name.
func newConn(s *Server, fd *fdconn.Conn) (*conn, error) {
	peer, err := fd.Peer()
	if err != nil {
		return nil, err
	}
	c := &conn{server: s, fd: fd, caller: export.Caller{UID: peer.UID, GID: peer.GID, Groups: peer.Groups}}
	c.seat = s.connections.Seat(c.caller.UID, c.turnAway)
	c.br = bufio.NewReaderSize(c, 4<<10)
	if s.admit(c.caller) != nil {
		fd.Receive(1) // what a PING may bring
	}
	return c, nil
}

// Read reads the connection for br, and sees to it that nobody hoards
// descriptors here: before a call they count as the connection's own, and in
// one there may be none (one's own socket among them would keep a call alive
// that nobody waits for any more).
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.fd.Read(p)
	if held := c.fd.Held(); held != c.seat.Held() {
		if c.now != nil && !c.now.isAnswered() {
			return 0, fmt.Errorf("%w: descriptors in the middle of a call", wire.ErrProtocol)
		}
		c.seat.Hold(held)
	}
	return n, err
}

// serve answers first frames until the caller leaves.
func (c *conn) serve() {
	c.server.peak.enter()
	defer c.server.peak.leave()
	defer c.fd.Close()
	defer func() { c.fd.TakeFiles().Close() }()
	defer c.seat.Close()
	_ = c.fd.SetDeadline(time.Now().Add(wire.FirstTimeout))
	header, err := c.header()
	for err == nil {
		header, err = c.first(header)
	}
	drop, late := c.server.Log.Warn, errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case late && c.begun:
		err = fmt.Errorf("the first frame isn't whole after %v", wire.FirstTimeout)
	case late: // as a monitor's, that only looks whether somebody accepts
		drop, err = c.server.Log.Debug, errors.New("silence")
	case !errors.Is(err, wire.ErrProtocol):
		return
	}
	drop("drop a connection", "uid", c.caller.UID, "gid", c.caller.GID, "error", err)
}

// header reads the header of a first frame.
func (c *conn) header() (wire.Header, error) {
	if _, err := c.br.Peek(1); err != nil {
		return wire.Header{}, err
	}
	c.begun = true
	return wire.ReadHeader(c.br)
}

// smallFrame is the longest first frame, in bytes, that is read from anybody.
// Longer ones are for those who may call, and share maxFrames.
const smallFrame = 64 << 10

// first serves one first frame and gives the header of the next.
func (c *conn) first(h wire.Header) (wire.Header, error) {
	c.begun = true
	if err := c.mark(h); errors.Is(err, wire.ErrProtocol) {
		return h, c.refuse(err)
	} else if err != nil { // it has left, or said no more
		return h, err
	}
	free, err := c.reserve(h)
	if err != nil {
		return h, c.refuse(err)
	}
	payload, err := wire.ReadPayload(c.br, h)
	if err != nil {
		free()
		return h, err
	}
	c.begun = false
	files := c.fd.TakeFiles()
	c.seat.Hold(0)
	if h.Type == wire.TypeCall {
		return c.call(h, payload, files, free)
	}
	defer free()
	arrived := files.Len()
	files.Close()
	answer, taken, err := c.answer(h.Type, payload, arrived)
	if err != nil {
		return h, c.refuse(err)
	}
	err = c.fd.WriteFrame(answer)
	taken()
	if err != nil {
		return h, err
	}
	return c.header()
}

// mark looks at the beginning of a first frame's payload, so that noise costs no
// memory and no copies.
func (c *conn) mark(h wire.Header) error {
	b, err := c.br.Peek(int(min(h.Length, wire.MarkLen)))
	if err == nil {
		_, err = wire.CheckFirst(b)
	}
	return err
}

// reserve takes the memory of a first frame; free gives it back, once.
func (c *conn) reserve(h wire.Header) (free func(), err error) {
	if h.Length <= smallFrame {
		return func() {}, nil
	}
	s := c.server
	if err := s.admit(c.caller); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), wire.FirstTimeout/2)
	defer cancel()
	if free, err = s.frames.Take(ctx, c.caller.UID, int64(h.Length)); err != nil {
		return nil, refusedLongFrame
	}
	return free, nil
}

// refuse answers an error of the caller's in words, waits until it has left,
// and gives the error back.
func (c *conn) refuse(err error) error {
	r := refusal(err)
	c.server.counters.refused.Add(1)
	c.seat.MarkAnswered()
	if werr := c.fd.WriteFrame(r.Append()); werr == nil {
		c.linger()
	}
	return err
}

// turnAway refuses whatever the caller may be about to send, and closes the
// connection.
func (c *conn) turnAway(why limit.Reason) {
	c.server.counters.refused.Add(1)
	c.fd.SendAndClose(refusalOf(why).Append())
}

// linger reads and discards until the caller closes: closing with unread
// bytes would take our last words with it (ECONNRESET).
func (c *conn) linger() {
	c.fd.SetIdle(0)
	_ = c.fd.SetDeadline(time.Now().Add(closeWait))
	b := make([]byte, 16<<10) // more than br's: fewer system calls for who sends much
	for {
		if _, err := c.br.Read(b); err != nil {
			return
		}
	}
}

// call serves a CALL, reading what the caller sends meanwhile. It owns files.
func (c *conn) call(h wire.Header, payload []byte, files *fdconn.Files, free func()) (wire.Header, error) {
	m, err := wire.ParseCall(h.Flags, payload)
	if err != nil {
		free()
		files.Close()
		return h, c.refuse(err)
	}
	call := newCall(c, m, free)
	c.now = call
	welcome := c.server.enter(call)
	if !c.seat.StartCall() { // it has had its answer
		c.server.exit(call)
		free()
		files.Close()
		return h, os.ErrClosed
	}
	_ = c.fd.SetDeadline(time.Time{})
	go call.serve(files, welcome)
	next, err := c.attend(call)
	if err != nil {
		_ = c.fd.SetDeadline(time.Unix(1, 0)) // a write that nobody takes ends, too
		call.vanish()
	}
	<-call.done
	return next, err
}

// attend takes the frames of a call, until the caller leaves or, after the
// end, sends another first frame.
func (c *conn) attend(call *call) (wire.Header, error) {
	for {
		h, err := wire.ReadHeader(c.br)
		if err != nil {
			return h, err
		}
		if h.Type.First() {
			select {
			case <-call.answered:
				<-call.done
			default:
				return h, errors.New("a second call before the end of the first")
			}
			if call.Flags&wire.CallKeep == 0 {
				return h, errors.New("a second call, which the first didn't announce")
			}
			_ = c.fd.SetDeadline(time.Now().Add(wire.FirstTimeout))
			return h, nil
		}
		if err := c.frame(call, h); err != nil {
			c.server.Log.Warn("drop a call", "call", call.id, "error", err)
			return h, err
		}
	}
}

func (c *conn) frame(call *call, h wire.Header) error {
	switch h.Type {
	case wire.TypeData, wire.TypeEnd, wire.TypeClosed, wire.TypeCredit:
		return call.relay.Handle(h, c.br)
	case wire.TypeHeartbeat:
		return nil
	case wire.TypeSignal:
		b, err := wire.ReadPayload(c.br, h)
		if err != nil {
			return err
		}
		sig, err := wire.ParseSignal(b)
		if err != nil {
			return err
		}
		if h.Flags&wire.SignalAbandon != 0 {
			call.abandon()
		} else {
			call.signal(unix.Signal(sig))
		}
		return nil
	case wire.TypeStopped:
		call.proceed() // it may not answer for ever
		call.signal(unix.SIGSTOP)
		call.silent(true)
		return nil
	case wire.TypeContinued:
		call.proceed()
		call.silent(false)
		call.signal(unix.SIGCONT)
		return nil
	}
	return errors.New("a " + h.Type.String() + " frame from a caller")
}
