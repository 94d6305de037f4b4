package rpcd

import (
	"context"

	"rpcd/rpcd/limit"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/wire"
)

// route says how first frames of one type are served. What a type's payload may
// hold stands in package wire, since headers are judged before anything is read.
type route struct {
	files bool // descriptors are for serve; else they are closed as they come
	serve func(c *conn, f *firstFrame) (wire.Header, error)
}

// routes are all first frames that this release knows. Every caller that can
// connect may ask; what is shown and done depends on the caller. Only CALL is
// refused to callers that serve's own rules don't admit.
//
// Publishers and subscribers have routes of their own: a topic runs no process.
var routes map[wire.Type]route

func init() { // the routes refer to conn, which refers to the routes
	routes = map[wire.Type]route{
		wire.TypeCall: {files: true, serve: (*conn).call},
		wire.TypePing: {serve: question((*conn).ping)},
		wire.TypeList: {serve: question((*conn).list)},
		wire.TypePS:   {serve: question((*conn).ps)},
		wire.TypeKill: {serve: question((*conn).kill)},

		wire.TypePublish:   {files: true, serve: (*conn).publish},
		wire.TypeSubscribe: {files: true, serve: (*conn).subscribe},
	}
}

// routeOfUnknown is for types that are reserved for first frames to come.
var routeOfUnknown = route{serve: question(func(*conn, *firstFrame) (*answer, error) { return nil, refusal.UnknownQuestion })}

// answer is a frame that answers a question.
type answer struct {
	frame []byte
	taken func() // called when it is sent, or can't be; nil: nothing to do
}

// question makes a route's serve of a function that answers.
func question(ask func(*conn, *firstFrame) (*answer, error)) func(*conn, *firstFrame) (wire.Header, error) {
	return func(c *conn, f *firstFrame) (wire.Header, error) {
		a, err := ask(c, f)
		f.close() // before the wait for the next first frame
		if err != nil {
			return f.Header, c.refuse(err)
		}
		err = c.talk.WriteFrame(a.frame)
		if a.taken != nil {
			a.taken()
		}
		if err != nil {
			return f.Header, err
		}
		return c.header()
	}
}

// smallFrame is the longest first frame, in bytes, that is read from anybody: it has
// room for a directory. Longer ones are of admitted callers, and share maxFrames.
const smallFrame = 8 << 10

// The memory, in bytes, of long first frames from their arrival until the start
// of their process, and of long answers from before they are made until they are
// taken.
const (
	maxFrames  = 56 << 20
	maxAnswers = 32 << 20
)

// patience is how long a first frame or an answer waits for its memory: half of
// what the other side waits for.
const patience = wire.FirstTimeout / 2

// reserve takes the memory of a first frame, as much as it can cost.
func (c *conn) reserve(h wire.Header) (*limit.Loan, error) {
	if h.Length <= smallFrame {
		return nil, nil
	}
	if c.denied != nil {
		return nil, c.denied
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	memory, err := c.server.frames.Take(ctx, c.caller.UID, wire.MostCost(int(h.Length)))
	if err != nil {
		return nil, refusal.TooManyFrames
	}
	return memory, nil
}
