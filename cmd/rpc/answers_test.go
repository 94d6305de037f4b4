package main_test

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// TestCutAnswers cuts a worker's answer after every byte, as when the daemon is
// killed before its last frame. rpc then never invents a status.
// fault: 6 kubernetes-cut-status
func TestCutAnswers(t *testing.T) {
	testbin.Dir(t)
	started := (&wire.Started{ID: "1", Dir: "/"}).Append(wire.TypeStarted)
	exit := (&wire.Exit{Consumed: -1}).Append() // status 0
	end := func(stream uint8) []byte { return wire.Frame(wire.TypeEnd, stream, 0, nil) }
	for pass, frames := range map[string][][]byte{
		"all":  {started, exit},
		"none": {started, wire.Frame(wire.TypeData, 1, 0, []byte("out\n")), end(1), end(2), exit},
	} {
		t.Run(pass, func(t *testing.T) {
			var all []byte
			for _, f := range frames {
				all = append(all, f...)
			}
			words := make(chan []byte, 1)
			socket := fakeWorker(t, words)
			for n := range len(all) + 1 {
				words <- all[:n]
				cmd := exec.Command(testbin.Dir(t)+"/rpc", "--pass", pass, socket, "true")
				cmd.Env = testbin.Environment()
				var stderr strings.Builder
				cmd.Stderr = &stderr
				_ = cmd.Run()
				got, said := cmd.ProcessState.ExitCode(), stderr.String()
				switch whole := n == len(all); {
				case whole && (got != 0 || said != ""):
					t.Errorf("whole: status %d, %q", got, said)
				case !whole && (got != 125 || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "rpc: lost the connection to "+socket)):
					t.Errorf("cut at %d of %d: status %d, %q", n, len(all), got, said)
				}
			}
		})
	}
}

// fakeWorker accepts calls at a socket. It answers each with the next bytes from
// words and closes the connection. A question tells the asker that descriptors
// arrive, so that it is no bridge.
func fakeWorker(t *testing.T, words <-chan []byte) (socket string) {
	t.Helper()
	socket = t.TempDir() + "/w.sock"
	testkit.Listen(t, socket, func(c *net.UnixConn) {
		h, err := wire.ReadHeader(c)
		if err == nil {
			_, _ = wire.ReadPayload(c, h)
		}
		if h.Type == wire.TypePing {
			_, _ = c.Write((&wire.Info{State: wire.Up, Way: &wire.Way{Descriptors: 1}}).Append(wire.TypePong))
			return
		}
		_, _ = c.Write(<-words)
	})
	return socket
}
