package stream

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// shownPiece is the most bytes of a terminal that leave in one frame.
const shownPiece = 32 << 10

// shownBehind is more bytes than the kernel keeps of what was written to a terminal
// and not read (drivers/tty/pty.c: two buffers of 8 KiB; n_tty.c: 4 KiB). So many at
// most are from before the procedure's end.
const shownBehind = 64 << 10

// shown relays what the procedure writes to its terminal. run has a goroutine of its
// own; finish is called once, and flush any number of times, by others.
type shown struct {
	master *os.File
	out    *wire.Out

	wanted   context.Context // ends by giveUp, with errHeldOpen
	unwanted context.CancelCauseFunc
	running  context.Context // ends by finish too, with errProcedureEnded
	ended    context.CancelCauseFunc

	flushes  chan chan struct{} // each is closed when all is sent that is there
	done     chan struct{}      // closed: run is over, and what follows is final
	bytes    int64              // relayed
	heldOpen bool               // given up while another process had the terminal
}

func newShown(r *wire.Relay, st wire.Stream, master *os.File) *shown {
	s := &shown{master: master, flushes: make(chan chan struct{}, 1), done: make(chan struct{})}
	s.wanted, s.unwanted = context.WithCancelCause(context.Background())
	s.running, s.ended = context.WithCancelCause(s.wanted)
	s.out = r.Out(st.Number, st.Window, func(out *wire.Out) {
		out.OnClosed(func() { master.Close() }) // a hang-up
		out.Frames(shownPiece)
	})
	return s
}

func (s *shown) run() {
	defer close(s.done)
	frame := s.out.DataFrame()
	defer frame.Free()
	s.heldOpen = errors.Is(s.relay(frame), errHeldOpen)
	s.ended(nil)
	s.unwanted(nil)
	s.close()
	s.out.CloseSoon()
}

// relay is output.relay for a terminal, whose end is EIO: no process has it any more.
func (s *shown) relay(frame *wire.DataFrame) error {
	// 1. While the procedure runs, everything is relayed as it comes.
	for {
		err := s.send(s.running, frame, s.master.Read)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_ = s.master.SetReadDeadline(time.Time{}) // before the look at running: finish ends that first
			err = s.drain(frame)
		}
		if errors.Is(err, errProcedureEnded) || s.running.Err() != nil && s.wanted.Err() == nil {
			break
		}
		if err != nil {
			return err
		}
	}

	// 2. What was written before its end is relayed, however slowly the caller takes it.
	_ = s.master.SetReadDeadline(time.Time{})
	for limit := s.bytes + shownBehind; s.bytes < limit; {
		err := s.send(s.wanted, frame, s.readNow)
		if err == errEmpty {
			break
		}
		if err != nil {
			return err
		}
	}

	// 3. Bytes of other processes that have the terminal, for othersWait in all.
	limit := time.Now().Add(othersWait)
	ctx, cancel := context.WithDeadlineCause(s.wanted, limit, errHeldOpen)
	defer cancel()
	_ = s.master.SetReadDeadline(limit)
	for {
		err := s.send(ctx, frame, s.master.Read)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(limit): // finish was late with its own
			_ = s.master.SetReadDeadline(limit)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errHeldOpen
		case err != nil:
			return err
		}
	}
}

// drain serves flush.
func (s *shown) drain(frame *wire.DataFrame) error {
	for {
		select {
		case flushed := <-s.flushes:
			var err error
			for err == nil {
				err = s.send(s.running, frame, s.readNow)
			}
			close(flushed)
			if err != errEmpty {
				return err
			}
		default:
			return nil
		}
	}
}

// send waits for credit until ctx ends, reads, and sends that. The end of the terminal
// is io.EOF.
func (s *shown) send(ctx context.Context, frame *wire.DataFrame, read func([]byte) (int, error)) error {
	credit, err := s.out.Credit(ctx)
	if err != nil {
		return err
	}
	n, err := read(frame.Room(credit))
	if errors.Is(err, unix.EIO) {
		err = io.EOF
	}
	if n <= 0 || err != nil {
		return err
	}
	s.bytes += int64(n)
	return frame.Send(n, false)
}

// readNow is readNow of the master. The kernel first brings along what is on its way.
func (s *shown) readNow(b []byte) (int, error) { return readNow(s.master, b) }

// flush waits until all is sent that the terminal holds, or the procedure has ended.
func (s *shown) flush() {
	flushed := make(chan struct{})
	select {
	case s.flushes <- flushed:
	case <-s.running.Done():
		return
	}
	_ = s.master.SetReadDeadline(past)
	select {
	case <-flushed:
	case <-s.running.Done():
	}
}

func (s *shown) finish() {
	s.ended(errProcedureEnded)
	_ = s.master.SetReadDeadline(past)
}

func (s *shown) wait() (heldOpen bool) {
	<-s.done
	return s.heldOpen
}

func (s *shown) giveUp() { s.unwanted(errHeldOpen) }

func (s *shown) relayed() (in, out int64) { return 0, s.bytes }

func (s *shown) close() { s.master.Close() }
