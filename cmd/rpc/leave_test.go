package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// hostile listens at a socket as a worker that takes CALL, says the words, and then
// does with the connection what f does. At the test's end its connections are closed.
func hostile(t *testing.T, f func(*net.UnixConn), words ...[]byte) (socket string) {
	t.Helper()
	socket = filepath.Join(testkit.Folder(t), "w.sock")
	over := make(chan struct{})
	testkit.Listen(t, socket, func(c *net.UnixConn) {
		if h, err := wire.ReadHeader(c); err == nil {
			_, _ = wire.ReadPayload(c, h)
		}
		for _, b := range words {
			_, _ = c.Write(b)
		}
		f(c)
		<-over
	})
	t.Cleanup(func() { close(over) })
	return socket
}

// fullSocket waits until its peer has written all that the socket takes.
func fullSocket(t *testing.T, c *net.UnixConn) {
	rc, err := c.SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	last := 0
	testkit.Eventually(t, "the socket is full", func() bool {
		n := 0
		_ = rc.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		same := n == last && n > 100<<10
		last = n
		return same
	})
}

// zeros is a stdin without an end.
func zeros(t *testing.T) *os.File {
	f, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

var (
	startedFrame = (&wire.Started{ID: "1", Dir: "/"}).Append(wire.TypeStarted)
	gigabyte     = wire.Frame(wire.TypeCredit, 0, 0, []byte{0x40, 0, 0, 0})
	halfExit     = (&wire.Exit{Consumed: -1}).Append()[:20]
)

// leaver is a running rpc.
type leaver struct {
	*exec.Cmd
	ended chan struct{}
}

// leaving starts rpc in a process group of its own.
func leaving(t *testing.T, cmd *exec.Cmd) *leaver {
	t.Helper()
	cmd.Env = testbin.Environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &leaver{cmd, make(chan struct{})}
	go func() { defer close(p.ended); _ = cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-p.ended })
	return p
}

// often sends a signal until the process has ended.
func (p *leaver) often(sig syscall.Signal) {
	for {
		_ = p.Process.Signal(sig)
		select {
		case <-p.ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Whatever a worker does, signals end or stop rpc as they say: three INT or TERM, one
// HUP, Ctrl-Z.
// fault: 124 125
func TestSignalsAgainstAnyWorker(t *testing.T) {
	rpc := testbin.Dir(t) + "/rpc"
	for name, w := range map[string]struct {
		words [][]byte
		full  bool // rpc fills the socket with its stdin
		reads bool
	}{
		"reads nothing":           {[][]byte{startedFrame, gigabyte}, true, false},
		"half a frame":            {[][]byte{startedFrame, halfExit}, false, false},
		"half a frame, and reads": {[][]byte{startedFrame, halfExit}, false, true},
		"reads nothing, bridged":  {[][]byte{(&wire.Started{ID: "1", Flags: wire.StartedBridged}).Append(wire.TypeStarted), gigabyte}, true, false},
	} {
		for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGTSTP} {
			t.Run(name+"/"+unix.SignalName(sig), func(t *testing.T) {
				t.Parallel()
				ready := make(chan struct{})
				socket := hostile(t, func(c *net.UnixConn) {
					if w.full {
						fullSocket(t, c)
					}
					close(ready)
					if w.reads {
						_, _ = io.Copy(io.Discard, c)
					}
				}, w.words...)
				cmd := exec.Command(rpc, "--pass", "none", socket, "cat")
				cmd.Stdin = zeros(t)
				p := leaving(t, cmd)
				<-ready
				testkit.Eventually(t, "rpc minds signals", func() bool { return minds(p.Process.Pid, sig) })
				testkit.Within(t, "rpc", func() {
					switch sig {
					case unix.SIGTSTP:
						_ = p.Process.Signal(sig)
						testkit.Eventually(t, "rpc stops", func() bool { return proc.State(p.Process.Pid) == 'T' })
						_ = p.Process.Signal(unix.SIGCONT)
						testkit.Eventually(t, "rpc goes on", func() bool { return proc.State(p.Process.Pid) != 'T' })
						p.often(unix.SIGINT)
						sig = unix.SIGINT
					case unix.SIGHUP:
						_ = p.Process.Signal(sig)
						<-p.ended
					default:
						p.often(sig)
					}
				})
				if s := cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != sig {
					t.Errorf("%v, want the end by %v", cmd.ProcessState, sig)
				}
			})
		}
	}
}

// minds reports whether a process has a handler for a signal (SigCgt in proc(5)), or
// for TSTP a signalfd(2).
func minds(pid int, sig syscall.Signal) bool {
	if sig == unix.SIGTSTP {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		return slices.ContainsFunc(files, func(name string) bool {
			to, _ := os.Readlink(name)
			return to == "anon_inode:[signalfd]"
		})
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(b), "SigCgt:\t")
	mask, _, _ := strings.Cut(rest, "\n")
	caught, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && caught>>(sig-1)&1 == 1
}

// With --timeout rpc leaves in each state of a call, whatever the worker does. The
// longer bounds are those of rpcd/talk's TestTimeLimitAgainstAnyWorker.
// fault: 127
func TestTimeoutAgainstAnyWorker(t *testing.T) {
	rpc := testbin.Dir(t) + "/rpc"
	accepted := (&wire.Started{ID: "1", Flags: wire.AcceptedWaits, Wait: time.Millisecond}).Append(wire.TypeAccepted)
	data := wire.Frame(wire.TypeData, 1, 0, make([]byte, 200<<10))
	end := func(n uint8) []byte { return wire.Frame(wire.TypeEnd, n, 0, nil) }
	exit := (&wire.Exit{Consumed: -1}).Append()
	for _, c := range []struct {
		name   string
		words  [][]byte
		status int
		report string // outcome and started
		says   string
	}{
		{"no answer", nil, 125, `"lost","started":true`, "says nothing"},
		{"half an answer", [][]byte{startedFrame[:10]}, 125, `"lost","started":true`, "says nothing"},
		{"accepted, in the queue", [][]byte{accepted}, 125, `"lost","started":true`, "didn't start"},
		{"started", [][]byte{startedFrame}, 124, `"timeout","started":true`, "your limit of 1s ran out"},
		{"half an EXIT", [][]byte{startedFrame, halfExit}, 124, `"timeout","started":true`, "your limit of 1s ran out"},
		{"after EXIT, nobody reads the output", [][]byte{startedFrame, data, data, end(1), end(2), exit}, 124, `"timeout","started":true`, "before the output"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			socket := hostile(t, func(conn *net.UnixConn) {
				for strings.HasPrefix(c.name, "accepted") { // a worker that lives
					if _, err := conn.Write(wire.Frame(wire.TypeHeartbeat, 0, 0, nil)); err != nil {
						return
					}
					time.Sleep(100 * time.Millisecond)
				}
			}, c.words...)
			r, w, err := os.Pipe() // nobody reads the output
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			report, err := os.Create(filepath.Join(t.TempDir(), "report"))
			if err != nil {
				t.Fatal(err)
			}
			var stderr strings.Builder
			cmd := exec.Command(rpc, "--timeout", "1", "--heartbeat", "1h", "--status-fd", "3", "--pass", "none", socket, "true")
			cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = w, &stderr, []*os.File{report}
			p := leaving(t, cmd)
			w.Close()
			testkit.Within(t, "rpc", func() { <-p.ended })
			b, _ := os.ReadFile(report.Name())
			if cmd.ProcessState.ExitCode() != c.status || !strings.Contains(string(b), `"outcome":`+c.report) {
				t.Errorf("%v, %s", cmd.ProcessState, b)
			}
			if !strings.Contains(stderr.String(), c.says) || !regexp.MustCompile(`^rpc: [^\n]{1,200}\n$`).MatchString(stderr.String()) {
				t.Errorf("it says %q", &stderr)
			}
		})
	}
}
