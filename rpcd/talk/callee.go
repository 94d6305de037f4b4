package talk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"rpcd/rpcd/wire"
)

// Callee is the worker's half of one call. It sends the worker's frames about the
// call in order, and takes those of the caller.
//
// States: asked, answered (STARTED was said), ended (REFUSED or EXIT is being
// said, or was; the caller's next first frame may come). asked goes to both
// others, answered to ended. ACCEPTED is said in asked alone.
//
// The call's goroutine calls the methods that send. The connection's goroutine
// gives frames to Handle.
type Callee struct {
	*wire.Call
	Relay *wire.Relay // of the call's relayed streams

	conn    *Conn
	proceed chan struct{}    // closed: the caller has seen ACCEPTED
	once    sync.Once        // for proceed
	ended   chan struct{}    // closed: ended
	windows chan wire.Window // nil: the call has no terminal

	bridged atomic.Bool // read also while a word is being sent
	due     atomic.Bool // the next CONTINUED answers ACCEPTED

	mu       sync.Mutex // held while a word is sent: ACCEPTED never follows STARTED or REFUSED
	asks     bool       // an ACCEPTED was said that CONTINUED has to answer: the only one
	answered bool
}

// SlowStart is how long a call may stay unanswered before it is worth an early
// ACCEPTED. Callers give up after wire.FirstTimeout and try again, which adds
// load to a machine that is already too slow to start processes.
const SlowStart = wire.FirstTimeout / 4

// ErrUnproceeded is Announce's error when the caller doesn't answer within
// wire.FirstTimeout.
var ErrUnproceeded = errors.New("no answer to ACCEPTED")

// NewCallee begins the called half of a call whose first frame has come.
func NewCallee(conn *Conn, m *wire.Call) *Callee {
	conn.BeginCall()
	c := &Callee{
		Call:    m,
		Relay:   wire.NewRelay(conn.WriteFrame),
		conn:    conn,
		proceed: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	if m.Terminal != nil {
		c.windows = make(chan wire.Window, 1)
	}
	return c
}

// SetBridged says that no descriptor arrived with the call: its words say so, and
// from the first one on heartbeats are exchanged.
func (c *Callee) SetBridged() { c.bridged.Store(true) }

// IsBridged reports whether SetBridged was called.
func (c *Callee) IsBridged() bool { return c.bridged.Load() }

// Accept says ACCEPTED: the call was understood. After STARTED or REFUSED it says
// nothing.
func (c *Callee) Accept(m wire.Started) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered {
		return
	}
	c.sayBridged(&m)
	c.conn.BeginSigns(c.Heartbeat) // of no effect where the call is known to be bridged
	if expectsAnswer(c.Call, m.Flags) {
		if c.asks { // it was an early one
			return
		}
		c.asks = true
		c.due.Store(true)
		if c.hasProceeded() { // the caller has stopped: its next CONTINUED wakes the process
			c.due.Store(false)
		}
	}
	_ = c.conn.WriteFrame(m.Append(wire.TypeAccepted))
}

// AcceptEarly is Accept, unless the caller waits for an ACCEPTED that says where
// the call runs.
func (c *Callee) AcceptEarly(m wire.Started) {
	if c.Flags&wire.CallAnnounce == 0 {
		c.Accept(m)
	}
}

// Announce says ACCEPTED and waits until the caller has seen it, if the caller
// asked for that. The error is ctx's, or ErrUnproceeded.
func (c *Callee) Announce(ctx context.Context, m wire.Started) error {
	var known uint16
	if c.IsBridged() {
		known = wire.StartedBridged
	}
	if !isHeld(c.Call, known) {
		return nil
	}
	c.Accept(m)
	timer := time.NewTimer(wire.FirstTimeout)
	defer timer.Stop()
	select {
	case <-c.proceed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ErrUnproceeded
	}
}

// Start says STARTED: the process runs.
func (c *Callee) Start(m wire.Started) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
	c.sayBridged(&m)
	c.conn.EndSigns()
	_ = c.Relay.Write(m.Append(wire.TypeStarted))
}

// sayBridged sets BRIDGED in the flags of a frame, and begins the heartbeats of a
// bridged call.
func (c *Callee) sayBridged(m *wire.Started) {
	if c.IsBridged() {
		m.Flags |= wire.StartedBridged
		c.conn.BeginHeartbeats(c.Heartbeat)
		c.Relay.Bridged(c.conn.isPaused)
	}
}

// Refuse says REFUSED: no process was started.
func (c *Callee) Refuse(m *wire.Refused) {
	close(c.ended)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
	c.conn.EndSigns()
	_ = c.conn.WriteFrame(m.Append())
}

// Served says that somebody else has said the call's last word: its resident worker.
func (c *Callee) Served() {
	close(c.ended)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
	c.conn.EndSigns()
}

// Exit says EXIT. An error says that the caller didn't get it.
func (c *Callee) Exit(m *wire.Exit) error {
	c.mu.Lock()
	close(c.ended)
	c.mu.Unlock()
	return c.Relay.WriteLast(m.Append())
}

// HasEnded reports whether the caller's next first frame may come: for its caller
// the call is over.
func (c *Callee) HasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// Event is a caller's message to a call that it has made. The zero value means
// that the frame doesn't concern the process.
type Event struct {
	Kind   EventKind
	Signal syscall.Signal // of Signaled and Abandoned
}

// EventKind tells the events apart.
type EventKind int

// The events: SIGNAL; SIGNAL with ABANDON; STOPPED; CONTINUED.
const (
	Nothing EventKind = iota
	Signaled
	Abandoned
	Stopped
	Continued
)

// Handle takes a caller's frame in a call, whose payload is read from body. An
// error is the caller's fault and ends the connection.
func (c *Callee) Handle(h wire.Header, body io.Reader) (Event, error) {
	switch h.Type {
	case wire.TypeData, wire.TypeEnd, wire.TypeClosed, wire.TypeCredit:
		return Event{}, c.Relay.Handle(h, body)
	case wire.TypeHeartbeat:
		if h.Flags&wire.FlagAnswer != 0 && !c.IsBridged() && !c.HasEnded() {
			c.conn.WriteIfRead(heartbeat())
		}
		c.Relay.Heartbeat(h)
		return Event{}, nil
	case wire.TypeSignal:
		b, err := wire.ReadPayload(body, h)
		if err != nil {
			return Event{}, err
		}
		sig, err := wire.ParseSignal(b)
		if err != nil {
			return Event{}, err
		}
		if h.Flags&wire.SignalAbandon != 0 {
			return Event{Abandoned, syscall.Signal(sig)}, nil
		}
		return Event{Signaled, syscall.Signal(sig)}, nil
	case wire.TypeWindow:
		return Event{}, c.window(h, body)
	case wire.TypeStopped:
		c.release() // its answer to ACCEPTED may never come
		c.due.Store(false)
		c.conn.Pause(true)
		return Event{Kind: Stopped}, nil
	case wire.TypeContinued:
		c.release()
		c.conn.Pause(false)
		if c.due.CompareAndSwap(true, false) { // no word for the process
			return Event{}, nil
		}
		return Event{Kind: Continued}, nil
	}
	return Event{}, fmt.Errorf("%w: a %v frame from a caller", wire.ErrProtocol, h.Type)
}

// window takes WINDOW, which only a call with a terminal has. The last size counts.
func (c *Callee) window(h wire.Header, body io.Reader) error {
	if c.Terminal == nil {
		return fmt.Errorf("%w: a WINDOW frame in a call without a terminal", wire.ErrProtocol)
	}
	b, err := wire.ReadPayload(body, h)
	if err != nil {
		return err
	}
	w, err := wire.ParseWindow(b)
	if err != nil {
		return err
	}
	select {
	case <-c.windows:
	default:
	}
	c.windows <- w // nobody else sends
	return nil
}

// Windows gives each size of the call's terminal that the caller has told since CALL.
func (c *Callee) Windows() <-chan wire.Window { return c.windows }

// TellStopped says STOPPED: the procedure has stopped in its terminal. After EXIT, and
// to a caller that has stopped itself, it says nothing.
func (c *Callee) TellStopped() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.HasEnded() && !c.conn.isPaused() {
		_ = c.Relay.Write(wire.Frame(wire.TypeStopped, 0, 0, nil))
	}
}

// hasProceeded reports whether STOPPED or CONTINUED has come.
func (c *Callee) hasProceeded() bool {
	select {
	case <-c.proceed:
		return true
	default:
		return false
	}
}

func (c *Callee) release() { c.once.Do(func() { close(c.proceed) }) }
