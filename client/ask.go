package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
// the answers in the order of the sockets' names. The error is that of the
// first replica when none answers.
func Ping(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	return askAll(ctx, worker, wire.TypePing, d)
}

// List is Ping with what this caller may call.
func List(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	return askAll(ctx, worker, wire.TypeList, d)
}

func askAll(ctx context.Context, worker string, t wire.Type, d time.Duration) ([]Info, error) {
	sockets, err := resolve(worker)
	if err != nil {
		return nil, err
	}
	infos, errs := make([]*Info, len(sockets)), make([]error, len(sockets))
	done := make(chan int)
	for i, path := range sockets {
		go func() {
			infos[i], errs[i] = ask(ctx, path, t, d)
			done <- i
		}()
	}
	for range sockets {
		<-done
	}
	var answers []Info
	for _, info := range infos {
		if info != nil {
			answers = append(answers, *info)
		}
	}
	if len(answers) > 0 {
		return answers, nil
	}
	var e *Error
	if err := errs[0]; errors.As(err, &e) || errors.Is(err, ctx.Err()) && err != nil {
		return nil, err
	} else if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return nil, fail(ErrLost, worker, false, err, "%s doesn't answer within %v (is it frozen?)", worker, d)
	} else if errors.Is(err, wire.ErrProtocol) {
		return nil, fail(ErrProtocol, worker, false, err, "%s doesn't speak rpc's protocol: %v", worker, err)
	} else if dial := new(dialError); errors.As(err, &dial) {
		return nil, unreachable(worker, sockets[0], dial.err)
	}
	return nil, fail(ErrLost, worker, false, errs[0], "lost the connection to %s: %v", worker, errs[0])
}

type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }

// ask puts one question to one socket.
func ask(ctx context.Context, path string, t wire.Type, d time.Duration) (*Info, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	began := time.Now()
	conn, err := fdconn.Dial(ctx, path)
	if err != nil {
		return nil, &dialError{err}
	}
	defer conn.Close()
	_ = conn.SetDeadline(began.Add(d))
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := conn.WriteFrame(wire.Question(t)); err != nil && !lost(err) {
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
	case wire.TypeRefused:
		m, err := wire.ParseRefused(payload)
		if err != nil {
			return nil, err
		}
		return nil, fail(outcomes[m.Code], path, false, m, "%s %s", path, m.Text)
	case wire.TypePong, wire.TypeListing:
		m, err := wire.ParseInfo(payload)
		if err != nil {
			return nil, err
		}
		return &Info{Info: *m, Socket: path, RTT: time.Since(began)}, nil
	}
	return nil, fmt.Errorf("%w: a %v frame as an answer", wire.ErrProtocol, h.Type)
}

// Workers gives the names of the workers in Dir, up or not, sorted.
func Workers() ([]string, error) {
	entries, err := os.ReadDir(Dir())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(Dir(), name))
		switch {
		case err != nil:
			continue
		case info.IsDir():
		case strings.HasSuffix(name, ".sock") && info.Mode()&os.ModeSocket != 0:
			name = strings.TrimSuffix(name, ".sock")
		default:
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
