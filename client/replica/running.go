package replica

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// Running is a call that runs or waits at a replica.
type Running struct {
	Socket    string // the replica's; ids are each replica's own
	ID        string
	Procedure string
	Label     string
	UID, GID  uint32        // the caller's
	PID       uint32        // of its process, as the replica sees it; 0: none yet
	Age       time.Duration // since it came
	State     CallState
	Bridged   bool     // all its streams are relayed
	Args      []string // the first of them, 256 bytes in all
}

// CallState is what a call does just now.
type CallState string

// The states of a call.
const (
	CallWaiting CallState = CallState(wire.CallWaiting) // in the queue
	CallRunning CallState = CallState(wire.CallRunning)
	CallStopped CallState = CallState(wire.CallStopped) // by its caller's Ctrl-Z
	CallEnding  CallState = CallState(wire.CallEnding)  // it got TERM or KILL from the worker
)

// Calls asks every replica of a worker, for at most d each, which calls of this
// user's there are (root and the worker's own user see all). It gives them eldest
// first. An error says that a replica didn't answer; the calls of the others are
// given all the same. A socket that nobody serves has no calls.
func Calls(ctx context.Context, worker string, d time.Duration) ([]Running, error) {
	sockets, err := Sockets(worker)
	if err != nil {
		return nil, err
	}
	var calls []Running
	var first error
	served := false
	for _, a := range askAll(ctx, worker, sockets, plain(wire.TypePS, wire.TypeCalls), d) {
		found, err := a.calls()
		if err != nil {
			if err := a.explain(worker, err, d); first == nil || notUp(first) {
				first = err
			}
			continue
		}
		served = true
		calls = append(calls, found...)
	}
	if served && notUp(first) {
		first = nil
	}
	sortStably(calls, func(a, b *Running) int { return cmp.Compare(b.Age, a.Age) })
	return calls, first
}

func (a *answer) calls() ([]Running, error) {
	if a.err != nil {
		return nil, a.err
	}
	m, err := wire.ParseCalls(a.payload)
	if err != nil {
		return nil, err
	}
	calls := make([]Running, len(m.Calls))
	for i, c := range m.Calls {
		calls[i] = Running{
			Socket: a.socket, ID: c.ID, Procedure: c.Procedure, Label: c.Label,
			UID: c.UID, GID: c.GID, PID: c.PID, Age: c.Age, State: CallState(c.State), Bridged: c.Bridged, Args: c.Args,
		}
	}
	return calls, nil
}

// Kill sends a signal (1-31) to a call of a worker, or cancels a call that waits.
// In a pool it looks for the replica that has the call. When several have a call
// of that id, none is signaled, and the error says how to name one.
func Kill(ctx context.Context, worker, id string, sig syscall.Signal, d time.Duration) error {
	sockets, err := Sockets(worker)
	if err != nil {
		return err
	}
	if len(sockets) > 1 {
		if sockets, err = owners(ctx, worker, id, sockets, d); err != nil {
			return err
		}
	}
	m := &wire.Kill{ID: id, Signal: uint8(sig)}
	q := talk.Question{Frame: m.Append(), Answer: wire.TypeSignaled}
	var first error
	for _, path := range sockets {
		a := ask(ctx, worker, path, q, d)
		if a.err == nil {
			return nil
		}
		unknown := refusedWith(a.err, wire.Unknown)
		a.several = len(sockets) > 1 && !unknown // "there is no such call" is said of all replicas
		// "The call is another user's" tells more than "there is none".
		if err := a.explain(worker, a.err, d); first == nil || refusedWith(first, wire.Unknown) || notUp(first) {
			first = err
		}
	}
	return first
}

// owners gives the replica that has the call. When no replica lists the call it
// gives all: their refusals say why.
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
	return nil, newError(Usage, worker, nil, "%d replicas of %s have a call %q: name one by its socket (%s)", len(have), worker, id, strings.Join(have, ", "))
}
