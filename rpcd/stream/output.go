package stream

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// othersWait is how long an output is read on if another process holds the pipe
// after the procedure's end (PROTOCOL.md, section 4). The time begins once
// everything from before that end is read.
const othersWait = 200 * time.Millisecond

// outPipe is the size in bytes of a relayed output's pipe. Large frames cost less
// for each byte. If the kernel refuses this size, it is 64 KiB (pipe(7)).
const outPipe = 256 << 10

// leastWindow is the least window in bytes of an output whose writes stay whole. A
// caller with less may have nothing more to grant before it has a whole write.
const leastWindow = 2 * wire.PipeBuf

var (
	errHeldOpen       = errors.New("held open by another process")
	errProcedureEnded = errors.New("the procedure has ended")
)

// output relays one output from the child's pipe to the caller. run has a
// goroutine of its own. Another goroutine calls finish, at most once.
type output struct {
	conn *fdconn.Conn
	pipe *os.File // the reading end
	out  *wire.Out

	window int  // in bytes
	least  int  // credit in bytes, for one write
	pages  bool // the caller takes pages that aren't full, too

	wanted   context.Context // ends by giveUp, with errHeldOpen
	unwanted context.CancelCauseFunc
	running  context.Context // ends by finish too, with errProcedureEnded
	ended    context.CancelCauseFunc

	// Set by finish, before running ends.
	endedAt time.Time
	unread  int // bytes in the pipe then

	// run's own
	passage passage
	batch   *wire.Batch

	done     chan struct{} // closed: run is over, and what follows is final
	bytes    int64         // relayed
	heldOpen bool          // given up while another process had the pipe
}

// newOutput takes pipe over.
func newOutput(c *fdconn.Conn, r *wire.Relay, st wire.Stream, pipe *os.File) *output {
	o := &output{conn: c, pipe: pipe, done: make(chan struct{}), window: int(st.Window), least: 1, pages: st.Flags&wire.StreamPages != 0}
	if st.Window >= leastWindow && !st.Read() { // a socket keeps no writes apart
		o.least = wire.PipeBuf
	}
	o.wanted, o.unwanted = context.WithCancelCause(context.Background())
	o.running, o.ended = context.WithCancelCause(o.wanted)
	o.out = r.Out(st.Number, st.Window, func(out *wire.Out) {
		out.OnClosed(func() { // the child gets SIGPIPE
			if st.Read() {
				shut(pipe, unix.SHUT_RD) // an input has it, too
			}
			pipe.Close()
		})
	})
	o.batch = o.out.Batch()
	return o
}

func (o *output) run() {
	defer close(o.done)
	o.heldOpen = errors.Is(o.relay(), errHeldOpen)
	o.ended(nil)
	o.unwanted(nil)
	o.close()
	o.batch.Free()
	o.passage.close()
	o.out.CloseSoon()
}

// relay relays the output in three phases. Its error says why the last one ended.
// It is io.EOF if no process has the pipe any more, and errHeldOpen if one still
// has it. Else it is an error of the stream or the connection.
func (o *output) relay() error {
	// 1. While the procedure runs, everything is relayed as it comes.
	if err := o.asItComes(o.running); err != errProcedureEnded {
		return err
	}

	// 2. All bytes from before the procedure's end are relayed, however slowly the
	// caller takes them.
	others := o.endedAt
	if o.unread > 0 {
		if err := o.whole(o.unread); err != nil {
			return err
		}
		others = time.Now()
	}

	// 3. Bytes of other processes that hold the pipe are relayed for othersWait in
	// all, however fast they write and however slowly the caller reads.
	if hungUp(o.pipe) {
		return io.EOF // with credit or without
	}
	limit := others.Add(othersWait)
	ctx, cancel := context.WithDeadlineCause(o.wanted, limit, errHeldOpen)
	defer cancel()
	_ = o.pipe.SetReadDeadline(limit)
	return o.asItComes(ctx)
}

// asItComes relays until the end of the pipe or of ctx, whose cause it returns.
// The pipe's deadline ends the wait for bytes, and ctx the wait for credit.
func (o *output) asItComes(ctx context.Context) error {
	for {
		_, err := o.send(ctx, wire.MaxData, awaitUnread)
		if err == errEmpty {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// whole relays the next rest bytes, or fewer if other processes take some. It
// waits for credit, never for the pipe.
func (o *output) whole(rest int) error {
	for rest > 0 {
		n, err := o.send(o.wanted, rest, unread)
		if err != nil {
			return err
		}
		if n == 0 { // another process was quicker
			return nil
		}
		rest -= n
	}
	return nil
}

// send waits for credit until ctx ends. Then it sends what the pipe holds, up to
// most bytes, in whole writes, and returns how many bytes that were. length says
// how many the pipe holds.
func (o *output) send(ctx context.Context, most int, length func(*os.File) (int, error)) (int, error) {
	credit, err := o.out.CreditOf(ctx, o.least)
	if err != nil {
		return 0, err
	}
	n, err := length(o.pipe)
	if err != nil {
		return 0, err
	}
	n = min(n, most)
	if n > credit && o.least > 1 && !o.passage.usable() { // only where the pipe is empty, a write ends for sure
		if credit, err = o.out.CreditOf(ctx, min(n, o.window/2)); err != nil {
			return 0, err
		}
	}
	sent, err := o.gather(n, credit)
	for sent > 0 && sent < leastSplice && err == nil { // what has come meanwhile goes along
		if n, err = unread(o.pipe); n == 0 || n > credit-sent {
			break
		}
		if n, err = o.gather(min(n, most-sent), credit-sent); n == 0 {
			break
		}
		sent += n
	}
	if err == nil {
		err = o.batch.Send()
	}
	o.bytes += int64(sent)
	return sent, err
}

// finish ends the first phase, with the number of bytes that the second has to
// send.
func (o *output) finish() {
	o.endedAt = time.Now()
	o.unread, _ = unread(o.pipe) // closed: run is over or about to be
	_ = o.pipe.SetReadDeadline(past)
	o.ended(errProcedureEnded)
}

func (o *output) wait() (heldOpen bool) {
	<-o.done
	return o.heldOpen
}

func (o *output) giveUp() { o.unwanted(errHeldOpen) }

func (o *output) relayed() (in, out int64) { return 0, o.bytes }

func (o *output) close() { o.pipe.Close() }
