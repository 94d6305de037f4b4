package client

import (
	"context"
	"errors"
	"time"

	"rpcd/client/replica"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// The pause between two tries with Options.RetryFor doubles from one to the
// other.
const (
	retryMin = 20 * time.Millisecond
	retryMax = 250 * time.Millisecond
)

// connect finds a replica that starts the call, trying again for RetryFor: the last
// try is at its end.
func (c *Cmd) connect(ctx context.Context, std *stdio) error {
	deadline := time.Now().Add(c.RetryFor)
	if c.sent != nil {
		err := c.adopt(ctx, std)
		if err == nil || !Retryable(err) || !time.Now().Before(deadline) {
			return err
		}
	}
	msg, err := c.message(std)
	if err != nil {
		return err
	}
	pause := retryMin
	for {
		err := c.tryAll(ctx, msg, std, c.patience(deadline))
		var failed *Error
		if c.instead != nil && errors.As(err, &failed) && !failed.Started && c.instead(err) {
			if msg, err = c.message(std); err != nil {
				return err
			}
			continue
		}
		left := time.Until(deadline)
		if err == nil || !Retryable(err) || left <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(pause, left)):
		}
		pause = min(2*pause, retryMax)
	}
}

// leastPatience is how long a try with RetryFor may stay without an answer when
// RetryFor is about to end, or is shorter. A worker that isn't frozen needs less.
const leastPatience = 2 * time.Second

// patience is how long a try may stay without an answer.
func (c *Cmd) patience(deadline time.Time) time.Duration {
	if c.RetryFor <= 0 {
		return wire.FirstTimeout
	}
	return min(max(time.Until(deadline), leastPatience), wire.FirstTimeout)
}

// tryAll tries the worker's replicas once: as long as nothing was started, and
// the call didn't wait in vain in a replica's queue.
func (c *Cmd) tryAll(ctx context.Context, msg *wire.Call, std *stdio, patience time.Duration) error {
	if c.NoQueue {
		m := *msg
		m.Flags |= wire.CallNoWait
		msg = &m
	}
	if c.on != nil {
		_, err := c.try(ctx, c.on.socket, msg, std, patience)
		return err
	}
	choice, err := replica.Choose(ctx, c.Worker)
	if err != nil {
		return ofReplica(err)
	}
	var first error
	for t, ok := choice.Next(); ok; t, ok = choice.Next() {
		m := *msg
		if !t.Queue {
			m.Flags |= wire.CallNoWait
		}
		waited, err := c.try(ctx, t.Socket, &m, std, patience)
		busy := errors.Is(err, ErrBusy)
		if err == nil || !Retryable(err) || waited && busy {
			return err
		}
		choice.Failed(busy)
		if first == nil {
			first = err
		}
	}
	return first
}

// try makes the call at one socket, up to STARTED or a refusal, and says whether
// the call waited in the queue there.
func (c *Cmd) try(ctx context.Context, socket string, msg *wire.Call, std *stdio, patience time.Duration) (waited bool, err error) {
	conn := c.Connections.take(socket)
	if conn == nil {
		if conn, err = replica.Connect(ctx, c.Worker, socket); err != nil {
			return false, ofReplica(err)
		}
	}
	if err := c.checkServer(conn, false); err != nil {
		return false, err
	}
	k := newCall(c, conn, talk.NewCaller(conn.Conn, msg), std)
	k.SetPatience(patience)
	err = k.start(ctx, k.send)
	return k.waited, err
}

// checkServer refuses a socket on which another user listens than ServerUID, and
// closes the connection then. sent says that the call has left already.
func (c *Cmd) checkServer(conn *replica.Connection, sent bool) error {
	if c.ServerUID == nil {
		return nil
	}
	peer, err := conn.FD.Peer()
	if err == nil && peer.UID == *c.ServerUID {
		return nil
	}
	conn.Close()
	if err != nil {
		return fail(ErrUnreachable, c.Worker, sent, err, "refuse to call %s: cannot learn who serves %q: %v (--server-uid)", c.Worker, conn.Path, err)
	}
	return fail(ErrUnreachable, c.Worker, sent, err, "refuse to call %s: user %d serves %q, not %d (--server-uid)", c.Worker, peer.UID, conn.Path, *c.ServerUID)
}

// adopt goes on with a call that has been sent.
func (c *Cmd) adopt(ctx context.Context, std *stdio) error {
	conn := replica.Adopt(c.sent.Conn, c.Worker, c.sent.Socket, c.sent.Read)
	if err := c.checkServer(conn, true); err != nil {
		return err
	}
	std.streams = c.sent.Call.Streams
	k := newCall(c, conn, talk.Adopt(conn.Conn, c.sent.Call, c.sent.At, c.sent.Started), std)
	k.began = c.sent.Started
	return k.start(ctx, func() error {
		if c.sent.Ready != nil {
			c.sent.Ready()
		}
		return nil
	})
}
