package replica

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// plain is a question without a content.
func plain(t, answer wire.Type) talk.Question {
	return talk.Question{Frame: wire.Question(t), Answer: answer}
}

// answer is what one socket answered, or the cause why it didn't, as it came.
type answer struct {
	socket    string
	several   bool // the worker has other sockets, too
	connected bool
	owner     uint32 // uid of the process that listens, when connected
	payload   []byte
	rtt       time.Duration
	err       error
}

// askAll puts a question to every replica of a worker, side by side, for at most
// d each. The answers have the order of the sockets. Together they may be as long as
// one may be: a worker has any number of sockets in its folder.
func askAll(ctx context.Context, worker string, sockets []string, q talk.Question, d time.Duration) []answer {
	answers := make([]answer, len(sockets))
	q.Room = &atomic.Int64{}
	q.Room.Store(wire.MaxList)
	var all sync.WaitGroup
	for i, path := range sockets {
		all.Go(func() {
			answers[i] = ask(ctx, worker, path, q, d)
			answers[i].several = len(sockets) > 1
		})
	}
	all.Wait()
	return answers
}

// ask puts a question to one socket of a worker, on a connection of its own.
func ask(ctx context.Context, worker, path string, q talk.Question, d time.Duration) answer {
	a := answer{socket: path}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	began := time.Now()
	a.payload, a.err = a.exchange(ctx, worker, q, d)
	a.rtt = time.Since(began)
	return a
}

func (a *answer) exchange(ctx context.Context, worker string, q talk.Question, d time.Duration) ([]byte, error) {
	socket, err := dial(ctx, worker, a.socket)
	if err != nil {
		return nil, err
	}
	a.connected = true
	conn := talk.NewConn(socket)
	defer conn.Close()
	peer, err := socket.Peer()
	if err != nil {
		return nil, err
	}
	a.owner = peer.UID
	defer context.AfterFunc(ctx, conn.Abort)()
	return talk.Ask(conn, q, d)
}

// explain makes an error for people of err, why there is no answer within d, or
// none that is understood. It says which replica, where there are several.
func (a *answer) explain(worker string, err error, d time.Duration) error {
	name := worker
	if a.several {
		name = fmt.Sprintf("%s at %q", worker, a.socket)
	}
	var refused *wire.Refused
	switch {
	case errors.As(err, &refused):
		return newError(Refused, worker, refused, "%s %v", name, refused)
	case errors.Is(err, context.Canceled):
		return err
	case !a.connected:
		e := unreachable(worker, a.socket, err)
		if a.several && errors.Is(err, fs.ErrPermission) { // this cause alone doesn't name the socket
			e = newError(Unreachable, worker, e.Err, "cannot reach %s: %v", name, e.Err)
		}
		return e
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return newError(Lost, worker, err, "%s doesn't answer within %v (is it frozen?)", name, d)
	case errors.Is(err, wire.ErrProtocol):
		return newError(Foreign, worker, err, "%s doesn't speak rpc's protocol: %v", name, err)
	case hungUp(err):
		return nobodyBehind(worker, a.socket, err)
	}
	return newError(Lost, worker, err, "lost the connection to %s: %v", name, err)
}
