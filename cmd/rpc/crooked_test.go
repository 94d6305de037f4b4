package main_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/rows"
	"rpcd/internal/testkit"
)

// crooked puts a bridge between the callers and the daemon. The bridge carries all
// bytes in order, but it waits at random, and splits and joins the pieces.
func (w *world) crooked(t testing.TB) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("a crooked bridge of seed %d", seed)
	near, far := w.socket, w.dir+"/sock/crooked.sock"
	l, err := net.Listen("unix", far)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for n := uint64(0); ; n++ {
			caller, err := l.Accept()
			if err != nil {
				return
			}
			worker, err := net.Dial("unix", near)
			if err != nil {
				caller.Close()
				continue
			}
			for i, ends := range [][2]net.Conn{{caller, worker}, {worker, caller}} {
				random := rand.New(rand.NewPCG(seed, 2*n+uint64(i)))
				all.Go(func() {
					carry(random, ends[1], ends[0])
					caller.Close() // one end closes both directions
					worker.Close()
				})
			}
		}
	})
	w.socket = far
}

// carry copies in pieces of random sizes until either end closes.
func carry(random *rand.Rand, to io.Writer, from io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		size := 1 + random.IntN(1<<(3+random.IntN(14)))
		if random.IntN(4) == 0 { // joins pieces: more bytes come during the pause
			time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond)
		}
		n, err := from.Read(buf[:size])
		for sent := 0; sent < n; {
			piece := min(n-sent, 1+random.IntN(1<<(3+random.IntN(14))))
			if _, werr := to.Write(buf[sent : sent+piece]); werr != nil {
				return
			}
			sent += piece
		}
		if err != nil {
			return
		}
	}
}

// resetting is a bridge over TCP for one connection, which ends by a reset. The
// reset drops the bytes that are on their way (SO_LINGER of 0, socket(7)). Their
// sender reads ECONNRESET.
type resetting struct {
	caller, worker *net.UnixConn
	near, far      *net.TCPConn // the caller's and the worker's end of the TCP connection
}

// resetting puts a resetting bridge between the callers and the daemon. It sends
// the bridge to the channel once a caller connects.
func (w *world) resetting(t testing.TB) <-chan *resetting {
	t.Helper()
	worker, made := w.socket, make(chan *resetting, 1)
	l, err := net.Listen("unix", w.dir+"/sock/resetting.sock")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		b := &resetting{}
		defer close(made)
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.caller = c.(*net.UnixConn)
		if b.near, b.far, err = tcpPair(); err == nil {
			b.worker, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: worker})
		}
		if err != nil {
			t.Error(err)
			return
		}
		for _, ends := range [][2]net.Conn{{b.near, b.caller}, {b.worker, b.far}, {b.far, b.worker}, {b.caller, b.near}} {
			all.Go(func() {
				if _, err := io.Copy(ends[0], ends[1]); errors.Is(err, os.ErrDeadlineExceeded) {
					return // reset has stopped the reading, and closes the connections
				}
				for _, c := range []net.Conn{b.caller, b.worker, b.near, b.far} {
					c.Close()
				}
			})
		}
		made <- b
	})
	w.socket = w.dir + "/sock/resetting.sock"
	return made
}

func tcpPair() (near, far *net.TCPConn, err error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr)); err == nil {
		far, err = l.AcceptTCP()
	}
	return near, far, err
}

// reset waits until bytes of a side are unread, and resets the TCP connection.
func (b *resetting) reset(t testing.TB, side *net.UnixConn) {
	t.Helper()
	_ = side.SetReadDeadline(time.Unix(1, 0)) // stops the goroutine that reads from side
	rc, err := side.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "bytes on their way", func() bool {
		n := 0
		_ = rc.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		return n > 0
	})
	_ = b.near.SetLinger(0)
	b.near.Close()
}

// A bridge is reset while it carries bytes of one side. The caller gets an error
// and the procedure ends, long before the heartbeat's limit of 30 s.
// fault: 29
func TestBridgeThatResets(t *testing.T) {
	for _, whose := range []string{"the caller's", "the worker's"} {
		t.Run(whose, func(t *testing.T) {
			w := startWorld(t, "passed")
			before := w.idle(t)
			bridge := w.resetting(t)
			cmd := w.rpc(w.socket, "sh", "-c", "echo $$ >pid; exec 3<&0; cat <&3 >/dev/null & exec cat /dev/zero")
			zeros, err := os.Open("/dev/zero")
			if err != nil {
				t.Fatal(err)
			}
			defer zeros.Close()
			var stderr strings.Builder
			cmd.Stdin, cmd.Stdout, cmd.Stderr = zeros, io.Discard, &stderr
			w.begin(t, cmd)
			pid := w.pid(t, "pid")
			b, ok := <-bridge
			if !ok {
				t.Fatal("nobody came over the bridge")
			}
			side := b.caller
			if whose == "the worker's" {
				side = b.worker
			}
			b.reset(t, side)
			reset := time.Now()
			_ = cmd.Wait()
			if took := time.Since(reset); took > 15*time.Second {
				t.Errorf("noticed after %v", took)
			}
			if got := cmd.ProcessState.ExitCode(); got != 125 || !strings.HasPrefix(stderr.String(), "rpc: lost the connection to ") || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("status %d, %q", got, &stderr)
			}
			testkit.Eventually(t, "the procedure is gone", func() bool { return !proc.Alive(pid) })
			w.restored(t, before)
		})
	}
}

// TestCrookedBridge runs rows on several subjects over a bridge that splits, joins
// and delays bytes.
// fault: 31
func TestCrookedBridge(t *testing.T) {
	for _, name := range []string{"status_each", "the_rest_of_a_list", "stdin_unread", "an_answer_before_the_end", "closed_in_every_combination",
		"50_MB_on_both_at_once", "last_bytes_before_the_end", "a_full_pipe_before_the_end", "yes_into_head", "a_trap_answers_each_signal",
		"every_byte_in_an_argument", "many_arguments", "timeout_and_a_trap", "a_caller_that_is_killed", "a_reader_that_never_reads"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := rows.Read("testdata/rows/" + name + ".sh")
			if err != nil {
				t.Fatal(err)
			}
			runRow(t, r, "crooked")
		})
	}
}
