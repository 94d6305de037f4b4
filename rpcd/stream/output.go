package stream

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

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

	wanted   context.Context // ends by giveUp, with errHeldOpen
	unwanted context.CancelCauseFunc
	running  context.Context // ends by finish too, with errProcedureEnded
	ended    context.CancelCauseFunc

	// Set by finish, before running ends.
	endedAt time.Time
	unread  int // bytes in the pipe then

	// run's own
	passage passage
	frame   *wire.DataFrame

	done     chan struct{} // closed: run is over, and what follows is final
	bytes    int64         // relayed
	heldOpen bool          // given up while another process had the pipe
}

// newOutput takes pipe over.
func newOutput(c *fdconn.Conn, r *wire.Relay, st wire.Stream, pipe *os.File) *output {
	o := &output{conn: c, pipe: pipe, done: make(chan struct{})}
	o.wanted, o.unwanted = context.WithCancelCause(context.Background())
	o.running, o.ended = context.WithCancelCause(o.wanted)
	o.out = r.Out(st.Number, st.Window, func(out *wire.Out) {
		out.OnClosed(func() { pipe.Close() }) // the child gets SIGPIPE
	})
	o.frame = o.out.DataFrame()
	return o
}

func (o *output) run() {
	defer close(o.done)
	o.heldOpen = errors.Is(o.relay(), errHeldOpen)
	o.ended(nil)
	o.unwanted(nil)
	o.close()
	o.frame.Free()
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
		_, err := o.send(ctx, wire.MaxData, o.read)
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
	for {
		n, err := unread(o.pipe)
		if err != nil {
			return err
		}
		if rest = min(rest, n); rest == 0 {
			return nil
		}
		n, err = o.send(o.wanted, rest, o.readNow)
		if err == errEmpty { // another process was quicker
			return nil
		}
		if err != nil {
			return err
		}
		rest -= n
	}
}

// send waits for credit until ctx ends. Then it sends one frame, whose payload is
// bounded by most, and returns the payload's length. If the pipe holds much, the
// bytes are spliced. Else read gives them, and they are copied.
func (o *output) send(ctx context.Context, most int, read func([]byte) (int, error)) (int, error) {
	credit, err := o.out.Credit(ctx)
	if err != nil {
		return 0, err
	}
	most = min(most, credit)
	n, err := o.splice(most)
	if n == 0 && err == nil {
		if n, err = read(o.frame.Room(most)); err == nil {
			err = o.frame.Send(n)
		}
	}
	if err != nil {
		return 0, err
	}
	o.bytes += int64(n)
	return n, nil
}

// splice sends the bytes in the pipe if they are many. If it returns 0, the bytes
// have to be copied.
func (o *output) splice(most int) (int, error) {
	n, err := unread(o.pipe)
	if err != nil {
		return 0, err
	}
	if n = min(n, most); n < leastSplice {
		return 0, nil
	}
	if n = o.passage.take(o.pipe, n); n == 0 {
		return 0, nil
	}
	header, err := o.out.Header(n)
	if err != nil {
		return 0, err
	}
	if err := o.conn.Splice(header, o.passage.ends[0], n); err != nil {
		o.conn.Close() // a frame was cut
		return 0, err
	}
	return n, nil
}

// read waits for bytes. It gives errEmpty when the pipe's deadline is over.
func (o *output) read(p []byte) (int, error) {
	n, err := o.pipe.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errEmpty
	}
	return n, err
}

func (o *output) readNow(p []byte) (int, error) { return readNow(o.pipe, p) }

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
