package client

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"rpcd/rpcd/wire"
)

// Running is a call that runs or waits at a replica.
type Running struct {
	wire.Running
	Socket string // the replica's; ids are each replica's own
}

// Calls asks every replica of a worker, for at most d each, which calls of this
// user's there are (root's and the worker's own user see all), and gives them
// eldest first. An error says that a replica didn't answer; the calls of the
// others are given all the same. A socket that nobody serves has none.
func Calls(ctx context.Context, worker string, d time.Duration) ([]Running, error) {
	sockets, err := resolve(worker)
	if err != nil {
		return nil, err
	}
	var calls []Running
	var first error
	served := false
	for _, a := range askAll(ctx, sockets, plain(wire.TypePS, wire.TypeCalls), d) {
		var m *wire.Calls
		if a.err == nil {
			m, a.err = wire.ParseCalls(a.payload)
		}
		if a.err != nil {
			err := a.explain(worker, a.err, d)
			if first == nil || errors.Is(first, errNotUp) {
				first = err
			}
			continue
		}
		served = true
		for _, c := range m.Calls {
			calls = append(calls, Running{c, a.socket})
		}
	}
	if served && errors.Is(first, errNotUp) {
		first = nil
	}
	slices.SortStableFunc(calls, func(a, b Running) int { return cmp.Compare(b.Age, a.Age) })
	return calls, first
}

// Kill sends a signal to a call of a worker, or cancels one that waits. In a
// pool the replica that has the call is looked for; when several have a call of
// that id, none is signaled and the error says how to name one.
func Kill(ctx context.Context, worker, id string, sig syscall.Signal, d time.Duration) error {
	if err := checkSignal(sig); err != nil {
		return err
	}
	sockets, err := resolve(worker)
	if err != nil {
		return err
	}
	if len(sockets) > 1 {
		if sockets, err = owners(ctx, worker, id, sockets, d); err != nil {
			return err
		}
	}
	m := &wire.Kill{ID: id, Signal: uint8(sig)}
	q := question{frame: m.Append(), answer: wire.TypeSignaled}
	var first error
	for _, path := range sockets {
		a := ask(ctx, path, q, d)
		if a.err == nil {
			return nil
		}
		var refused *wire.Refused // that there is none is said of all
		a.several = len(sockets) > 1 && !(errors.As(a.err, &refused) && refused.Code == wire.Unknown)
		// "It is another's" tells more than "there is none".
		if err := a.explain(worker, a.err, d); first == nil || errors.Is(first, ErrUnknown) || errors.Is(first, errNotUp) {
			first = err
		}
	}
	return first
}

// owners gives the replica that has the call, or all when none lists it: their
// refusals say why.
func owners(ctx context.Context, worker, id string, all []string, d time.Duration) ([]string, error) {
	calls, err := Calls(ctx, worker, d)
	var have []string
	for _, c := range calls {
		if c.ID == id {
			have = append(have, c.Socket)
		}
	}
	switch len(have) {
	case 0:
		if err != nil {
			return nil, err
		}
		return all, nil
	case 1:
		return have, nil
	}
	slices.Sort(have)
	return nil, fail(ErrUsage, worker, false, nil, "%d replicas of %s have a call %q: name one by its socket (%s)", len(have), worker, id, strings.Join(have, ", "))
}
