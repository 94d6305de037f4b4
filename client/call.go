package client

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// call is a call at a worker, from its first frame on.
//
// States: asked (open runs; sent is closed once the first frame has left),
// running (started has been called), over (done is closed: exit or err is final).
type call struct {
	cmd   *Cmd
	conn  *fdconn.Conn
	path  string
	std   *stdio
	relay *wire.Relay

	bridged bool
	waited  bool // in the worker's queue
	ins     []*writer
	in      *reader

	beating atomic.Bool
	sayOnce sync.Once
	limit   *time.Timer // of Timeout, for a frozen worker

	mu      sync.Mutex
	settled bool        // STARTED came, or the end
	hurry   *time.Timer // a signal was sent before that
	silent  bool        // and the worker didn't answer in time

	sent     chan struct{}
	done     chan struct{}
	exit     *wire.Exit
	err      error
	late     chan struct{} // closed: the worker didn't keep the time limit
	overOnce sync.Once
}

func (k *call) worker() string { return k.cmd.Worker }

// lost reports whether a write failed because the other side has gone.
func lost(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.ENOTCONN)
}

// tell sends a frame of the caller's, behind the first one: the procedure may
// run before its caller comes to know that the frame has left. To a worker that
// doesn't take that one there is no call.
func (k *call) tell(frame []byte) error {
	select {
	case <-k.sent:
	case <-k.done:
	case <-time.After(cancelWait):
		return ErrNotRunning
	}
	select {
	case <-k.done:
		return ErrNotRunning
	default:
	}
	return k.conn.WriteFrame(frame)
}

// hurried bounds the wait for an answer: a call that doesn't run yet was told to
// end, which needs no time of a worker that isn't frozen.
func (k *call) hurried() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.settled || k.hurry != nil {
		return
	}
	k.hurry = time.AfterFunc(cancelWait, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if !k.settled {
			k.silent = true
			k.close()
		}
	})
}

// settle ends hurried, for a call that runs has all the time that it needs. It
// says whether there was a signal, and whether the time had run out.
func (k *call) settle() (told, silent bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.settled = true
	if k.hurry != nil {
		k.hurry.Stop()
	}
	return k.hurry != nil, k.silent
}

// unheard is the error of a call that was told to end, and whose worker said
// nothing.
func (k *call) unheard() error {
	return fail(ErrCanceled, k.worker(), true, os.ErrDeadlineExceeded, "%s was told to end %q and says nothing (is it frozen?)", k.worker(), k.cmd.Procedure)
}

// cancelWait is how long a worker that was told to cancel a call that waits is
// waited for.
const cancelWait = 2 * time.Second

// listen says whether silence of the worker means anything, on a bridged call.
func (k *call) listen(yes bool) {
	switch {
	case !k.beating.Load():
	case yes:
		k.conn.SetIdle(wire.HeartbeatOf(k.cmd.Heartbeat))
	default:
		k.conn.SetIdle(0)
	}
}

func (k *call) close() { k.conn.Close() }

// started begins the relaying and the reading.
func (k *call) started(m *wire.Started) error {
	k.cmd.setID(m.ID)
	k.bridged = m.Flags&wire.StartedBridged != 0
	if err := k.attach(); err != nil {
		return err
	}
	t := k.cmd.Timeout
	if limit := t + m.Grace + frozenWait; t > 0 && limit > t { // else it overflows: no limit at all
		k.limit = time.AfterFunc(limit, func() {
			close(k.late)
			k.close()
		})
	}
	if len(k.ins) > 0 || k.in != nil {
		go k.follow()
	}
	return nil
}

// follow takes the worker's frames to the end: in a goroutine of its own where
// streams are relayed, else in Wait, which spares a short call two switches.
func (k *call) follow() {
	exit, err := k.read()
	if k.limit != nil {
		k.limit.Stop()
	}
	k.end(exit, err)
}

// frozenWait is how long after the grace a worker that should have ended a
// call is waited for.
const frozenWait = 2 * time.Second

// read takes the worker's frames until EXIT.
func (k *call) read() (*wire.Exit, error) {
	for {
		h, err := wire.ReadHeader(k.conn)
		if err != nil {
			return nil, err
		}
		switch h.Type {
		case wire.TypeData, wire.TypeEnd, wire.TypeClosed, wire.TypeCredit:
			if err := k.relayed(h); err != nil {
				return nil, err
			}
		case wire.TypeHeartbeat:
		case wire.TypeExit:
			b, err := wire.ReadPayload(k.conn, h)
			if err != nil {
				return nil, err
			}
			return wire.ParseExit(h.Flags, b)
		default:
			return nil, errors.Join(wire.ErrProtocol, errors.New("a "+h.Type.String()+" frame in a call"))
		}
	}
}

// end makes the call over. The connection is closed: the caller closes
// first.
func (k *call) end(exit *wire.Exit, err error) {
	k.overOnce.Do(func() {
		k.exit, k.err = exit, err
		if err == nil {
			err = io.EOF
		}
		close(k.done)
		k.relay.Abort(err)
		k.close()
	})
}

// wait waits for the end, and until the relayed outputs are written away.
func (k *call) wait() (*wire.Exit, error) {
	if len(k.ins) == 0 && k.in == nil {
		k.follow()
	}
	<-k.done // and nobody reads the connection any more
	var written error
	for _, w := range k.ins {
		select {
		case err := <-w.done:
			if written == nil {
				written = err
			}
			w.close()
		case <-k.late: // nor is its output taken
		}
	}
	if k.in != nil {
		consumed := int64(-1)
		if k.exit != nil {
			consumed = k.exit.Consumed
		}
		k.in.stop()
		k.in.setBack(consumed)
	}
	switch {
	case written != nil:
		return k.exit, fail(ErrWrite, k.worker(), true, written, "cannot write the output of %s: %v", k.worker(), written)
	case k.err == nil && k.in != nil && k.in.failed.Load() != nil:
		err := *k.in.failed.Load()
		return k.exit, fail(ErrWrite, k.worker(), true, err, "cannot read the stdin of %s: %v", k.worker(), err)
	case k.isLate():
		return nil, fail(ErrTimeout, k.worker(), true, nil, "%s didn't end %q when its time limit ran out (is it frozen?)", k.worker(), k.cmd.Procedure)
	case k.err != nil:
		return nil, k.broken(k.err, "before the call ended")
	}
	return k.exit, nil
}

func (k *call) isLate() bool {
	select {
	case <-k.late:
		return true
	default:
		return false
	}
}

// beat begins the heartbeats of a bridged call, once.
func (k *call) beat(m *wire.Started) {
	if m.Flags&wire.StartedBridged == 0 || k.beating.Swap(true) {
		return
	}
	interval := wire.HeartbeatOf(k.cmd.Heartbeat)
	k.conn.SetIdle(interval)
	go func() {
		tick := time.NewTicker(interval / 3)
		defer tick.Stop()
		for {
			select {
			case <-k.done:
				return
			case <-tick.C:
				if k.conn.WriteFrame(wire.Frame(wire.TypeHeartbeat, 0, 0, nil)) != nil {
					return
				}
			}
		}
	}()
}
