package rpcd

import (
	"io"
	"strconv"
	"sync"
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

// LogWriter passes lines on to w without ever making its user wait: when w
// doesn't keep up, or has gone, lines are dropped and the number of them is
// said later.
type LogWriter struct {
	lines   chan []byte
	quit    chan struct{} // closed: write what is held, then end
	done    chan struct{} // closed: ended
	mu      sync.Mutex
	dropped int
}

// NewLogWriter makes a LogWriter that holds at most n lines.
func NewLogWriter(w io.Writer, n int) *LogWriter {
	l := &LogWriter{lines: make(chan []byte, n), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for {
			select {
			case line := <-l.lines:
				l.pass(w, line)
			case <-l.quit:
				for len(l.lines) > 0 {
					l.pass(w, <-l.lines)
				}
				return
			}
		}
	}()
	return l
}

func (l *LogWriter) pass(w io.Writer, line []byte) {
	_, _ = w.Write(line)
	if n := l.takeDropped(); n > 0 {
		_, _ = io.WriteString(w, "rpcd: "+strconv.Itoa(n)+" log lines dropped\n")
	}
}

func (l *LogWriter) takeDropped() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.dropped
	l.dropped = 0
	return n
}

// Write takes one line. It never fails.
func (l *LogWriter) Write(p []byte) (int, error) {
	select {
	case l.lines <- append([]byte(nil), p...):
	default:
		l.mu.Lock()
		l.dropped++
		l.mu.Unlock()
	}
	return len(p), nil
}

// Flush writes what is held, for at most d, once. What comes later is dropped.
func (l *LogWriter) Flush(d time.Duration) {
	close(l.quit)
	select {
	case <-l.done:
	case <-time.After(d):
	}
}
