package main_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// A procedure can get 253 descriptors of its caller.
// fault: 33
func TestMostDescriptors(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	var streams []wire.Stream
	for i := range wire.MaxDescriptors {
		st := wire.Stream{Number: uint8(i), Mode: wire.Passed, Index: uint8(i)}
		if i == 1 || i == 2 {
			st.Flags = wire.StreamOutput
		}
		streams, fds = append(streams, st), append(fds, int(out.Fd()))
	}
	c := dialRaw(t, w)
	if _, _, err := c.WriteMsgUnix(w.frameOf("ls /proc/self/fd | wc -l", streams...), unix.UnixRights(fds...), nil); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if got, err := io.ReadAll(r); err != nil || strings.TrimSpace(string(got)) != "254" { // one more: the folder that ls reads
		t.Errorf("%q, %v", got, err)
	}
	c.Close()

	w.restored(t, before)
}

// The caller counts as the user that it was when it connected, even if it changes
// its user later.
// fault: 58
func TestCallerThatDropsItsRights(t *testing.T) {
	if os.Getuid() != 0 {
		testkit.Lack(t, "to become another user needs root")
	}
	testkit.Need(t, "perl")
	w := startWorld(t, "passed")
	before := w.idle(t)
	cmd := exec.Command("perl", "-MSocket", "-e", `socket(S, AF_UNIX, SOCK_STREAM, 0) && connect(S, pack_sockaddr_un($ARGV[0])) or die "connect: $!";
$( = 4242; $) = "4242 4242"; $< = $> = 4242; print "$< $>\n"; # only then it calls
sysread STDIN, $frame, 1 << 16; syswrite S, $frame; sysread STDIN, $rest, 1`, w.socket)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	w.begin(t, cmd)
	if _, err := stdin.Write(w.frameOf("echo $RPC_CALLER_UID $RPC_CALLER_GID >who")); err != nil {
		t.Fatal(err)
	}
	if who := w.file(t, "who"); who != "0 0" {
		t.Errorf("it calls as %s", who)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil || out.String() != "4242 4242\n" {
		t.Errorf("the caller: %v, %q", err, &out)
	}
	w.restored(t, before)
}

// The worker refuses the caller's own end of the connection as stdin. The
// procedure would else keep the call alive after the caller has left.
// fault: 35
func TestOwnConnectionAsStdin(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	c := dialRaw(t, w)
	self, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	call := w.frameOf("echo $$ >pid; exec sleep 999", wire.Stream{Mode: wire.Passed})
	if _, _, err := c.WriteMsgUnix(call, unix.UnixRights(int(self.Fd())), nil); err != nil {
		t.Fatal(err)
	}
	self.Close()
	h, err := wire.ReadHeader(c)
	if err != nil || h.Type != wire.TypeRefused {
		t.Fatalf("%v, %v; want a refusal", h.Type, err)
	}
	b, err := wire.ReadPayload(c, h)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := wire.ParseRefused(b); err != nil || m.Code != wire.Protocol || !strings.Contains(m.Text, "a connection to this worker") {
		t.Errorf("%+v, %v", m, err)
	}
	c.Close()
	w.restored(t, before)
}

// A caller hides its own end of the connection in a socket that it passes. The kernel
// then keeps the connection open when the caller has left, and tells nobody. The call
// goes on, as one whose caller waits, and rpc kill ends it.
// fault: 116
func TestOwnConnectionInFlight(t *testing.T) {
	w := startWorld(t, "passed")
	before := w.idle(t)
	c := dialRaw(t, w)
	self, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(int(self.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	call := w.frameOf("echo $RPC_CALL_ID >id; echo $$ >pid; exec sleep 999", wire.Stream{Mode: wire.Passed})
	if _, _, err := c.WriteMsgUnix(call, unix.UnixRights(pair[1]), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.frames(wire.TypeStarted); err != nil {
		t.Fatal(err)
	}
	pid := w.pid(t, "pid")
	self.Close()
	c.Close()
	unix.Close(pair[0])
	unix.Close(pair[1])
	if out, err := w.rpc("ps", w.socket).CombinedOutput(); err != nil || !strings.Contains(string(out), "running") {
		t.Fatalf("the call has ended without its caller: %v, %s", err, out)
	}
	if out, err := w.rpc("kill", w.socket, w.file(t, "id"), "KILL").CombinedOutput(); err != nil {
		t.Fatalf("rpc kill: %v, %s", err, out)
	}
	testkit.Eventually(t, "the end of the procedure", func() bool { return unix.Kill(pid, 0) == unix.ESRCH })
	w.restored(t, before)
}
