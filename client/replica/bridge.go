package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// bridgeTime is how long IsBridged asks.
const bridgeTime = time.Second

// IsBridged finds out, by asking anew, whether a bridge took the bytes of a
// connection that ended without an answer. Only what is sure counts: false says
// that it isn't known. A worker holds a bridged call until its caller confirms it,
// so a call on that connection has not been started, if it is sure.
//
// Two things are sure:
//
//   - The worker answers that no descriptor came with the question.
//   - Somebody accepts and ends the connection, twice. An rpcd answers as long as
//     it lives. When it has died the kernel may still end connections that it
//     never accepted, but only as it closes the socket: the second time it
//     refuses (connect(2): ECONNREFUSED).
//
// The socket has to be the one that was connected to, since a bridge may have
// replaced a worker's.
func (c *Connection) IsBridged(ctx context.Context) bool {
	q, release, err := withDescriptor(plain(wire.TypePing, wire.TypePong))
	if err != nil {
		return false
	}
	defer release()
	ends := time.Now().Add(bridgeTime)
	for range 2 {
		a := ask(ctx, c.worker, c.Path, q, time.Until(ends))
		info, err := a.info()
		switch {
		case !a.connected || inodeOf(c.Path) != c.at:
			return false
		case err == nil:
			return info.Way != nil && info.Way.Descriptors == 0
		case !hungUp(err):
			return false
		}
	}
	return true
}

// withDescriptor lets a descriptor ride on a question, which shows whether
// descriptors arrive. The asker calls release after the answer.
func withDescriptor(q talk.Question) (_ talk.Question, release func(), err error) {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return q, nil, err
	}
	q.Files = []int{null}
	return q, func() { unix.Close(null) }, nil
}

// hungUp reports whether err is the end of a connection on which nothing came.
func hungUp(err error) bool { return errors.Is(err, io.EOF) || talk.Gone(err) }

// Ended makes an error of a call on the connection that got no STARTED, for
// err, and that has not been started. answered says that the worker had taken
// the call; then silence is how long it has said nothing, if that is the end.
func (c *Connection) Ended(worker string, answered bool, silence time.Duration, err error) error {
	switch {
	case answered && errors.Is(err, os.ErrDeadlineExceeded):
		return accepting(worker, c.Path, fmt.Sprintf("has said nothing for %v", silence), "is the worker frozen, or the bridge cut?", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return accepting(worker, c.Path, "accepts and says nothing", "is the worker frozen, or gone from behind a bridge?", err)
	case answered:
		return accepting(worker, c.Path, "ended the connection before the start", "did rpcd or the bridge end?", err)
	}
	return nobodyBehind(worker, c.Path, err)
}

// nobodyBehind is the error of a socket that accepts and closes.
func nobodyBehind(worker, path string, err error) *Error {
	return accepting(worker, path, "accepts and closes", "a bridge with nobody behind it? is the worker up?", err)
}

// accepting is the error of a socket that was connected to, and behind which
// somebody may come up.
func accepting(worker, path, what, try string, err error) *Error {
	e := newError(Unreachable, worker, fmt.Errorf("%w: %w", errNotUp, err), "cannot reach %s: %q %s", worker, path, what)
	e.Try = try
	return e
}
