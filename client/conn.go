package client

import (
	"context"

	"rpcd/client/replica"
)

// Conn is a kept connection to one replica of a worker, for many calls: they skip
// the choice of a replica and the dialing. That is most of what a call costs whose
// procedure is resident.
//
// Calls one after the other have the same connection. Of those at the same time each
// has one of its own, and 64 at most are kept, as Connections does. A connection that
// the replica has closed meanwhile, as at its restart, costs a new one. No call is
// sent twice.
type Conn struct {
	worker, socket string
	kept           Connections
}

// Dial connects to the least loaded replica of a worker. The caller closes the Conn.
// The error is an *Error, or ctx's.
func Dial(ctx context.Context, worker string) (*Conn, error) {
	choice, err := replica.Choose(ctx, worker)
	if err != nil {
		return nil, ofReplica(err)
	}
	var first error
	for t, ok := choice.Next(); ok; t, ok = choice.Next() {
		conn, err := replica.Connect(ctx, worker, t.Socket)
		if err == nil {
			c := &Conn{worker: worker, socket: t.Socket}
			c.kept.put(conn)
			return c, nil
		}
		choice.Failed(false)
		if first == nil {
			first = ofReplica(err)
		}
	}
	return nil, first
}

// At is a Conn to the replica of a worker that serves at socket, as an Info names
// it. It connects at the first call.
func At(worker, socket string) *Conn { return &Conn{worker: worker, socket: socket} }

// Command prepares a call on the connection. Its Worker and Connections aren't to be
// changed.
func (c *Conn) Command(procedure string, args ...string) *Cmd {
	return c.CommandContext(context.Background(), procedure, args...)
}

// CommandContext prepares a call on the connection that ends when ctx does.
func (c *Conn) CommandContext(ctx context.Context, procedure string, args ...string) *Cmd {
	cmd := CommandContext(ctx, c.worker, procedure, args...)
	cmd.on, cmd.Connections = c, &c.kept
	return cmd
}

// Close closes the connections that no call uses. Calls that run may go on, and then
// close theirs.
func (c *Conn) Close() { c.kept.Close() }
