package rpcd

import (
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/printable"
	"rpcd/rpcd/cause"
	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// logStart writes a call's first line.
func (c *call) logStart(p *export.Procedure) {
	mode := "direct"
	if c.IsBridged() {
		mode = "bridged"
	}
	words := []any{"call", c.id, "uid", c.caller.UID, "gid", c.caller.GID, "procedure", printable.Escaped(p.Name), "args", len(c.Args), "mode", mode}
	if c.Label != "" {
		words = append(words, "label", printable.Escaped(c.Label))
	}
	if p.LogArgs || c.host.Log.IsDebug() {
		words = append(words, "argv", printable.Words(c.Args))
	}
	c.host.Log.Info("start", words...)
}

// logRefusal writes the one line of a call that doesn't start.
func (c *call) logRefusal(r *wire.Refused) {
	c.host.Log.Info("refused", "call", c.id, "uid", c.caller.UID, "gid", c.caller.GID, "procedure", printable.Escaped(c.Procedure), "why", printable.Escaped(r.Text))
}

// logEnd writes a call's last line.
func (c *call) logEnd(p *export.Procedure, e *closing, took time.Duration) {
	status := unix.WaitStatus(e.exit.Status)
	words := []any{"call", c.id, "procedure", printable.Escaped(p.Name)}
	switch {
	case status.Signaled():
		words = append(words, "signal", unix.SignalName(status.Signal()))
	default:
		words = append(words, "status", status.ExitStatus())
	}
	words = append(words, "seconds", seconds(took), "user", seconds(e.exit.User), "system", seconds(e.exit.System), "max_rss_kb", e.exit.MaxRSS)
	if in, out := e.streams.Relayed(); in+out > 0 {
		words = append(words, "in", in, "out", out)
	}
	words = append(words, cause.Words(e.exit.End)...)
	if e.lost {
		words = append(words, "lost", true)
	}
	c.host.Log.Info("end", words...)
}

// seconds gives a time in seconds, to the millisecond.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// counters are a server's sums since its start. Only calls that were started
// count as calls. PONG and LISTING tell them, which is what monitoring will read
// (Prometheus text: cmd/rpc/stats.go).
type counters struct{ calls, refused, lost, timedOut, signaled atomic.Uint64 }

// count adds a call that has ended. lost says that its caller didn't get the
// status.
func (n *counters) count(e *wire.Exit, lost bool) {
	n.calls.Add(1)
	if lost {
		n.lost.Add(1)
	}
	if e.Flags&wire.ExitTimeout != 0 {
		n.timedOut.Add(1)
	}
	if unix.WaitStatus(e.Status).Signaled() {
		n.signaled.Add(1)
	}
}

// sums gives them as PONG and LISTING tell them.
func (n *counters) sums(up time.Duration) wire.Counters {
	return wire.Counters{
		Calls:    n.calls.Load(),
		Refused:  n.refused.Load(),
		Lost:     n.lost.Load(),
		TimedOut: n.timedOut.Load(),
		Signaled: n.signaled.Load(),
		Up:       up,
	}
}
