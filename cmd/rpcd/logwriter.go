package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"rpcd/internal/printable"
)

const (
	// maxHeldLines is how many log lines wait for a slow stderr, and maxHeldBytes how
	// many bytes of them. More are dropped: no call waits for a log.
	maxHeldLines = 4096
	maxHeldBytes = 1 << 20

	// maxLine bounds one line, in bytes. No text in it is so long (internal/printable).
	maxLine = 32 << 10
)

// logWriter passes lines on to a writer and never makes the logger wait. When the
// writer doesn't keep up, lines are dropped, and a later line tells how many.
type logWriter struct {
	lines   chan []byte
	held    atomic.Int64  // bytes of the lines
	quit    chan struct{} // closed by Flush: write the held lines, then end
	done    chan struct{} // closed when nothing is written any more
	mu      sync.Mutex
	dropped int
}

// newLogWriter makes a logWriter that holds at most n lines for w, and maxHeldBytes.
// Flush ends it.
func newLogWriter(w io.Writer, n int) *logWriter {
	l := &logWriter{lines: make(chan []byte, n), quit: make(chan struct{}), done: make(chan struct{})}
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

func (l *logWriter) pass(w io.Writer, line []byte) {
	_, _ = w.Write(line)
	l.held.Add(-int64(len(line)))
	if n := l.takeDropped(); n > 0 {
		_, _ = io.WriteString(w, "rpcd: "+strconv.Itoa(n)+" log lines dropped\n")
	}
}

func (l *logWriter) takeDropped() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.dropped
	l.dropped = 0
	return n
}

// Write takes one line, and never fails. A line over maxLine is cut. One of JSON gets
// the escapes that encoding/json leaves out; one of text has them already.
func (l *logWriter) Write(p []byte) (int, error) {
	if !l.hold(printable.JSON(bounded(p))) {
		l.mu.Lock()
		l.dropped++
		l.mu.Unlock()
	}
	return len(p), nil
}

// hold queues a line, if there is room for it.
func (l *logWriter) hold(line []byte) bool {
	if l.held.Add(int64(len(line))) <= maxHeldBytes {
		select {
		case l.lines <- line:
			return true
		default:
		}
	}
	l.held.Add(-int64(len(line)))
	return false
}

// bounded gives the line p, or what is kept of one over maxLine: it says by how much it
// was cut.
func bounded(p []byte) []byte {
	if len(p) <= maxLine {
		return p
	}
	return fmt.Appendf(bytes.Clone(p[:maxLine]), "... (%d bytes cut)\n", len(p)-maxLine)
}

// Flush writes the held lines, for at most d. It is called once; later lines are
// dropped.
func (l *logWriter) Flush(d time.Duration) {
	close(l.quit)
	select {
	case <-l.done:
	case <-time.After(d):
	}
}
