package rpcd

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// dialogue is a caller that exchanges frames with a server in this process.
type dialogue struct {
	t    *testing.T
	conn *fdconn.Conn
	br   *bufio.Reader
	over chan struct{} // closed when the server no longer uses the connection
}

// converse begins a dialogue with a new server. It ends with the test.
func converse(t *testing.T, allow string) *dialogue {
	t.Helper()
	s := newServer(t, allow)
	t.Cleanup(func() { wantLoad(t, s, 0, 0) }) // runs after the end of the dialogue
	return dial(t, s)
}

// newServer makes a server that serves all commands to callers that allow admits.
func newServer(t *testing.T, allow string) *Server {
	t.Helper()
	rule, err := export.ParseRule(allow)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Name: "hugin", Source: export.Commands("/usr/bin:/bin"), Allow: export.Rules{rule}, MaxCalls: 4, Queue: 100, QueueWait: testkit.Limit, Grace: time.Second, Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(s.null) })
	return s
}

// dial begins a dialogue with s over a socket pair.
func dial(t *testing.T, s *Server) *dialogue {
	t.Helper()
	theirs, ours, err := fdconn.Pair()
	if err != nil {
		t.Fatal(err)
	}
	return dialOver(t, s, theirs, ours)
}

func dialOver(t *testing.T, s *Server, theirs, ours *fdconn.Conn) *dialogue {
	t.Helper()
	d := &dialogue{t, ours, bufio.NewReader(ours), make(chan struct{})}
	go func() { defer close(d.over); s.ServeConn(theirs) }()
	t.Cleanup(func() {
		ours.Close()
		testkit.Within(t, "the server's end of the connection", func() { <-d.over })
	})
	if err := ours.SetDeadline(time.Now().Add(testkit.Limit)); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *dialogue) send(frame []byte) {
	d.t.Helper()
	if err := d.conn.WriteFrame(frame); err != nil {
		d.t.Fatalf("send: %v", err)
	}
}

// next reads frames up to one that is no heartbeat, and returns that one.
func (d *dialogue) next() (wire.Header, []byte) {
	d.t.Helper()
	for {
		h, err := wire.ReadHeader(d.br)
		if err != nil {
			d.t.Fatalf("read: %v", err)
		}
		b, err := wire.ReadPayload(d.br, h)
		if err != nil {
			d.t.Fatalf("read: %v", err)
		}
		if h.Type != wire.TypeHeartbeat {
			return h, b
		}
	}
}

// want takes the next frame, checks its type and returns its payload.
func (d *dialogue) want(t wire.Type) []byte {
	d.t.Helper()
	h, b := d.next()
	if h.Type != t {
		d.t.Fatalf("a %v frame (%q), want %v", h.Type, b, t)
	}
	return b
}

// dropped checks that the server closes the connection.
func (d *dialogue) dropped() {
	d.t.Helper()
	for {
		h, err := wire.ReadHeader(d.br)
		if err == nil {
			_, err = wire.ReadPayload(d.br, h)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, unix.ECONNRESET) {
				d.t.Errorf("the connection wasn't closed: %v", err)
			}
			return
		}
	}
}

func callOf(flags uint16, argv ...string) []byte {
	return (&wire.Call{Flags: flags, Procedure: argv[0], Args: argv[1:], Dir: wire.Dir{Name: "/"}}).Append()
}

// With CallKeep a caller may send its next call or question right after the
// answer to the last one, even after a refusal.
func TestKeep(t *testing.T) {
	d := converse(t, "any")
	for i := range 200 {
		switch i % 4 {
		case 0, 1:
			d.send(callOf(wire.CallKeep, "true"))
			d.want(wire.TypeStarted)
			if e, err := wire.ParseExit(0, d.want(wire.TypeExit)); err != nil || e.Status != 0 {
				t.Fatalf("%+v, %v", e, err)
			}
		case 2:
			d.send(callOf(wire.CallKeep, "nosuchcommand"))
			if m, err := wire.ParseRefused(d.want(wire.TypeRefused)); err != nil || m.Code != wire.Unknown {
				t.Fatalf("%+v, %v", m, err)
			}
		case 3:
			d.send(wire.Question(wire.TypePing))
			d.want(wire.TypePong)
		}
	}
}

// fault: 27
func TestSecondCallIsDropped(t *testing.T) {
	t.Run("without KEEP", func(t *testing.T) {
		d := converse(t, "any")
		d.send(callOf(0, "true"))
		d.want(wire.TypeStarted)
		d.want(wire.TypeExit)
		d.send(callOf(0, "true"))
		d.dropped()
	})
	t.Run("before the end of the first", func(t *testing.T) {
		d := converse(t, "any")
		d.send(callOf(wire.CallKeep, "sleep", "1000"))
		d.want(wire.TypeStarted)
		d.send(callOf(wire.CallKeep, "true"))
		d.dropped()
	})
}

// A frame that the protocol doesn't allow ends the connection and its call.
// fault: 22 27 kubernetes-nonsense
func TestNonsense(t *testing.T) {
	data := wire.Frame(wire.TypeData, 0, 0, []byte("x"))
	for what, frames := range map[string][][]byte{
		"an unknown frame":               {{99, 0, 0, 0, 0, 0, 0, 0}},
		"a worker's frame":               {(&wire.Exit{}).Append()},
		"DATA for a stream that isn't":   {data},
		"a signal that is none":          {wire.Signal(77, 0)},
		"DATA over the cap":              {{16, 0, 0, 0, 0, 4, 0, 1}},
		"a flag that must be understood": {{20, 0, 1, 0, 0, 0, 0, 0}},
	} {
		t.Run(what, func(t *testing.T) {
			d := converse(t, "any")
			d.send(callOf(0, "sleep", "1000"))
			d.want(wire.TypeStarted)
			for _, f := range frames {
				d.send(f)
			}
			d.dropped()
		})
	}
	for what, frame := range map[string][]byte{
		"another protocol":  []byte("GET / HTTP/1.1\r\n\r\n"),
		"a frame of a call": data,
		"too long":          {1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(what+" first", func(t *testing.T) {
			d := converse(t, "any")
			d.send(frame)
			d.dropped()
		})
	}
}

// The server refuses frames that may come from a later version, and says so.
// fault: 28 87 kubernetes-version s6-sudo
func TestAnswersToTheFuture(t *testing.T) {
	for what, frame := range map[string][]byte{
		"a later version":      wire.Frame(wire.TypeCall, 0, 0, []byte("RPCD\x00\x02whatever")),
		"a later version PING": wire.Frame(wire.TypePing, 0, 0, []byte("RPCD\x01\x00")),
		"a later first frame":  wire.Frame(9, 0, 0, []byte("RPCD\x00\x01")),
		"a field of later":     wire.Frame(wire.TypeCall, 0, 0, []byte("RPCD\x00\x01\x00\x01\x00\x00\x00\x01x\x80\x00\x00\x00\x00\x00")),
	} {
		t.Run(what, func(t *testing.T) {
			d := converse(t, "any")
			d.send(frame)
			m, err := wire.ParseRefused(d.want(wire.TypeRefused))
			if err != nil || m.Code != wire.Protocol {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}

// A caller that --allow doesn't admit gets a refusal, and its call isn't started.
func TestNotAllowed(t *testing.T) {
	d := converse(t, "uid 4294967294")
	d.send(callOf(0, "true"))
	if m, err := wire.ParseRefused(d.want(wire.TypeRefused)); err != nil || m.Code != wire.Denied {
		t.Errorf("%+v, %v", m, err)
	}
}

// The server refuses a passed descriptor that would open a way into the caller's
// other files.
// fault: 37
func TestUnfitDescriptors(t *testing.T) {
	for what, flags := range map[string]int{"/": unix.O_RDONLY, "/etc/passwd": unix.O_PATH} {
		d := converse(t, "any")
		fd, err := unix.Open(what, flags|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		c := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}, Streams: []wire.Stream{{Mode: wire.Passed}}}
		if err := d.conn.WriteDescriptors(c.Append(), []int{fd}); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		if m, err := wire.ParseRefused(d.want(wire.TypeRefused)); err != nil || m.Code != wire.Protocol {
			t.Errorf("%s: %+v, %v", what, m, err)
		}
	}
}

// A call with too few or too many descriptors is refused, and all are closed.
// fault: 33 s6-sudo
func TestWrongNumberOfDescriptors(t *testing.T) {
	for _, c := range []struct{ named, sent int }{{2, 1}, {1, 2}, {0, 1}} {
		d := converse(t, "any")
		call := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}}
		for i := range c.named {
			call.Streams = append(call.Streams, wire.Stream{Number: uint8(i), Mode: wire.Passed, Index: uint8(i)})
		}
		r, w := pipe(t)
		fds := []int{w, w}[:c.sent]
		if err := d.conn.WriteDescriptors(call.Append(), fds); err != nil {
			t.Fatal(err)
		}
		unix.Close(w)
		if m, err := wire.ParseRefused(d.want(wire.TypeRefused)); err != nil || m.Code != wire.Protocol {
			t.Errorf("%d named, %d sent: %+v, %v", c.named, c.sent, m, err)
		}
		testkit.Within(t, "the end of the pipe", func() { // it comes once no process holds the other end
			var b [1]byte
			if n, err := unix.Read(r, b[:]); n != 0 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
		unix.Close(r)
	}
}

// The kernel drops descriptors of a call (MSG_CTRUNC). The call is refused even
// if none is left, and doesn't count as bridged.
// fault: 18
func TestDescriptorsThatWereCutOff(t *testing.T) {
	for _, room := range []int{0, 1} {
		s := newServer(t, "any")
		theirs, ours, err := fdconn.Pair()
		if err != nil {
			t.Fatal(err)
		}
		theirs.Receive(room) // has the effect of the limit of open files; see fdconn's TestTruncated
		d := dialOver(t, s, theirs, ours)
		call := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}, Streams: []wire.Stream{{Mode: wire.Passed}, {Number: 1, Mode: wire.Passed, Index: 1, Flags: wire.StreamOutput}}}
		r, w := pipe(t)
		if err := d.conn.WriteDescriptors(call.Append(), []int{w, w}); err != nil {
			t.Fatal(err)
		}
		unix.Close(w)
		if m := d.refused(wire.Failed); !strings.Contains(m.Text, "open files") {
			t.Errorf("room for %d: %q", room, m.Text)
		}
		ends(t, "the descriptors of a call that lacks one", r)
		unix.Close(r)
	}
}

func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return p[0], p[1]
}

// A bridged call with a second input ends all the same, and the worker doesn't
// read that stream.
func TestTwoBridgedInputs(t *testing.T) {
	d := converse(t, "any")
	c := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}, Streams: []wire.Stream{{Number: 0, Mode: wire.Passed}, {Number: 1, Mode: wire.Passed, Index: 1, Window: 4096}}}
	d.send(c.Append())
	for {
		h, _ := d.next()
		if h.Type == wire.TypeExit || h.Type == wire.TypeRefused {
			return
		}
		if h.Type == wire.TypeCredit && h.Stream == 1 {
			t.Error("the worker would read stdout")
		}
	}
}

// If a call's start takes long, its caller gets ACCEPTED before it gives up.
func TestSlowStart(t *testing.T) {
	s := newServer(t, "any")
	s.lookups = limit.NewSlots(limit.MaxStuck)
	var gives []func()
	for i := range limit.MaxStuck { // takes all slots, as look-ups on a hung volume would
		give, err := s.lookups.Take(t.Context(), uint32(i)+1)
		if err != nil {
			t.Fatal(err)
		}
		gives = append(gives, give)
	}
	d := dial(t, s)
	d.send(callOf(0, "true"))
	if m, err := wire.ParseStarted(0, d.want(wire.TypeAccepted)); err != nil || m.ID != "1" {
		t.Errorf("%+v, %v", m, err)
	}
	for _, give := range gives {
		give()
	}
	d.want(wire.TypeStarted)
	d.want(wire.TypeExit)
}

// Noise that looks like the header of a long first frame is refused before its
// payload has arrived.
func TestNoiseIsRefusedAtItsBeginning(t *testing.T) {
	d := converse(t, "any")
	d.send(append([]byte{1, 0, 0, 0, 0, 0x10, 0, 0}, "noise..."...)) // the header announces 1 MiB
	if m, err := wire.ParseRefused(d.want(wire.TypeRefused)); err != nil || m.Code != wire.Protocol {
		t.Errorf("%+v, %v", m, err)
	}
}
