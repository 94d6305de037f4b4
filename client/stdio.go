package client

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// stdio is how the streams of a call travel. It is decided before the first
// frame.
type stdio struct {
	streams []wire.Stream
	fds     []int       // that ride on the frame, by index; they stay the files'
	files   [3]*os.File // of streams 0-2, nil where /dev/null is meant
	why     [3]string   // for Verbose
	probe   int         // a descriptor of ours, or -1

	passages [3]*passage // of relayed outputs into pipes, until a writer takes it; or nil
}

// outWindow is the first credit of a relayed output, in bytes, and the most that
// lies between the worker and our writer.
const outWindow = 512 << 10

// stdio looks at Stdin, Stdout, Stderr and ExtraFiles.
func (c *Cmd) stdio() (*stdio, error) {
	s := &stdio{probe: -1}
	if err := c.decide(s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (c *Cmd) decide(s *stdio) (err error) {
	if s.files[0], err = c.inputFile(); err != nil {
		return err
	}
	if s.files[1], err = c.outputFile(c.Stdout); err != nil {
		return err
	}
	if c.Stderr != nil && sameInterface(c.Stderr, c.Stdout) {
		s.files[2] = s.files[1]
	} else if s.files[2], err = c.outputFile(c.Stderr); err != nil {
		return err
	}
	for i, f := range s.files {
		if err := c.stream(s, uint8(i), f); err != nil {
			return err
		}
	}
	for i, f := range c.ExtraFiles {
		if err := c.extra(s, 3+i, f); err != nil {
			return err
		}
	}
	if len(s.fds) == 0 { // else a direct call would look like a bridged one
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			s.probe = fd
			s.add(wire.Stream{Mode: wire.Probe}, fd)
		}
	}
	return nil
}

func (s *stdio) close() {
	if s.probe >= 0 {
		unix.Close(s.probe)
		s.probe = -1
	}
	for n := range s.passages {
		s.takePassage(uint8(n)).close()
	}
}

// takePassage gives the passage of stream n, which is the taker's to close, or nil.
func (s *stdio) takePassage(n uint8) *passage {
	p := s.passages[n]
	s.passages[n] = nil
	return p
}

// add adds a stream whose descriptor rides on the frame.
func (s *stdio) add(st wire.Stream, fd int) {
	st.Index = uint8(len(s.fds))
	s.fds = append(s.fds, fd)
	s.streams = append(s.streams, st)
}

// stream decides how stream n travels.
func (c *Cmd) stream(s *stdio, n uint8, f *os.File) error {
	st := wire.Stream{Number: n}
	if n > 0 {
		st.Flags, st.Window = wire.StreamOutput, outWindow
	}
	if f == nil {
		s.streams = append(s.streams, st) // closed
		s.why[n] = "null"
		return nil
	}
	fd := int(f.Fd())
	t, err := examine(fd)
	if err != nil {
		return fail(ErrUsage, c.Worker, false, err, "cannot pass %s: %v", names[n], err)
	}
	relay := c.relayed(t)
	if n == 2 && s.files[1] != nil {
		out := int(s.files[1].Fd())
		one := joined(out, fd)
		if sameOpen(out, fd) || one && relay != "" { // one thing is relayed as a whole or not at all
			st.Mode, st.Index, s.why[n] = wire.Same, 1, sameAsStdout
			s.streams = append(s.streams, st)
			return nil
		}
		if one {
			st.Flags |= wire.StreamJoined
		}
	}
	if relay != "" {
		if t.terminal && n == 0 {
			st.Flags |= wire.StreamLine
		}
		if t.pipe && n > 0 {
			if s.passages[n] = openPassage(); s.passages[n] != nil {
				st.Flags |= wire.StreamPages
			}
		}
		st.Mode, s.why[n] = wire.Relayed, "relayed ("+relay+")"
		s.streams = append(s.streams, st)
		return nil
	}
	if t.pipe {
		reopenable(fd)
	}
	st.Mode, s.why[n] = wire.Passed, "passed"
	s.add(st, fd)
	return nil
}

// relayed says why a stream of this type is relayed; "": it is passed.
func (c *Cmd) relayed(t fileType) string {
	switch {
	case t.terminal:
		return "terminal"
	case c.Pass == PassNone:
		return "--pass none"
	case c.Pass == PassPipes && !t.pipe && !t.null:
		return "--pass pipes"
	}
	return ""
}

// sameAsStdout is what Verbose says of a stderr that has no way of its own.
const sameAsStdout = "same as stdout"

var names = [3]string{"stdin", "stdout", "stderr"}

// extra passes one of ExtraFiles; nil leaves its number closed.
func (c *Cmd) extra(s *stdio, n int, f *os.File) error {
	if f == nil {
		return nil
	}
	if n > wire.MaxStream || len(s.fds) >= wire.MaxDescriptors {
		return fail(ErrUsage, c.Worker, false, nil, "cannot pass descriptor %d: there are too many", n)
	}
	fd := int(f.Fd())
	t, err := examine(fd)
	switch {
	case err != nil:
	case t.terminal:
		err = errors.New("it is a terminal")
	case c.Pass == PassNone, c.Pass == PassPipes && !t.pipe && !t.null:
		err = errors.New("Options.Pass forbids it")
	}
	if err != nil {
		return fail(ErrUsage, c.Worker, false, err, "cannot pass descriptor %d: %v", n, err)
	}
	if t.pipe {
		reopenable(fd)
	}
	s.add(wire.Stream{Number: uint8(n), Mode: wire.Passed}, fd)
	return nil
}
