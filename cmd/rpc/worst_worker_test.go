package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// TestWorstWorker has workers that make rpc keep as much as they can.
// fault: 122
func TestWorstWorker(t *testing.T) {
	if testing.Short() { // as the race detector's tests are, whose own memory hides rpc's
		t.Skip("it measures memory")
	}
	started := (&wire.Started{Flags: wire.StartedBridged, ID: "1"}).Append(wire.TypeStarted)
	fill := func(kind wire.Type, size int, f []byte) []byte {
		b := field(1, "w")
		for len(b)+len(f) <= size {
			b = append(b, f...)
		}
		return wire.Frame(kind, 0, 0, b)
	}
	var bytes []byte
	for i := range 1 << 20 { // as many as its windows hold
		bytes = append(bytes, wire.Frame(wire.TypeData, uint8(1+i%2), 0, []byte("x"))...)
	}
	answers := map[string]struct {
		args   []string
		answer []byte
	}{
		"frames of a byte":   {[]string{"--pass", "none", "SOCKET", "true"}, append(started, bytes...)},
		"a frame at a time":  {[]string{"--pass", "none", "SOCKET", "true"}, append(append(started, wire.Frame(wire.TypeData, 1, 0, make([]byte, 256<<10))...), wire.Frame(wire.TypeData, 2, 0, make([]byte, 256<<10))...)},
		"a refusal":          {[]string{"SOCKET", "true"}, wire.Frame(wire.TypeRefused, 0, 0, append(field(1, "\x00\x0a"), field(2, strings.Repeat("\xff", 65000))...))},
		"procedures":         {[]string{"ls", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(5, string(field(1, "x"))))},
		"procedures, JSON":   {[]string{"ls", "--json", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(5, string(field(1, "x"))))},
		"calls":              {[]string{"ps", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))))},
		"calls, long":        {[]string{"ps", "-l", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))))},
		"a call's arguments": {[]string{"ps", "--json", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))+strings.Repeat(string(field(6, "")), 100_000)))},
		"calls' arguments":   {[]string{"ps", "-l", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))+strings.Repeat(string(field(6, "")), 70)))},
		"arguments, JSON":    {[]string{"ps", "--json", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))+strings.Repeat(string(field(6, "\xff")), 50)))},
		"long names":         {[]string{"ls", "--json", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(5, string(field(1, strings.Repeat("\xff", 250)))))},
		"empty fields":       {[]string{"ls", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(77, ""))},
		"tags":               {[]string{"ls", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(5, string(field(1, strings.Repeat("\xff", 1000)))))},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			socket := testkit.Folder(t) + "/w.sock"
			answerWith(t, socket, a.answer)
			callWorst(t, socket, a.args)
		})
	}
}

// TestWorstPool has a worker with many sockets, each of which answers as much as may be.
// fault: 122
func TestWorstPool(t *testing.T) {
	if testing.Short() { // as the race detector's tests are, whose own memory hides rpc's
		t.Skip("it measures memory")
	}
	long := func(kind wire.Type, size int) []byte {
		return wire.Frame(kind, 0, 0, field(77, strings.Repeat("x", size-6)))
	}
	for word, c := range map[string]struct {
		sockets int
		answer  []byte
	}{
		"ls": {30, long(wire.TypeListing, 4<<20)}, "ps": {30, long(wire.TypeCalls, 4<<20)}, "ping": {500, long(wire.TypePong, 64<<10)}, "call": {500, long(wire.TypePong, 64<<10)},
	} {
		t.Run(word, func(t *testing.T) {
			folder := testkit.Folder(t)
			for i := range c.sockets {
				answerWith(t, fmt.Sprintf("%s/%d.sock", folder, i), c.answer)
			}
			callWorst(t, folder, []string{word, "SOCKET", "true"}[:2+strings.Count(word, "call")])
		})
	}
}

// answerWith has a worker that gives every question the same answer.
func answerWith(t *testing.T, socket string, answer []byte) {
	t.Helper()
	testkit.Listen(t, socket, func(c *net.UnixConn) {
		if h, err := wire.ReadHeader(c); err == nil {
			_, _ = wire.ReadPayload(c, h)
		}
		_ = c.SetWriteDeadline(time.Now().Add(3 * time.Second)) // rpc takes what it can
		_, _ = c.Write(answer)
	})
}

// callWorst runs rpc with outputs that nobody reads, and looks at its memory.
func callWorst(t *testing.T, socket string, args []string) {
	t.Helper()
	cmd := exec.Command(testbin.Dir(t)+"/rpc", args...)
	for i := range cmd.Args {
		cmd.Args[i] = strings.ReplaceAll(cmd.Args[i], "SOCKET", socket)
	}
	cmd.Env = testbin.Environment()
	for _, stream := range []*io.Writer{&cmd.Stdout, &cmd.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
			t.Fatal(err)
		}
		*stream = w
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	isBounded(t, "rpc", cmd.Process.Pid, worstClient)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
