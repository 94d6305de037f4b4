package wire

import (
	"io"
	"sync"
	"time"
)

// FlagAnswer is flag 1 of HEARTBEAT and CREDIT: the other side sends something back:
// after HEARTBEAT at once, after CREDIT as after a part of a frame.
const FlagAnswer = 1

// turnWait is how long a side waits for something of its own to send, when DATA
// has come, before it sends HEARTBEAT.
const turnWait = time.Millisecond

// turn keeps a bridged relay's segments going. A bridge's TCP without TCP_NODELAY
// sends a small segment only when the one before was acknowledged (RFC 896), and
// the other TCP acknowledges after 40 ms, unless it has something to send
// (RFC 1122, 4.2.3.2). So a side to which DATA has come sends something back:
// its own frames, or HEARTBEAT after turnWait. While bytes come in there is none:
// the other TCP acknowledges these as they are read, but only if it doesn't take
// the connection for a dialogue.
//
// HEARTBEAT in its turn may hold back what its sender says next. So it asks for an
// answer, unless more bytes will be that. The answer may hold back what follows,
// too, if it is late: it came out behind something that was held back itself. A
// side that has said something since it asked answers the answer.
//
// States: off, on, over. Nothing is sent but in on.
type turn struct {
	say    func(frame []byte) error
	paused func() bool

	mu      sync.Mutex
	on      bool
	silent  bool      // DATA has come, and nothing was sent since
	partial bool      // more comes soon, such as the rest of a frame
	since   time.Time // when it came
	timer   *time.Timer
	armed   bool // timer runs
	saying  bool // a HEARTBEAT is on its way out
	asked   bool // for an answer, which hasn't come yet
	late    bool // something was sent since
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
	t := &r.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	asks := h.Flags&FlagAnswer != 0
	if asks || t.asked && t.late {
		t.beat(0)
	}
	t.asked = t.asked && asks
}

// Heard says that a frame has come after which something has to be sent back soon,
// as after DATA.
func (r *Relay) Heard() { r.turn.heard(false) }

// WriteLast is Write for the call's last frame.
func (r *Relay) WriteLast(frame []byte) error {
	r.turn.end()
	return r.write(frame)
}

// heard says that DATA has come, whole or in part, or what is answered like that.
func (t *turn) heard(partial bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.on {
		return
	}
	t.silent, t.partial, t.since = true, partial, time.Now()
	if !t.armed {
		t.armed = true
		t.timer.Reset(turnWait)
	}
}

// said says that a frame goes out.
func (t *turn) said() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent, t.late = false, true
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
	if t.partial {
		t.beat(0)
	} else {
		t.beat(FlagAnswer)
	}
}

// read is io.ReadFull from body, which may bring p in parts: turnWait begins anew
// with each.
func (t *turn) read(body io.Reader, p []byte) error {
	for n := 0; n < len(p); {
		k, err := body.Read(p[n:])
		n += k
		if n < len(p) && err != nil {
			if err == io.EOF && n > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		t.heard(n < len(p))
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
		if flags&FlagAnswer != 0 {
			t.asked, t.late = true, false
		}
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
