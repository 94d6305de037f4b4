package rpcd

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/lend"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

const (
	closeWait = 5 * time.Second // for the caller to close after its last answer
	keepWait  = time.Hour       // for the next first frame on a kept connection
)

// conn is one connection: accept, peer, first frame, whatever that asks for, and
// the next first frame. Its goroutine is the only one that reads.
type conn struct {
	server *Server
	fd     *fdconn.Conn
	talk   *talk.Conn // over fd; it alone sets deadlines
	br     *bufio.Reader
	caller export.Caller
	denied error // why the caller may not call at all; nil: it may
	seat   *limit.Seat

	streak lend.Streak // for the reading goroutine alone, but of its call's End
	gate   lend.Gate

	mayHold int      // how many descriptors may have come that nobody has taken; for the reading goroutine
	now     activity // what the last first frame asked for; for the reading goroutine alone
	started bool     // a first frame has begun and isn't whole yet; likewise
}

// activity is what goes on between a first frame and the next: a call.
type activity interface {
	// frame takes a frame of the caller's. An error ends the connection.
	frame(h wire.Header, body io.Reader) error
	// vanish says that the caller is gone.
	vanish()
	// ended reports whether the caller has had its last word, or is about to.
	ended() bool
	// done is closed when nothing of it runs any more.
	done() <-chan struct{}
	// keeps reports whether another first frame may follow.
	keeps() bool
}

// newConn asks the kernel who the caller is, once and for all. A process that is
// handed the descriptor later calls in the name of the one that connected.
func newConn(s *Server, fd *fdconn.Conn) (*conn, error) {
	peer, err := fd.Peer()
	if err != nil {
		return nil, err
	}
	c := &conn{
		server:  s,
		fd:      fd,
		talk:    talk.NewConn(fd),
		mayHold: fdconn.MaxDescriptors,
		caller:  export.Caller{UID: peer.UID, GID: peer.GID, Groups: peer.Groups},
	}
	owner := peer.UID
	if c.denied = s.admit(c.caller); c.denied != nil {
		owner = child.Strangers
	}
	fd.Charge(owner, child.Overfull)
	if child.Overfull(owner) {
		fd.SendAndHangUp(refusal.TooManyDiscards.Append())
		return nil, fmt.Errorf("uid %d has sent too many descriptors that can't be closed", peer.UID)
	}
	c.br = bufio.NewReaderSize(c, 4<<10)
	c.seat = s.connections.Seat(c.caller.UID, c.denied != nil, c.turnAway)
	return c, nil
}

// turnAway refuses whatever the caller may be about to send. The reader closes:
// nobody waits for that here.
func (c *conn) turnAway(why limit.Reason) {
	c.server.counters.Refused.Add(1)
	c.fd.SendAndHangUp(refusal.TurnedAway(why).Append())
}

// Read reads the connection for br, and sees to it that no caller hoards
// descriptors here. Before a call they count as connections do. In a call there
// may be none: a caller's own end of this connection among them would keep the
// call alive when the caller has gone.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.gate.Read(c.talk.Read, p)
	if errors.Is(err, fdconn.ErrFull) {
		c.turnAway(limit.OutOfDescriptors)
	}
	if held := c.fd.Held(); held != c.seat.Held() {
		if c.now != nil && !c.now.ended() || held > c.mayHold {
			return 0, fmt.Errorf("%w: descriptors in the middle of a call", wire.ErrProtocol)
		}
		c.seat.Hold(held)
	}
	return n, err
}

// serve answers first frames until the caller leaves.
func (c *conn) serve() {
	c.server.burst.Enter()
	defer c.server.burst.Leave()
	defer c.talk.Close()
	defer func() { c.fd.TakeFiles().Close() }()
	defer c.seat.Close()
	c.talk.ExpectFirst()
	header, err := c.header()
	for err == nil {
		header, err = c.first(header)
	}
	c.logDrop(err)
}

// logDrop logs the end of a connection that its caller is to blame for.
func (c *conn) logDrop(err error) {
	drop, late := c.server.Log.Warn, errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case late && c.started:
		err = fmt.Errorf("the first frame isn't whole after %v", wire.FirstTimeout)
	case late: // a monitor looks whether somebody accepts, and says nothing
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
	c.started = true
	return wire.ReadHeader(c.br)
}

// first serves one first frame and gives the header of the next.
func (c *conn) first(h wire.Header) (wire.Header, error) {
	c.started = true
	f, err := c.read(h)
	if err != nil {
		return h, err
	}
	c.started = false
	route, ok := routes[h.Type]
	if !ok {
		route = routeOfUnknown
	}
	if !route.files {
		f.files.Close()
		if f.arrived > 1 {
			return h, c.refuse(fmt.Errorf("%w: %d descriptors with a question", wire.ErrProtocol, f.arrived))
		}
	}
	return route.serve(c, f)
}

// firstFrame is a first frame and what came with it. The function that serves it
// closes it.
type firstFrame struct {
	wire.Header
	payload []byte
	files   *fdconn.Files
	arrived int         // descriptors that came with it, also if they are closed by now
	memory  *limit.Loan // of a long payload
}

// close lets go of all of it. Its connection may stay.
func (f *firstFrame) close() {
	f.files.Close()
	f.payload = nil
	f.memory.Give()
}

// read reads the rest of a first frame, and refuses one that makes no sense.
func (c *conn) read(h wire.Header) (*firstFrame, error) {
	if err := wire.PeekMark(c.br, h); errors.Is(err, wire.ErrProtocol) {
		return nil, c.refuse(err)
	} else if err != nil { // the caller has left, or said no more
		return nil, err
	}
	memory, err := c.reserve(h)
	if err != nil {
		return nil, c.refuse(err)
	}
	payload, err := wire.ReadPayload(c.br, h)
	if err != nil {
		memory.Give()
		return nil, err
	}
	files := c.fd.TakeFiles()
	c.seat.Hold(0)
	return &firstFrame{h, payload, files, files.Len(), memory}, nil
}

// refuse answers an error of the caller's in words, waits until the caller has
// left, and gives the error back.
func (c *conn) refuse(err error) error {
	c.server.counters.Refused.Add(1)
	c.seat.MarkAnswered()
	if c.talk.WriteFrame(refusal.Of(err).Append()) == nil {
		c.talk.Linger(c.br, closeWait)
	}
	return err
}

// call serves a CALL.
func (c *conn) call(f *firstFrame) (wire.Header, error) {
	m, err := wire.ParseCall(f.Flags, f.payload)
	if m == nil {
		f.close()
		return f.Header, c.refuse(err)
	}
	frame := c.streak.Next(f.Header, f.payload)
	f.payload = nil // the call may last
	f.memory.Keep(m.Cost(int(f.Length)))
	call := newCall(&c.server.host, c, m, f.memory)
	call.lendable = frame
	refusal := cmp.Or(c.server.enter(call), c.denied, err)
	if !c.seat.StartCall() { // the caller was turned away
		c.server.exit(call)
		f.close()
		return f.Header, os.ErrClosed
	}
	c.now = call
	go func() {
		call.serve(f.files, refusal)
		c.rest(call)
		c.server.exit(call)
		call.forgetAll()
		close(call.finished)
	}()
	return c.attend(call)
}

// rest bounds how long the connection stays when a call is over: until the
// caller has closed it, or sends its next first frame.
func (c *conn) rest(a activity) {
	wait := keepWait
	if !a.keeps() {
		wait = closeWait
		c.seat.MarkAnswered()
	}
	c.talk.Rest(wait)
	c.seat.Take()
	c.streak.End()
}

// attend gives an activity its caller's frames. It returns when the caller
// leaves, or, after the end, with the header of the next first frame; nothing of
// the activity runs then.
func (c *conn) attend(a activity) (wire.Header, error) {
	next, err := c.frames(a)
	if err != nil {
		c.talk.Abort() // a write that nobody takes ends, too
		a.vanish()
	}
	<-a.done()
	return next, err
}

func (c *conn) frames(a activity) (wire.Header, error) {
	for {
		if err := c.gate.Await(c.br); err != nil {
			return wire.Header{}, err
		}
		h, err := wire.ReadHeader(c.br)
		switch {
		case err != nil:
			return h, err
		case !h.Type.First():
			if err := a.frame(h, c.br); err != nil {
				return h, err
			}
		case !a.ended():
			return h, errors.New("a second call before the end of the first")
		case !a.keeps():
			return h, errors.New("a second call, which the first didn't announce")
		default:
			<-a.done()
			c.talk.ExpectFirst()
			return h, nil
		}
	}
}
