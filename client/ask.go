package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Info is what a replica says of itself.
type Info struct {
	wire.Info
	Socket string
	RTT    time.Duration // of the question
}

// Ping asks every replica of a worker how it is, for at most d each, and gives
// the answers in the order of the sockets' names. When none answers the error is
// that of the first replica that may yet, or of the first.
func Ping(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	return infos(ctx, worker, plain(wire.TypePing, wire.TypePong), d)
}

// List is Ping with what this caller may call.
func List(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	return infos(ctx, worker, plain(wire.TypeList, wire.TypeListing), d)
}

func infos(ctx context.Context, worker string, q question, d time.Duration) ([]Info, error) {
	sockets, err := resolve(worker)
	if err != nil {
		return nil, err
	}
	var infos []Info
	var first error
	for _, a := range askAll(ctx, sockets, q, d) {
		info, err := a.info()
		if err == nil {
			infos = append(infos, *info)
		} else if e := a.explain(worker, err, d); first == nil || !promising(first) && promising(e) {
			first = e
		}
	}
	if len(infos) > 0 {
		return infos, nil
	}
	return nil, first
}

// promising says whether a worker that can't be asked now may answer later.
func promising(err error) bool { return Again(err) || errors.Is(err, ErrLost) }

// question is a first frame that starts nothing, and the type of its answer.
type question struct {
	frame  []byte
	fds    []int // ride on it, and stay the asker's to close
	answer wire.Type
	peer   *fdconn.Peer // if not nil, it gets who listens
}

// plain is a question without a content.
func plain(t, answer wire.Type) question {
	return question{frame: wire.Question(t), answer: answer}
}

// answer is what one socket answered, or the cause why it didn't, as it came.
type answer struct {
	socket  string
	several bool // the worker has other sockets, too
	payload []byte
	rtt     time.Duration
	err     error
}

func (a answer) info() (*Info, error) {
	if a.err != nil {
		return nil, a.err
	}
	m, err := wire.ParseInfo(a.payload)
	if err != nil {
		return nil, err
	}
	return &Info{Info: *m, Socket: a.socket, RTT: a.rtt}, nil
}

// askAll puts a question to every replica of a worker, side by side, and gives
// the answers in the order of the sockets.
func askAll(ctx context.Context, sockets []string, q question, d time.Duration) []answer {
	answers := make([]answer, len(sockets))
	var wg sync.WaitGroup
	for i, path := range sockets {
		wg.Go(func() {
			answers[i] = ask(ctx, path, q, d)
			answers[i].several = len(sockets) > 1
		})
	}
	wg.Wait()
	return answers
}

// ask puts a question to one socket.
func ask(ctx context.Context, path string, q question, d time.Duration) answer {
	a := answer{socket: path}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	began := time.Now()
	a.payload, a.err = exchange(ctx, path, q, began.Add(d))
	a.rtt = time.Since(began)
	return a
}

// dialError is a question that reached nobody.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func exchange(ctx context.Context, path string, q question, deadline time.Time) ([]byte, error) {
	conn, err := fdconn.Dial(ctx, path)
	if err != nil {
		return nil, &dialError{err}
	}
	defer conn.Close()
	if q.peer != nil {
		if *q.peer, err = conn.Peer(); err != nil {
			return nil, err
		}
	}
	_ = conn.SetDeadline(deadline)
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := conn.WriteDescriptors(q.frame, q.fds); err != nil && !lost(err) {
		return nil, err
	}
	br := bufio.NewReader(conn)
	h, err := wire.ReadHeader(br)
	if err != nil {
		return nil, err
	}
	payload, err := wire.ReadPayload(br, h)
	if err != nil {
		return nil, err
	}
	switch h.Type {
	case q.answer:
		return payload, nil
	case wire.TypeRefused:
		m, err := wire.ParseRefused(payload)
		if err != nil {
			return nil, err
		}
		return nil, m
	}
	return nil, fmt.Errorf("%w: a %v frame as an answer", wire.ErrProtocol, h.Type)
}

// explain makes an error for people of err, why there is no answer or none that
// is understood. It says which replica, where there are several.
func (a answer) explain(worker string, err error, d time.Duration) error {
	name := worker
	if a.several {
		name = fmt.Sprintf("%s at %q", worker, a.socket)
	}
	var refused *wire.Refused
	var dial *dialError
	switch {
	case errors.As(err, &refused):
		return fail(outcomes[refused.Code], worker, false, refused, "%s %v", name, refused)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &dial) && a.several && errors.Is(err, fs.ErrPermission): // the others name it anyway
		return fail(ErrUnreachable, worker, false, dial.err, "cannot reach %s: %s", name, permission(a.socket))
	case errors.As(err, &dial):
		return unreachable(worker, a.socket, dial.err)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fail(ErrLost, worker, false, err, "%s doesn't answer within %v (is it frozen?)", name, d)
	case errors.Is(err, wire.ErrProtocol):
		return fail(ErrProtocol, worker, false, err, "%s doesn't speak rpc's protocol: %v", name, err)
	}
	return fail(ErrLost, worker, false, err, "lost the connection to %s: %v", name, err)
}
