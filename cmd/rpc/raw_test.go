package main_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// raw is a connection to a real rpcd, for bytes that rpc itself never sends.
type raw struct {
	*net.UnixConn
	t testing.TB
}

// rawTime bounds every wait of a raw connection.
const rawTime = testkit.Limit

func dialRaw(t testing.TB, w *world) *raw {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: w.socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(rawTime))
	return &raw{c, t}
}

// write writes pieces, and stops if the worker has closed the connection.
func (r *raw) write(pieces ...[]byte) {
	for _, b := range pieces {
		if _, err := r.Write(b); err != nil {
			return
		}
	}
}

// slowly writes each byte only after the worker has read the one before (SIOCOUTQ,
// unix(7)).
func (r *raw) slowly(all []byte) {
	r.t.Helper()
	rc, err := r.SyscallConn()
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range all {
		r.write(all[i : i+1])
		for unread := 1; unread > 0 && err == nil; runtime.Gosched() {
			_ = rc.Control(func(fd uintptr) { unread, err = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		}
	}
}

// frames reads up to a frame of type last, or to the end of the connection. It
// returns the types of the frames.
func (r *raw) frames(last wire.Type) (types []wire.Type, err error) {
	for {
		h, err := wire.ReadHeader(r)
		if err != nil {
			return types, err
		}
		if _, err := wire.ReadPayload(r, h); err != nil {
			return types, err
		}
		if h.Type != wire.TypeHeartbeat && h.Type != wire.TypeCredit {
			types = append(types, h.Type)
		}
		if h.Type == last {
			return types, nil
		}
	}
}

// closed checks that the worker closes the connection.
func (r *raw) closed(what string) {
	r.t.Helper()
	if _, err := r.frames(0); errors.Is(err, os.ErrDeadlineExceeded) {
		r.t.Errorf("%s: not closed after %v", what, rawTime)
	}
}

// frameOf gives the CALL of a shell script in the folder where rows run.
func (w *world) frameOf(script string, streams ...wire.Stream) []byte {
	return (&wire.Call{Procedure: "sh", Args: []string{"-c", script}, Dir: wire.Dir{Name: w.dir + "/cwd"}, Umask: 0o022, Streams: streams}).Append()
}

// file waits for a file in the folder where rows run, and returns its content.
func (w *world) file(t testing.TB, name string) string {
	t.Helper()
	var b []byte
	testkit.Eventually(t, name+" is there", func() bool {
		b, _ = os.ReadFile(filepath.Join(w.dir, "cwd", name))
		return len(b) > 0
	})
	return strings.TrimSpace(string(b))
}

// pid waits for a file in the folder where rows run, and returns the pid in it.
func (w *world) pid(t testing.TB, name string) int {
	t.Helper()
	pid, err := strconv.Atoi(w.file(t, name))
	if err != nil {
		t.Errorf("no pid: %v", err)
	}
	return pid
}

// A CALL that doesn't arrive whole is never run, not even if its descriptors have
// come with its first byte.
// fault: 24
func TestCutCalls(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	streams := []wire.Stream{{Mode: wire.Passed}, {Number: 1, Mode: wire.Passed, Index: 1, Flags: wire.StreamOutput}}
	call := w.frameOf(": >>ran", streams...)
	for n := range call {
		c := dialRaw(t, w)
		if n > 0 {
			if _, _, err := c.WriteMsgUnix(call[:n], unix.UnixRights(null, null), nil); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
	}
	w.restored(t, before)
	if _, err := os.Stat(w.dir + "/cwd/ran"); err == nil {
		t.Error("a call that was cut has run")
	}
}

// The worker understands a caller whose writes hold parts of frames or several
// frames.
// fault: 24
func TestPieces(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	call := w.frameOf("echo ran >$0; exit 7")
	want := fmt.Sprint([]wire.Type{wire.TypePong, wire.TypePong, wire.TypeStarted, wire.TypeExit})
	all := append(append(wire.Question(wire.TypePing), wire.Question(wire.TypePing)...), call...)
	for what, write := range map[string]func(*raw){
		"a byte a write": func(c *raw) { c.slowly(all) },
		"all at once":    func(c *raw) { c.write(all) },
	} {
		c := dialRaw(t, w)
		write(c)
		if got, err := c.frames(wire.TypeExit); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, %v; want %s", what, got, err, want)
		}
		c.Close()
	}
	w.restored(t, before)
}

// A connection that sends noise is closed, and rpcd holds nothing of it afterwards.
// fault: 22 23
func TestNoise(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{42})
	_, _ = random.Read(noise)
	header := func(kind wire.Type, length uint32) []byte {
		return []byte{byte(kind), 0, 0, 0, byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)}
	}
	kinds := map[string][]byte{
		"random bytes":        noise,
		"HTTP":                []byte("GET / HTTP/1.1\r\nHost: hugin\r\n\r\n"),
		"TLS":                 {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3},
		"ssh":                 []byte("SSH-2.0-OpenSSH_9.2\r\n"),
		"nothing":             nil,
		"a byte":              {byte(wire.TypeCall)},
		"a header":            header(wire.TypeCall, 100),
		"a call without end":  append(header(wire.TypeCall, 8<<20), "RPCD\x00\x01"...),
		"no length":           header(wire.TypeCall, 0),
		"2 GiB":               header(wire.TypeCall, math.MaxInt32),
		"4 GiB":               header(wire.TypeCall, math.MaxUint32),
		"4 GiB of a question": header(wire.TypePing, math.MaxUint32),
		"a field past its end": append(header(wire.TypeCall, 12),
			'R', 'P', 'C', 'D', 0, 1, 0, 1, 0xff, 0xff, 0xff, 0xff),
	}
	conns := map[string]*raw{}
	for what, b := range kinds {
		conns[what] = dialRaw(t, w)
		conns[what].write(b)
	}
	if out, err := w.rpc(w.socket, "echo", "served").CombinedOutput(); err != nil || string(out) != "served\n" {
		t.Errorf("another caller: %v, %q", err, out)
	}
	for what, c := range conns {
		c.closed(what)
	}
	said := func() int { return strings.Count(w.log(), "drop a connection") }
	if want := len(kinds) - 1; !testkit.Eventually(t, "a line for each", func() bool { return said() >= want }) || said() > want {
		t.Errorf("%d lines for %d kinds of noise (silence has none):\n%s", said(), want, w.log())
	}
	w.restored(t, before)
	if after := w.idle(t); after.RSS > before.RSS+32<<10 {
		t.Errorf("rpcd has %d KiB, had %d", after.RSS, before.RSS)
	}
}

// A frame in the wrong place ends the connection and the procedure.
// fault: 27
func TestWrongOrder(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	data := wire.Frame(wire.TypeData, 0, 0, []byte("x"))
	end := wire.Frame(wire.TypeEnd, 0, 0, nil)
	credit := func(stream uint8) []byte { return wire.Frame(wire.TypeCredit, stream, 0, []byte{0, 0, 1, 0}) }
	i := 0
	for what, frames := range map[string][][]byte{
		"a second call":           {w.frameOf(": >>ran")},
		"a question in a call":    {wire.Question(wire.TypePing)},
		"DATA after END":          {end, data},
		"END twice":               {end, end},
		"DATA of stdout":          {wire.Frame(wire.TypeData, 1, 0, []byte("x"))},
		"END of stderr":           {wire.Frame(wire.TypeEnd, 2, 0, nil)},
		"DATA of no stream":       {wire.Frame(wire.TypeData, 9, 0, []byte("x"))},
		"DATA over the credit":    {wire.Frame(wire.TypeData, 0, 0, make([]byte, 256<<10))},
		"empty DATA":              {wire.Frame(wire.TypeData, 0, 0, nil)},
		"CREDIT for stdin":        {credit(0)},
		"CREDIT without measure":  {wire.Frame(wire.TypeCredit, 1, 0, []byte{0xff, 0xff, 0xff, 0xff})},
		"CLOSED of stdin":         {wire.Frame(wire.TypeClosed, 0, 0, nil)},
		"STARTED from the caller": {(&wire.Started{ID: "1"}).Append(wire.TypeStarted)},
		"EXIT from the caller":    {(&wire.Exit{}).Append()},
		"REFUSED from the caller": {(&wire.Refused{Code: wire.Busy}).Append()},
		"signal 0":                {wire.Frame(wire.TypeSignal, 0, 0, []byte{0})},
		"signal 99":               {wire.Frame(wire.TypeSignal, 0, 0, []byte{99})},
		"a type that isn't":       {wire.Frame(200, 0, 0, nil)},
	} {
		i++
		name := "pid" + strconv.Itoa(i)
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := dialRaw(t, w)
			c.write(w.frameOf("echo $$ >"+name+"; exec sleep 999", wire.Stream{Mode: wire.Relayed},
				wire.Stream{Number: 1, Mode: wire.Relayed, Flags: wire.StreamOutput, Window: 4096},
				wire.Stream{Number: 2, Mode: wire.Relayed, Flags: wire.StreamOutput, Window: 4096}))
			if _, err := c.frames(wire.TypeStarted); err != nil {
				t.Fatal(err)
			}
			pid := w.pid(t, name)
			c.write(frames...)
			c.closed(what)
			testkit.Eventually(t, "the procedure is gone", func() bool { return !proc.Alive(pid) })
		})
	}
	t.Cleanup(func() {
		w.restored(t, before)
		if _, err := os.Stat(w.dir + "/cwd/ran"); err == nil {
			t.Error("the second call has run")
		}
	})
}

// A caller that reads nothing from its connection stalls only its own call.
// fault: 26
func TestUnreadOutput(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	c := dialRaw(t, w)
	c.write(w.frameOf("echo $$ >pid; exec cat /dev/zero", wire.Stream{Number: 1, Mode: wire.Relayed, Flags: wire.StreamOutput, Window: math.MaxInt32}))
	pid := w.pid(t, "pid")
	used, same := time.Duration(-1), 0
	testkit.Eventually(t, "the procedure is blocked", func() bool { // seen by cat's processor time, which stands still
		if now := proc.CPUTime(pid); now != used || proc.State(pid) != 'S' {
			used, same = now, 0
		}
		same++
		return same > 20
	})
	if now, err := proc.Look(w.daemon.PID()); err != nil || now.RSS > before.RSS+16<<10 {
		t.Errorf("rpcd has %d KiB, had %d: %v", now.RSS, before.RSS, err)
	}
	if out, err := w.rpc(w.socket, "echo", "served").CombinedOutput(); err != nil || string(out) != "served\n" {
		t.Errorf("another caller: %v, %q", err, out)
	}
	c.Close()
	testkit.Eventually(t, "the procedure is gone", func() bool { return !proc.Alive(pid) })
	w.restored(t, before)
}
