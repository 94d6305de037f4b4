package client

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// stdio is how the streams of a call travel. It is decided before the first
// frame.
type stdio struct {
	streams []wire.Stream
	fds     []int      // that ride on the frame, by index; they stay the files'
	files   []*os.File // by number; nil: /dev/null, or beyond 2 none
	why     []string   // for Verbose, by number; beyond 2 "": there is none
	probe   int        // a descriptor of ours, or -1

	passages [3]*passage // of relayed outputs into pipes, until a writer takes it; or nil
}

// outWindow is the first credit of a relayed output, in bytes, and the most that
// lies between the worker and our writer.
const outWindow = 512 << 10

// stdio looks at Stdin, Stdout, Stderr and ExtraFiles.
func (c *Cmd) stdio() (*stdio, error) {
	n := 3 + len(c.ExtraFiles)
	s := &stdio{probe: -1, files: make([]*os.File, n), why: make([]string, n)}
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
	copy(s.files[3:], c.ExtraFiles)
	for i, f := range s.files[:3] {
		if c.terminal != nil && s.onTerminal(uint8(i)) {
			continue
		}
		if err := c.stream(s, uint8(i), f); err != nil {
			return err
		}
	}
	if err := c.extras(s); err != nil {
		return err
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

// terminalWindow is outWindow for a terminal: so much is still shown after Ctrl-C.
const terminalWindow = 128 << 10

// onTerminal makes stream n of a call with a terminal that, and says whether it did:
// stderr where it is a terminal here, too, or the same as stdout.
func (s *stdio) onTerminal(n uint8) bool {
	st := wire.Stream{Number: n, Mode: wire.OnTerminal}
	if n > 0 {
		st.Flags, st.Window = wire.StreamOutput, terminalWindow
	}
	s.why[n] = "a terminal there"
	if n == 2 {
		if s.files[2] == nil {
			return false
		}
		fd, out := int(s.files[2].Fd()), int(s.files[1].Fd())
		if t, err := examine(fd); err != nil || !t.terminal && !sameOpen(out, fd) && !joined(out, fd) {
			return false
		}
		st.Mode, st.Index, s.why[n] = wire.Same, 1, sameAsStdout
	}
	s.streams = append(s.streams, st)
	return true
}

// takePassage gives the passage of stream n, which is the taker's to close, or nil.
func (s *stdio) takePassage(n uint8) *passage {
	if int(n) >= len(s.passages) {
		return nil
	}
	p := s.passages[n]
	s.passages[n] = nil
	return p
}

// reads reports whether the procedure reads stream n.
func (s *stdio) reads(n uint8) bool {
	return slices.ContainsFunc(s.streams, func(st wire.Stream) bool { return st.Number == n && st.Mode != wire.Probe && st.Read() })
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
		return fail(ErrUsage, c.Worker, false, err, "cannot pass %s: %v", nameOf(n), err)
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

// nameOf is what people call stream n.
func nameOf(n uint8) string {
	names := [...]string{"stdin", "stdout", "stderr"}
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("descriptor %d", n)
}
