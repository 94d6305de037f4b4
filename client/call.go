package client

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"rpcd/client/replica"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// call is a call at a worker, with what this process relays for it.
//
// States: those of its Caller. started begins the relaying; when Done is closed,
// exit or err is final.
type call struct {
	*talk.Caller
	cmd  *Cmd
	conn *replica.Connection
	std  *stdio

	bridged  bool
	answered bool // ACCEPTED or STARTED came
	waited   bool // in the worker's queue
	inputs   []*reader
	outputs  []*writer
	sayOnce  sync.Once

	exit *wire.Exit
	err  error
	lost int64 // bytes of a pipe that were read for the procedure, which took none

	began time.Time     // when STARTED came
	ran   time.Duration // from then to the end

	followed chan struct{} // closed: follow has returned
}

func newCall(c *Cmd, conn *replica.Connection, caller *talk.Caller, std *stdio) *call {
	return &call{Caller: caller, cmd: c, conn: conn, std: std, followed: make(chan struct{})}
}

func (k *call) worker() string { return k.cmd.Worker }

// relays says whether bytes go through this process.
func (k *call) relays() bool { return len(k.inputs)+len(k.outputs) > 0 }

// start sends the call and waits until it runs. When it doesn't, nothing of it is
// left. The end of ctx ends the wait, with ctx's error.
func (k *call) start(ctx context.Context, send func() error) error {
	k.cmd.setCurrent(k) // signals go there from now on
	stop := context.AfterFunc(ctx, k.Leave)
	err := send()
	if err == nil {
		err = k.await(ctx)
	}
	if !stop() && err != nil {
		err = ctx.Err()
	}
	if err != nil {
		return k.failed(err)
	}
	return nil
}

// send sends CALL.
func (k *call) send() error {
	err := k.Send(k.std.fds)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, talk.ErrUnanswered):
		return k.explainStart(context.Background(), err)
	}
	// It is a descriptor that can't be passed, as io_uring's.
	return fail(ErrUsage, k.worker(), false, err, "cannot pass the descriptors to %s: %v", k.worker(), err)
}

// await takes the worker's answers up to STARTED, and begins the relaying.
func (k *call) await(ctx context.Context) error {
	for {
		t, m, err := k.Answer()
		if err != nil {
			return k.explainStart(ctx, err)
		}
		k.answered = true
		k.say(m)
		k.waited = k.waited || m.Flags&wire.AcceptedWaits != 0
		if t == wire.TypeStarted {
			return k.started(m)
		}
	}
}

// started begins the relaying and the reading.
func (k *call) started(m *wire.Started) error {
	if k.began.IsZero() { // else it came before the call was adopted
		k.began = time.Now()
	}
	k.cmd.setID(m.ID)
	k.bridged = m.Flags&wire.StartedBridged != 0
	if err := k.attach(); err != nil {
		return err
	}
	if k.relays() {
		go k.follow()
	}
	return nil
}

// failed ends a call that doesn't run, and gives the error of that.
func (k *call) failed(err error) error {
	k.end(nil, err)
	k.EndBounds()
	if k.WasToldToEnd() && Retryable(err) { // another try would lose the signal
		err = fail(ErrCanceled, k.worker(), false, err, "%v", err)
	}
	for _, w := range k.outputs { // of a relay that couldn't begin whole
		<-w.done
		w.close()
	}
	k.cmd.setCurrent(nil)
	return err
}

// follow takes the worker's frames up to the call's end. If streams are relayed, it
// has a goroutine of its own. Else Wait calls it, which spares a short call two
// thread switches.
func (k *call) follow() {
	defer close(k.followed)
	exit, err := k.read()
	if err != nil {
		err = k.Cause(err)
	}
	k.end(exit, err)
}

// read takes the worker's frames until EXIT.
func (k *call) read() (*wire.Exit, error) {
	for {
		h, err := k.Next()
		if err != nil {
			return nil, err
		}
		if w := k.output(h); w != nil {
			err = w.arrive(h)
		} else if h.Type == wire.TypeStopped && k.cmd.terminal != nil {
			k.stopped()
		} else {
			var exit *wire.Exit
			if exit, err = k.Handle(h); exit != nil {
				return exit, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// shownWait is how long a caller goes on to write what its procedure's terminal had to
// show, before it is told of the stop: its own terminal may be held (Ctrl-S).
const shownWait = 500 * time.Millisecond

// stopped tells the caller that the procedure has stopped in its terminal, once all
// before that is written.
func (k *call) stopped() {
	shown := make(chan struct{})
	close(shown)
	there := (<-chan struct{})(shown)
	for _, w := range k.outputs {
		if w.number == 1 {
			there = w.written.await(w.arrived)
		}
	}
	go func() {
		select {
		case <-there:
		case <-time.After(shownWait):
		}
		k.cmd.terminal.Stopped()
	}()
}

// output gives the writer that a DATA frame is for, or nil.
func (k *call) output(h wire.Header) *writer {
	if h.Type != wire.TypeData {
		return nil
	}
	for _, w := range k.outputs {
		if w.number == h.Stream {
			return w
		}
	}
	return nil
}

// end makes the call over. Its connection is kept for the next call where that
// can have it, and else closed.
func (k *call) end(exit *wire.Exit, err error) {
	k.exit, k.err, k.ran = exit, err, time.Since(k.began)
	if k.Over(err, exit != nil || leavesConnection(err)) {
		k.cmd.Connections.put(k.conn)
	}
}

// wait waits for the end, and until the relayed outputs are written away.
func (k *call) wait() (*wire.Exit, error) {
	if !k.relays() {
		k.follow()
	}
	<-k.followed // nobody reads the connection any more, and it is kept or closed
	written, unwritten := k.awaitOutputs()
	k.EndBounds()
	name, unread := k.endInputs()
	switch {
	case unwritten != nil:
		return k.exit, fail(ErrWrite, k.worker(), true, unwritten, "cannot write the output of %s: %v", k.worker(), unwritten)
	case k.err == nil && unread != nil:
		return k.exit, fail(ErrWrite, k.worker(), true, unread, "cannot read %s of %s: %v", name, k.worker(), unread)
	case k.err == nil && written:
		return k.exit, nil
	case k.IsLate():
		return nil, k.explain(talk.ErrLate, "")
	}
	return nil, k.explain(k.err, "before the call ended")
}

// awaitOutputs waits until the relayed outputs are written, or until the call's time
// limit has run out: then written is false. It gives the first error of the caller's
// files.
func (k *call) awaitOutputs() (written bool, first error) {
	written = true
	for _, w := range k.outputs {
		select {
		case err := <-w.done:
			if first == nil {
				first = err
			}
			w.close()
		case <-k.Late():
			written = false
		}
	}
	return written, first
}

// endInputs ends the reading of relayed inputs, and gives the first error of their
// files, with what that file is.
func (k *call) endInputs() (name string, first error) {
	for _, r := range k.inputs {
		consumed := int64(-1)
		if k.exit != nil {
			consumed = k.exit.ConsumedOf(r.number)
		}
		r.stop()
		r.setBack(consumed)
		if consumed == 0 && r.number == 0 && r.is.pipe {
			k.lost = r.sent.Load()
		}
		if failed := r.failed.Load(); failed != nil && first == nil {
			if first, name = *failed, nameOf(r.number); r.number == 0 {
				name = "the stdin"
			}
		}
	}
	return name, first
}
