// Package stream makes a child's descriptors of passed and relayed streams, and
// relays the latter. It knows bytes and descriptors, no call and no process. A
// terminal for the procedure (`rpc -t`) is a third kind of stream, in pty.go.
package stream

import (
	"fmt"
	"slices"
	"time"

	"rpcd/rpcd/wire"
)

// Set is the streams of one call. Its methods are called in the order in which
// they stand here, by one goroutine. Only GiveUp, Resize, Flush and HangUp may come at
// any time after Open.
type Set struct {
	plan    Plan
	streams []wire.Stream // the plan's; what can't be passed is relayed
	bridged bool
	files   []int           // the child's, by number
	theirs  []int           // the child's ends of our pipes, until Started
	closed  <-chan struct{} // closed: so are the descriptors that the child has; nil: it has none yet
	outputs []end           // of relayed streams
	inputs  []*input        // of relayed streams
	pty     *pty            // nil: there is no terminal
}

// end is our end of a stream that is relayed.
type end interface {
	// run relays until the stream is over. It has a goroutine of its own.
	run()
	// finish tells run that the procedure has ended. It doesn't wait.
	finish()
	// wait waits until run is over. It says whether another process held the
	// stream still.
	wait() (heldOpen bool)
	// giveUp ends the wait for a caller that doesn't take the bytes.
	giveUp()
	// relayed is how many bytes went to the procedure and came from it. It is
	// called after wait.
	relayed() (in, out int64)
	// close closes the descriptors of a stream that doesn't run.
	close()
}

// Bridged says that no descriptor arrived: something between the two sides
// carries bytes alone.
func (s *Set) Bridged() bool { return s.bridged }

// Open makes the child's descriptors. owner is another user as whom the child runs:
// its pipes can be opened again by name, as /dev/stdout, and its terminal is its own.
// -1: there is none.
func (s *Set) Open(owner int) error {
	highest := 2
	for _, st := range s.streams {
		if st.Mode != wire.Probe {
			highest = max(highest, int(st.Number))
		}
	}
	s.files = slices.Repeat([]int{-1}, highest+1)
	s.files[0], s.files[1], s.files[2] = s.plan.Null, s.plan.Null, s.plan.Null
	for _, st := range s.streams {
		fd := s.plan.Null
		switch st.Mode {
		case wire.Probe:
			continue
		case wire.Passed:
			fd = s.plan.Files.At(int(st.Index))
		case wire.Same:
			fd = s.files[st.Index]
		case wire.Relayed:
			var err error
			if fd, err = s.relay(st, owner >= 0); err != nil {
				return fmt.Errorf("make a pipe: %w", err)
			}
		case wire.OnTerminal:
			var err error
			if fd, err = s.terminal(st, owner); err != nil {
				return err
			}
		}
		s.files[st.Number] = fd
	}
	return nil
}

// Files gives the child's descriptors by number, and -1 for a number without one.
// The set still owns them.
func (s *Set) Files() []int { return s.files }

// Started has our copies closed of what the child has now.
func (s *Set) Started() {
	if s.plan.Files.Len()+len(s.theirs) == 0 {
		return
	}
	s.plan.Files.Add(s.theirs...)
	s.theirs = nil
	s.closed = s.plan.Files.Close()
}

// closeTime is how long Finish waits for our copies to be closed. It takes microseconds
// where nobody hinders it.
const closeTime = 100 * time.Millisecond

// awaitClosed waits until our copies are closed: with the status the caller may rely
// on it, as the lock of a file (flock(2)) goes with its last copy.
func (s *Set) awaitClosed() {
	if s.closed == nil {
		return
	}
	late := time.NewTimer(closeTime)
	defer late.Stop()
	select {
	case <-s.closed:
	case <-late.C:
	}
}

// Relay begins the relaying, behind STARTED.
func (s *Set) Relay() {
	for _, i := range s.inputs {
		go i.run()
	}
	if s.pty != nil {
		go s.pty.typed.run()
	}
	if len(s.outputs) > 0 {
		s.plan.Conn.EnlargeSendBuffer()
	}
	for _, o := range s.outputs {
		go o.run()
	}
}

// GiveUp ends outputs that the caller doesn't take, with bytes left or not.
func (s *Set) GiveUp() {
	for _, o := range s.outputs {
		o.giveUp()
	}
}

// Finish is for the procedure's end: it sends every byte that was written before
// that, and END. It says whether another process still held an output when that
// was given up.
func (s *Set) Finish() (heldOpen bool) {
	s.awaitClosed()
	for _, o := range s.outputs {
		o.finish()
	}
	for _, o := range s.outputs {
		if o.wait() {
			heldOpen = true
		}
	}
	for _, i := range s.inputs { // last: a process that holds an output may read on meanwhile
		i.finish()
	}
	for _, i := range s.inputs {
		i.wait()
	}
	if s.pty != nil {
		s.pty.typed.finish()
		s.pty.typed.wait()
	}
	return heldOpen
}

// Consumed is how many bytes of a relayed stdin were taken, after Finish (-1: not
// known, or stdin isn't relayed), and of relayed inputs over 2, as far as known.
func (s *Set) Consumed() (stdin int64, others []wire.Taken) {
	stdin = -1
	for _, i := range s.inputs {
		switch {
		case i.number == 0:
			stdin = i.consumed
		case i.consumed >= 0:
			others = append(others, wire.Taken{Number: i.number, Bytes: uint64(i.consumed)})
		}
	}
	return stdin, others
}

// Relayed is how many bytes of inputs went through this process, and how many of
// outputs, after Finish.
func (s *Set) Relayed() (in, out int64) {
	for _, e := range s.ends() {
		i, o := e.relayed()
		in, out = in+i, out+o
	}
	return in, out
}

// Close closes everything that is still open, after Finish or where nothing was
// started.
func (s *Set) Close() {
	s.Started()
	for _, e := range s.ends() {
		e.close()
	}
}

func (s *Set) ends() []end {
	all := slices.Clone(s.outputs)
	for _, i := range s.inputs {
		all = append(all, i)
	}
	if s.pty != nil {
		all = append(all, s.pty.typed)
	}
	return all
}
