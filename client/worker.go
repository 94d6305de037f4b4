package client

import (
	"context"
	"syscall"
	"time"

	"rpcd/client/replica"
)

// What workers say of themselves and of calls.
type (
	Info            = replica.Info            // a replica: its load, its counters and what may be called
	Load            = replica.Load            // how busy a replica is
	Counters        = replica.Counters        // a replica's sums since its start
	Entry           = replica.Entry           // a procedure that a replica lists
	ResidentWorkers = replica.ResidentWorkers // of a procedure
	TopicUse        = replica.TopicUse        // how a topic is used
	Running         = replica.Running         // a call that runs or waits
	Answer          = replica.Answer          // Info, or why there is none
	CallState       = replica.CallState       // what such a call does just now
)

// The states of a call.
const (
	CallWaiting = replica.CallWaiting // in the queue
	CallRunning = replica.CallRunning
	CallStopped = replica.CallStopped // by its caller's Ctrl-Z
	CallEnding  = replica.CallEnding  // it got TERM or KILL from the worker
)

// DefaultDir is the folder of the workers unless RPC_DIR names another.
const DefaultDir = replica.DefaultDir

// Dir gives the folder of the workers.
func Dir() string { return replica.Dir() }

// Workers gives the names of the workers in Dir, up or not, sorted.
func Workers() ([]string, error) { return replica.Workers() }

// Ping asks every replica of a worker how it is, for at most d each. The answers
// have the order of the sockets' names. When none answers, the error is that of
// the first replica that may answer yet, or of the first.
func Ping(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	infos, err := replica.Ping(ctx, worker, d)
	return infos, ofReplica(err)
}

// List is Ping with the procedures that this caller may call.
func List(ctx context.Context, worker string, d time.Duration) ([]Info, error) {
	infos, err := replica.List(ctx, worker, d)
	return infos, ofReplica(err)
}

// Calls asks every replica of a worker, for at most d each, which calls of this
// user's there are (root and the worker's own user see all). It gives them eldest
// first. An error says that a replica didn't answer; the calls of the others are
// given all the same. A socket that nobody serves has no calls.
func Calls(ctx context.Context, worker string, d time.Duration) ([]Running, error) {
	calls, err := replica.Calls(ctx, worker, d)
	return calls, ofReplica(err)
}

// Kill sends a signal (1-31) to a call of a worker, or cancels a call that waits.
// In a pool it looks for the replica that has the call. When several have a call
// of that id, none is signaled, and the error says how to name one.
func Kill(ctx context.Context, worker, id string, sig syscall.Signal, d time.Duration) error {
	if err := checkSignal(sig); err != nil {
		return err
	}
	return ofReplica(replica.Kill(ctx, worker, id, sig, d))
}

// Sockets gives the sockets of a worker, by name: one for each replica. They needn't
// be served.
func Sockets(worker string) ([]string, error) {
	sockets, err := replica.Sockets(worker)
	return sockets, ofReplica(err)
}

// Survey is List of the replicas at these of a worker's sockets, side by side. Each
// has an answer, in the order of the sockets.
func Survey(ctx context.Context, worker string, sockets []string, d time.Duration) []Answer {
	answers := replica.Survey(ctx, worker, sockets, d)
	for i := range answers {
		answers[i].Err = ofReplica(answers[i].Err)
	}
	return answers
}
