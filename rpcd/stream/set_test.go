package stream

import (
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// planned gives a plan whose caller passed copies of fds, and the caller's end
// of the connection.
func planned(t *testing.T, streams []wire.Stream, fds ...int) (Plan, *fdconn.Conn) {
	t.Helper()
	ours, caller, err := fdconn.Pair()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); caller.Close(); null.Close() })
	if err := errors.Join(ours.SetDeadline(time.Now().Add(testkit.Limit)), caller.SetDeadline(time.Now().Add(testkit.Limit))); err != nil {
		t.Fatal(err)
	}
	if err := caller.WriteDescriptors([]byte{0}, fds); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(ours, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	p := Plan{Streams: streams, Files: ours.TakeFiles(), Conn: ours, Relay: wire.NewRelay(ours.WriteFrame), Null: int(null.Fd())}
	t.Cleanup(func() { p.Files.Close() })
	return p, caller
}

// opened opens a path; the test's end closes it.
func opened(t *testing.T, path string, flags int) int {
	t.Helper()
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// passed gives a passed stream for each number, in the order of the frame.
func passed(numbers ...uint8) (streams []wire.Stream) {
	for i, n := range numbers {
		streams = append(streams, wire.Stream{Number: n, Mode: wire.Passed, Index: uint8(i)})
	}
	return streams
}

// Each plan that can't be has an error of its own kind.
func TestPlansThatCannotBe(t *testing.T) {
	null, dir, path := opened(t, os.DevNull, unix.O_RDWR), opened(t, "/", unix.O_RDONLY), opened(t, "/etc/passwd", unix.O_PATH)
	for what, c := range map[string]struct {
		streams   []wire.Stream
		fds       []int
		truncated bool
		want      error
	}{
		"cut off":              {passed(0), []int{null}, true, ErrTruncated},
		"all cut off":          {passed(0), nil, true, ErrTruncated},
		"too few":              {passed(0, 1), []int{null}, false, &CountError{1, 2}},
		"too many":             {passed(0), []int{null, null}, false, &CountError{2, 1}},
		"for nothing":          {nil, []int{null}, false, &CountError{1, 0}},
		"a probe too many":     {[]wire.Stream{{Mode: wire.Probe}}, []int{null, null}, false, &CountError{2, 1}},
		"stream 3, bridged":    {passed(0, 3), nil, false, &BridgeError{3}},
		"a directory":          {passed(0, 1), []int{null, dir}, false, &UnfitError{1, "a directory"}},
		"opened with O_PATH":   {passed(4), []int{path}, false, &UnfitError{4, "opened with O_PATH"}},
		"rpcd's own mode":      {[]wire.Stream{{Mode: wire.Directory}}, []int{null}, false, &UnfitError{0, "one that rpcd alone sends"}},
		"and through a bridge": {[]wire.Stream{{Mode: wire.Directory}}, nil, false, &UnfitError{0, "one that rpcd alone sends"}},
		"a stream over 2":      {passed(7), []int{null}, false, nil},
		"a probe and nothing":  {[]wire.Stream{{Mode: wire.Probe}}, []int{null}, false, nil},
	} {
		p, _ := planned(t, c.streams, c.fds...)
		p.Files.Truncated = c.truncated
		s, err := New(p)
		if !reflect.DeepEqual(err, c.want) || (s == nil) != (err != nil) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

// A direct call's child gets what was passed, by number. Of the other numbers it
// gets /dev/null below 3, and nothing above.
func TestDirect(t *testing.T) {
	p, _ := planned(t, []wire.Stream{
		{Number: 1, Mode: wire.Passed, Index: 1},
		{Number: 2, Mode: wire.Same, Index: 1},
		{Number: 5, Mode: wire.Passed},
	}, opened(t, os.DevNull, unix.O_RDONLY), opened(t, os.DevNull, unix.O_WRONLY))
	first, second := p.Files.At(0), p.Files.At(1)
	s, err := New(p)
	if err != nil || s.Bridged() {
		t.Fatal(err, "or bridged")
	}
	if err := s.Open(-1); err != nil {
		t.Fatal(err)
	}
	if want := []int{p.Null, second, second, -1, -1, first}; !slices.Equal(s.Files(), want) {
		t.Errorf("the child's descriptors are %v, want %v", s.Files(), want)
	}
	s.Started()
	if _, err := unix.FcntlInt(uintptr(first), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("a passed descriptor is open after the start: %v", err)
	}
	s.Relay()
	held := s.Finish()
	if n, others := s.Consumed(); held || n != -1 || others != nil {
		t.Errorf("held open %v, or %d bytes are consumed, or %v", held, n, others)
	}
	s.Close()
}

// A bridged call's streams are relayed, as many bytes as there are; no
// descriptor is left, and the plan is as it was.
func TestBridged(t *testing.T) {
	p, caller := planned(t, passed(0, 1))
	p.Streams[1].Window = 100
	before, err := proc.Look(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(p)
	if err != nil || !s.Bridged() || p.Streams[1].Mode != wire.Passed {
		t.Fatal(err, "or direct, or the plan is changed")
	}
	if err := s.Open(os.Getuid()); err != nil {
		t.Fatal(err)
	}
	var child [2]int // as a fork copies them
	for i := range child {
		if child[i], err = unix.FcntlInt(uintptr(s.Files()[i]), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			t.Fatal(err)
		}
	}
	s.Started()
	if err := p.Relay.Write(wire.Frame(wire.TypeStarted, 0, 0, nil)); err != nil {
		t.Fatal(err)
	}
	s.Relay()
	for _, want := range []wire.Type{wire.TypeStarted, wire.TypeCredit} {
		if h, err := wire.ReadHeader(caller); err != nil || h.Type != want || h.Stream != 0 {
			t.Fatal(h, err)
		}
	}
	if _, err := wire.ReadPayload(caller, wire.Header{Length: 4}); err != nil {
		t.Fatal(err)
	}
	if err := p.Relay.Handle(wire.Header{Type: wire.TypeData, Length: 6}, strings.NewReader("abcdef")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if n, err := unix.Read(child[0], b); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := unix.Write(child[1], b); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	closeAll(child[:])
	if s.Finish() {
		t.Error("an output is held open")
	}
	n, others := s.Consumed()
	if in, out := s.Relayed(); n != 4 || others != nil || in != 6 || out != 4 {
		t.Errorf("%d of %d bytes are consumed, %d came out; %v", n, in, out, others)
	}
	s.Close()
	if now, err := proc.Look(os.Getpid()); err != nil || now.Descriptors != before.Descriptors {
		t.Errorf("%d descriptors, %d before (%v)", now.Descriptors, before.Descriptors, err)
	}
}
