package client

import "rpcd/client/replica"

// Connections keeps the connections of calls that have ended, for the calls to
// come: many calls without dialing. Its zero value is ready; set
// Options.Connections of each Cmd to it, from as many goroutines as you like.
//
// A connection is looked at before it is used, and a call is never sent twice: a
// worker that ended meanwhile costs a new connection. At most 64 connections
// wait for a call, each for half an hour.
//
// The worker judges all calls on a connection by the user who made it.
type Connections struct{ kept replica.Connections }

// Close closes the connections that no call uses. Calls that run may go on, and
// then close theirs.
func (c *Connections) Close() { c.kept.Close() }

// take gives a connection to a socket, or nil. c may be nil.
func (c *Connections) take(socket string) *replica.Connection {
	if c == nil {
		return nil
	}
	return c.kept.Take(socket)
}

// put takes a connection whose call is over. c isn't nil: else the call didn't
// ask to keep it.
func (c *Connections) put(conn *replica.Connection) { c.kept.Put(conn) }
