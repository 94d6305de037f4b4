package talk

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"rpcd/rpcd/wire"
)

// Caller is the calling half of one call.
//
// States: asking, accepted (the worker has understood the call, which may wait
// in its queue), running, over. asking goes to each of the others, accepted to
// running and over, running to over.
//
// One goroutine calls Send, Answer, Next and Handle in this order; others may
// meanwhile call Signal, Stopped, Continued and Leave.
type Caller struct {
	Call  *wire.Call  // what was asked for; it isn't changed any more
	Relay *wire.Relay // of the call's relayed streams

	conn     *Conn
	patience time.Duration // for Send and the first answer
	started  time.Time     // when STARTED came, if that was before Adopt
	answer   bool          // ACCEPTED has to be answered by CONTINUED
	begun    bool          // Next has given a frame
	released atomic.Int32  // how many STOPPED and CONTINUED were sent, or are being sent

	sent chan struct{} // closed: CALL has left
	done chan struct{} // closed: over

	mu        sync.Mutex
	state     callerState
	known     uint16      // the flags of the last ACCEPTED
	writing   int         // frames of this call that are being written just now
	untold    []*told     // frames that tell sends, in their order
	cancel    *time.Timer // the wait of a signal that ends a call which doesn't run yet
	silent    bool        // the worker doesn't take a signal that ends the call, or says nothing to it
	toldToEnd bool        // a signal came that ends a call which doesn't run yet
	asked     atomic.Bool // the worker was asked for a sign of life, and nothing has come since
	bounds    bounds      // of Call.Timeout
	overOnce  sync.Once
}

type callerState int

const (
	asking callerState = iota
	accepted
	running
	over
)

// CancelWait is how long a call that doesn't run yet may go on after a signal
// that ends it. A worker that isn't frozen needs no time for that.
const CancelWait = 2 * time.Second

// ErrNotRunning says that there is no call that a signal could reach.
var ErrNotRunning = errors.New("the call doesn't run")

// ErrUnanswered is the error of a call that a signal should have ended, if the
// worker doesn't take it within CancelWait, or says nothing then: for CancelWait to a
// call that doesn't run, for SignWait to a direct one that does.
var ErrUnanswered = errors.New("no answer to a signal")

// NewCaller prepares a call on a connection, which is the Caller's until Over.
func NewCaller(conn *Conn, m *wire.Call) *Caller {
	c := &Caller{
		conn:     conn,
		patience: wire.FirstTimeout,
		Call:     m,
		sent:     make(chan struct{}),
		done:     make(chan struct{}),
		bounds:   newBounds(),
	}
	c.Relay = wire.NewRelay(c.write)
	return c
}

// SetPatience bounds Send and the wait for the first answer, instead of
// wire.FirstTimeout. It is for a Caller that hasn't sent its call.
func (c *Caller) SetPatience(d time.Duration) { c.patience = d }

// Adopt is NewCaller and Send for a call that somebody else has sent on the
// connection. NewConnAfter has what was read of its answer. Time limits count from
// when it was sent, and when STARTED was read; the zero time is now.
func Adopt(conn *Conn, m *wire.Call, sent, started time.Time) *Caller {
	c := NewCaller(conn, m)
	patience := wire.FirstTimeout
	if !sent.IsZero() {
		patience -= time.Since(sent)
	}
	c.started = started
	conn.ExpectWithin(patience)
	close(c.sent)
	return c
}

// Runs says that the call runs, of which somebody else has told the worker, and has
// taken STARTED. It is for a Caller that hasn't sent its call.
func (c *Caller) Runs() {
	close(c.sent)
	_ = c.answered(wire.TypeStarted, &wire.Started{})
}

// Send sends CALL with its descriptors, which the caller closes. If the other side
// has closed, Send returns no error: the other side may have sent a refusal
// before, which Answer gives.
func (c *Caller) Send(fds []int) error {
	c.conn.ExpectWithin(c.patience)
	err := c.conn.WriteDescriptors(c.Call.Append(), fds)
	if err != nil && !Gone(err) {
		return c.unlessSilent(err)
	}
	close(c.sent)
	return nil
}

// Answer waits for the next ACCEPTED or STARTED, whose number is t. Asking for
// the next answer tells a worker that announced the start that ACCEPTED was
// seen. The error is a *wire.Refused, ErrUnanswered, wraps wire.ErrProtocol, or
// is the socket's; then Hold says whether the call may have been started.
func (c *Caller) Answer() (t wire.Type, m *wire.Started, err error) {
	if c.answer {
		c.answer = false
		_ = c.proceed(wire.TypeContinued)
	}
	for {
		h, err := wire.ReadHeader(c.conn)
		var payload []byte
		if err == nil {
			payload, err = wire.ReadPayload(c.conn, h)
		}
		if err != nil {
			return 0, nil, c.unlessSilent(err)
		}
		switch h.Type {
		case wire.TypeHeartbeat:
		case wire.TypeAccepted, wire.TypeStarted:
			m, err := wire.ParseStarted(h.Flags, payload)
			if err != nil {
				return 0, nil, err
			}
			return h.Type, m, c.answered(h.Type, m)
		case wire.TypeRefused:
			return 0, nil, refused(payload)
		default:
			return 0, nil, fmt.Errorf("%w: a %v frame instead of an answer", wire.ErrProtocol, h.Type)
		}
	}
}

// answered takes note of an ACCEPTED or STARTED.
func (c *Caller) answered(t wire.Type, m *wire.Started) error {
	c.conn.BeginCall()
	if m.Flags&wire.StartedBridged != 0 {
		c.conn.BeginHeartbeats(c.Call.Heartbeat)
		c.Relay.Bridged(func() bool { return false })
	}
	if t == wire.TypeAccepted {
		c.answer = expectsAnswer(c.Call, m.Flags)
		c.mu.Lock()
		c.known = m.Flags
		c.mu.Unlock()
		c.enter(accepted)
		c.boundWait(m)
		c.conn.BoundSilence(wire.HeartbeatOf(c.Call.Heartbeat))
		return nil
	}
	c.conn.BoundSilence(0)
	c.enter(running)
	if err := c.unlessSilent(nil); err != nil {
		return err
	}
	c.boundRun(m.Grace)
	if m.Flags&wire.StartedBridged != 0 {
		c.Relay.Heard() // what the worker says next would wait for the acknowledgment of STARTED
	} else if c.WasToldToEnd() && c.expectSign() { // a signal has crossed STARTED
		c.queue(&told{frame: askForSign(), done: make(chan struct{})})
	}
	return nil
}

// enter changes the state; no state follows over.
func (c *Caller) enter(s callerState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == over {
		return
	}
	c.state = s
	if s >= running && c.cancel != nil {
		c.cancel.Stop() // a call that runs has all the time that it needs
	}
}

// unlessSilent gives ErrUnanswered or ErrNotStarted if that is what ended the
// connection.
func (c *Caller) unlessSilent(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.silent:
		return ErrUnanswered
	case c.bounds.overdue:
		return ErrNotStarted
	}
	return err
}

// Next waits for the next frame of a call that runs; its payload is unread. The frame
// before is read whole: it was a sign of life.
func (c *Caller) Next() (wire.Header, error) {
	if c.begun && c.asked.Swap(false) {
		c.conn.BoundSilence(0)
	}
	h, err := wire.ReadHeader(c.conn)
	c.begun = err == nil
	return h, err
}

// Cause gives the reason why a call that runs has ended with err, an error of Next or
// Handle: ErrUnanswered if that was it.
func (c *Caller) Cause(err error) error {
	if c.asked.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrUnanswered
	}
	return c.unlessSilent(err)
}

// Handle takes a frame of a call that runs. It gives EXIT when that was it.
func (c *Caller) Handle(h wire.Header) (*wire.Exit, error) {
	switch h.Type {
	case wire.TypeData, wire.TypeEnd, wire.TypeClosed, wire.TypeCredit:
		return nil, c.Relay.Handle(h, c.conn)
	case wire.TypeHeartbeat:
		c.Relay.Heartbeat(h)
		return nil, nil
	case wire.TypeExit:
		b, err := wire.ReadPayload(c.conn, h)
		if err != nil {
			return nil, err
		}
		exit, err := wire.ParseExit(h.Flags, b)
		if err != nil {
			return nil, err // half an EXIT is no status, whatever could be read of it
		}
		return exit, nil
	}
	return nil, fmt.Errorf("%w: a %v frame in a call", wire.ErrProtocol, h.Type)
}

// Follow takes the frames of a call that runs until its EXIT.
func (c *Caller) Follow() (*wire.Exit, error) {
	for {
		h, err := c.Next()
		if err != nil {
			return nil, c.Cause(err)
		}
		exit, err := c.Handle(h)
		if err != nil {
			return nil, c.Cause(err)
		}
		if exit != nil {
			return exit, nil
		}
	}
}

// WasToldToEnd reports whether a signal came that ends a call which doesn't run
// yet. Such a call must not be tried again elsewhere. After Over the answer is final:
// a later signal is told ErrNotRunning.
func (c *Caller) WasToldToEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.toldToEnd
}
