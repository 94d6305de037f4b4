package wire

import (
	"io"
	"sync"
	"time"
)

// FlagAnswer is flag 1 of HEARTBEAT and CREDIT: the other side sends something back:
// after HEARTBEAT at once, after CREDIT as after DATA.
const FlagAnswer = 1

// turnWait is how long a side waits for something of its own to send, when DATA
// has come, before it sends HEARTBEAT.
const turnWait = time.Millisecond

// turn keeps a bridged relay's segments going. A bridge's TCP without TCP_NODELAY
// sends a small segment only when the one before was acknowledged (RFC 896), and
// the other TCP acknowledges after 40 ms, unless it has something to send
// (RFC 1122, 4.2.3.2). So a side to which DATA has come sends something back:
// its own frames, or HEARTBEAT after turnWait. While bytes come in there is none: the
// other TCP acknowledges these as they are read, but only if it doesn't take the
// connection for a dialogue. HEARTBEAT asks for an answer, since it would hold back
// what follows in its turn.
//
// States: off, on, over. Nothing is sent but in on.
type turn struct {
	say    func(frame []byte) error
	paused func() bool

	mu     sync.Mutex
	on     bool
	silent bool      // DATA has come, and nothing was sent since
	since  time.Time // when it came
	timer  *time.Timer
	armed  bool // timer runs
	saying bool // a HEARTBEAT is on its way out
}

// Bridged says that a bridge is between the two sides. While paused reports true,
// no HEARTBEAT is sent. More calls change nothing.
func (r *Relay) Bridged(paused func() bool) {
	t := &r.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		return
	}
	t.say, t.paused, t.on = r.write, paused, true
	t.timer = time.AfterFunc(time.Hour, t.due)
	t.timer.Stop()
}

// Heartbeat takes a HEARTBEAT frame, and answers one that asks for it. It doesn't
// wait.
func (r *Relay) Heartbeat(h Header) {
	if h.Flags&FlagAnswer != 0 {
		r.turn.mu.Lock()
		defer r.turn.mu.Unlock()
		r.turn.beat(0)
	}
}

// Heard says that a frame has come after which something has to be sent back soon,
// as after DATA.
func (r *Relay) Heard() { r.turn.heard() }

// WriteLast is Write for the call's last frame.
func (r *Relay) WriteLast(frame []byte) error {
	r.turn.end()
	return r.write(frame)
}

// heard says that a part of a DATA frame has come, or a CREDIT with FlagAnswer.
func (t *turn) heard() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.on {
		return
	}
	t.silent, t.since = true, time.Now()
	if !t.armed {
		t.armed = true
		t.timer.Reset(turnWait)
	}
}

// said says that a frame goes out.
func (t *turn) said() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent = false
}

// due is when turnWait is over.
func (t *turn) due() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = false
	if !t.silent || !t.on {
		return
	}
	if rest := turnWait - time.Since(t.since); rest > 0 {
		t.armed = true
		t.timer.Reset(rest)
		return
	}
	t.beat(FlagAnswer)
}

// read is io.ReadFull from body, which may bring p in parts: turnWait begins anew
// with each.
func (t *turn) read(body io.Reader, p []byte) error {
	for n := 0; n < len(p); {
		k, err := body.Read(p[n:])
		if n += k; n == len(p) {
			return nil
		}
		if err == io.EOF && n > 0 {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		t.heard()
	}
	return nil
}

// beat sends HEARTBEAT, by a goroutine of its own: the one that reads the connection
// may never wait for it to take something. t.mu is held.
func (t *turn) beat(flags uint16) {
	if !t.on || t.saying || t.paused() {
		return
	}
	t.saying = true
	go func() {
		_ = t.say(Frame(TypeHeartbeat, 0, flags, nil)) // the reading goroutine sees the end, too
		t.mu.Lock()
		defer t.mu.Unlock()
		t.saying = false
	}()
}

// end ends it: from now on nothing is sent.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on = false
	if t.timer != nil {
		t.timer.Stop()
	}
}
