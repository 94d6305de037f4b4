package rpcd

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/wire"
)

// logStart writes a call's first line.
func (c *call) logStart(p *export.Procedure) {
	log := c.conn.server.Log
	mode := "direct"
	if c.bridged {
		mode = "bridged"
	}
	words := []any{"call", c.id, "uid", c.conn.caller.UID, "gid", c.conn.caller.GID, "procedure", printable(p.Name), "args", len(c.Args), "mode", mode}
	if c.Label != "" {
		words = append(words, "label", printable(c.Label))
	}
	if p.LogArgs || log.IsDebug() {
		words = append(words, "argv", loggedArgs(c.Args))
	}
	log.Info("start", words...)
}

// logEnd writes a call's last line.
func (c *call) logEnd(p *export.Procedure, e *wire.Exit, took time.Duration, std *stream.Set, lost bool) {
	status := unix.WaitStatus(e.Status)
	words := []any{"call", c.id, "procedure", printable(p.Name)}
	switch {
	case status.Signaled():
		words = append(words, "signal", unix.SignalName(status.Signal()))
	default:
		words = append(words, "status", status.ExitStatus())
	}
	words = append(words, "seconds", round(took), "user", round(e.User), "system", round(e.System), "max_rss_kb", e.MaxRSS)
	if in, out := std.Relayed(); in+out > 0 {
		words = append(words, "in", in, "out", out)
	}
	if e.Flags&wire.ExitTimeout != 0 {
		words = append(words, "timeout", true)
	}
	if lost {
		words = append(words, "lost", true)
	}
	c.conn.server.Log.Info("end", words...)
}

func round(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// count adds an ended call to the sums.
func (s *Server) count(e *wire.Exit, lost bool) {
	s.counters.calls.Add(1)
	if lost {
		s.counters.lost.Add(1)
	}
	if e.Flags&wire.ExitTimeout != 0 {
		s.counters.timedOut.Add(1)
	}
	if unix.WaitStatus(e.Status).Signaled() {
		s.counters.signaled.Add(1)
	}
}

// maxLogged bounds what one word of a caller's takes in the log.
const maxLogged = 1000

// maxLoggedArgs bounds, in bytes, what all of a call's arguments take there: a
// log that nobody reads holds thousands of lines.
const maxLoggedArgs = 4000

// loggedArgs gives arguments as they stand in a line.
func loggedArgs(args []string) []string {
	words, size := []string{}, 0
	for i, a := range args {
		word := printable(a)
		if size += len(word) + len(`"", `); size > maxLoggedArgs {
			return append(words, "... "+strconv.Itoa(len(args)-i)+" more")
		}
		words = append(words, word)
	}
	return words
}

// printable escapes control bytes and bytes that aren't UTF-8.
func printable(s string) string {
	if len(s) > maxLogged {
		s = s[:maxLogged] + "..."
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
