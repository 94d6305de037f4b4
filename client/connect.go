package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

const (
	dialWait  = 5 * time.Second        // for a full backlog
	probeWait = 200 * time.Millisecond // for a replica to say its load
	retryMin  = 20 * time.Millisecond  // between two tries with Options.Patience
	retryMax  = 250 * time.Millisecond
)

// connect finds a replica that starts the call, trying on for Options.Patience.
func (c *Cmd) connect(ctx context.Context, msg *wire.Call, std *stdio) error {
	deadline := time.Now().Add(c.Patience)
	pause := retryMin
	for {
		err := c.tryAll(ctx, msg, std)
		if err == nil || !Again(err) || !time.Now().Add(pause).Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMax)
	}
}

// tryAll tries the worker's replicas once: the least loaded first, on to the
// next where nothing was started, and when all are full into the shortest
// queue.
func (c *Cmd) tryAll(ctx context.Context, msg *wire.Call, std *stdio) error {
	sockets, err := resolve(c.Worker)
	if err != nil {
		return err
	}
	if len(sockets) == 1 {
		_, err := c.try(ctx, sockets[0], msg, std)
		return err
	}
	up, err := c.byLoad(ctx, sockets)
	if err != nil {
		return err
	}
	nowait := *msg
	nowait.Flags |= wire.CallNoWait
	var first error
	var full []*Info
	for _, r := range up {
		_, err := c.try(ctx, r.Socket, &nowait, std)
		if err == nil || !Again(err) {
			return err
		}
		if errors.Is(err, ErrBusy) {
			full = append(full, r)
		}
		if first == nil {
			first = err
		}
	}
	slices.SortStableFunc(full, func(a, b *Info) int { return queued(a.Load) - queued(b.Load) })
	for _, r := range full {
		waited, err := c.try(ctx, r.Socket, msg, std)
		if err == nil || !Again(err) || waited && errors.Is(err, ErrBusy) {
			return err
		}
	}
	return first
}

// queued is what a call finds before it in a queue; one that is full has no end.
func queued(l wire.Load) int {
	if l.Waiting >= l.MaxQueue {
		return math.MaxUint32
	}
	return int(l.Waiting)
}

// byLoad asks all replicas at once, leaves out who is silent, and sorts the
// others by the calls that run and wait there; who drains comes last.
func (c *Cmd) byLoad(ctx context.Context, sockets []string) ([]*Info, error) {
	var up []*Info
	var first error // of a socket that can't be connected to; one that may get better, if there is one
	silent := false
	for _, a := range askAll(ctx, sockets, plain(wire.TypePing, wire.TypePong), probeWait) {
		info, err := a.info()
		var dial *dialError
		switch {
		case err == nil:
			up = append(up, info)
		case !errors.As(err, &dial):
			silent = true
		default:
			if e := a.explain(c.Worker, err, probeWait); first == nil || !Again(first) && Again(e) {
				first = e
			}
		}
	}
	switch {
	case first == nil:
		first = fail(ErrUnreachable, c.Worker, false, errNotUp, "cannot reach %s: none of its sockets answers (is the worker up? try --wait)", c.Worker)
	case silent && !Again(first): // that one may answer yet
		first = fail(ErrUnreachable, c.Worker, false, errNotUp, "%v", first)
	}
	if len(up) == 0 {
		return nil, first
	}
	slices.SortStableFunc(up, func(a, b *Info) int {
		if drains := a.State != "up"; drains != (b.State != "up") {
			if drains {
				return 1
			}
			return -1
		}
		busy := func(l wire.Load) int { return int(l.Running) + int(l.Waiting) }
		return busy(a.Load) - busy(b.Load)
	})
	return up, nil
}

// try makes the call at one socket, up to STARTED or a refusal, and says whether
// it waited in the queue there.
func (c *Cmd) try(ctx context.Context, path string, msg *wire.Call, std *stdio) (waited bool, err error) {
	dctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	conn, err := fdconn.Dial(dctx, path)
	if err != nil {
		return false, unreachable(c.Worker, path, err)
	}
	if c.ServerUID != nil {
		peer, err := conn.Peer()
		if err != nil || peer.UID != *c.ServerUID {
			conn.Close()
			return false, fail(ErrUnreachable, c.Worker, false, err, "refuse to call %s: user %d serves %q, not %d (--server-uid)", c.Worker, peer.UID, path, *c.ServerUID)
		}
	}
	k := &call{cmd: c, conn: conn, path: path, std: std, sent: make(chan struct{}), done: make(chan struct{}), late: make(chan struct{})}
	k.relay = wire.NewRelay(conn.WriteFrame)
	if c.Verbose != nil {
		msg.Flags |= wire.CallAnnounce
	}
	stop := context.AfterFunc(ctx, k.close)
	err = k.open(msg)
	if !stop() && err != nil {
		err = ctx.Err()
	}
	if err != nil {
		if told, _ := k.settle(); told && Again(err) { // or the signal would be lost
			err = fail(ErrCanceled, c.Worker, false, err, "%v", err)
		}
		k.end(nil, err)
		for _, w := range k.ins { // of a relay that couldn't begin whole
			<-w.done
			w.close()
		}
		c.setCurrent(nil)
	}
	return k.waited, err
}

// open sends the call and reads its answer.
func (k *call) open(msg *wire.Call) error {
	_ = k.conn.SetDeadline(time.Now().Add(wire.FirstTimeout))
	k.cmd.setCurrent(k) // signals go there from now on
	err := k.conn.WriteDescriptors(msg.Append(), k.std.fds)
	if err == nil || lost(err) {
		close(k.sent)
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return k.broken(err, "")
		}
		if !lost(err) { // a descriptor that can't be passed, as io_uring's
			return fail(ErrUsage, k.worker(), false, err, "cannot pass the descriptors to %s: %v", k.worker(), err)
		}
		// It may have refused before it read all: its words come first.
	}
	for {
		h, err := wire.ReadHeader(k.conn)
		var payload []byte
		if err == nil {
			payload, err = wire.ReadPayload(k.conn, h)
		}
		if err != nil {
			if _, silent := k.settle(); silent {
				return k.unheard()
			}
			return k.broken(err, "before it answered")
		}
		switch h.Type {
		case wire.TypeHeartbeat:
		case wire.TypeAccepted, wire.TypeStarted:
			m, err := wire.ParseStarted(h.Flags, payload)
			if err != nil {
				return k.broken(err, "")
			}
			_ = k.conn.SetDeadline(time.Time{})
			k.beat(m)
			k.say(m)
			k.waited = k.waited || m.Flags&wire.AcceptedWaits != 0
			if h.Type == wire.TypeStarted {
				if _, silent := k.settle(); silent {
					return k.unheard()
				}
				return k.started(m)
			}
			if msg.Flags&wire.CallAnnounce != 0 && m.Flags&wire.AcceptedWaits == 0 {
				_ = k.conn.WriteFrame(wire.Frame(wire.TypeContinued, 0, 0, nil))
			}
		case wire.TypeRefused:
			m, err := wire.ParseRefused(payload)
			if err != nil {
				return k.broken(err, "")
			}
			return k.refused(m, msg)
		default:
			return k.broken(fmt.Errorf("%w: a %v frame instead of an answer", wire.ErrProtocol, h.Type), "")
		}
	}
}

// refused makes an error of a refusal.
func (k *call) refused(m *wire.Refused, msg *wire.Call) error {
	text := k.worker() + " " + m.Error()
	if m.Code == wire.NoDirectory && msg.Dir.Proven {
		switch {
		case msg.Dir.Name == "":
			text = "the directory here has no name (was it removed?): cd to another, or give -C DIR"
		case strings.HasPrefix(m.Error(), wire.NotShared):
			text = fmt.Sprintf("%q here isn't %s's %q (not a shared volume): cd to one, or give -C DIR", msg.Dir.Name, k.worker(), msg.Dir.Name)
		}
	}
	return fail(outcomes[m.Code], k.worker(), false, m, "%s", text)
}

// broken makes an error of a connection that failed. What was sent may have
// been started.
func (k *call) broken(err error, when string) error {
	switch {
	case errors.Is(err, wire.ErrProtocol):
		return fail(ErrProtocol, k.worker(), true, err, "%s doesn't speak rpc's protocol: %v (is %q an rpcd's socket?)", k.worker(), err, k.path)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail(ErrLost, k.worker(), true, err, "%s says nothing (is it frozen, or the bridge cut?)", k.worker())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), lost(err):
		return fail(ErrLost, k.worker(), true, err, "lost the connection to %s %s (did rpcd or the bridge end?)", k.worker(), when)
	}
	return fail(ErrLost, k.worker(), true, err, "lost the connection to %s %s: %v", k.worker(), when, err)
}
