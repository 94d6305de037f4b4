package main

import (
	"io"
	"strconv"
	"sync"
	"time"

	"rpcd/internal/printable"
)

// logWriter passes lines on to a writer and never makes the logger wait. When the
// writer doesn't keep up, lines are dropped, and a later line tells how many.
type logWriter struct {
	lines   chan []byte
	quit    chan struct{} // closed by Flush: write the held lines, then end
	done    chan struct{} // closed when nothing is written any more
	mu      sync.Mutex
	dropped int
}

// newLogWriter makes a logWriter that holds at most n lines for w. Flush ends it.
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

// Write takes one line, and never fails. A line of JSON gets the escapes that
// encoding/json leaves out; one of text has them already.
func (l *logWriter) Write(p []byte) (int, error) {
	select {
	case l.lines <- printable.JSON(p):
	default:
		l.mu.Lock()
		l.dropped++
		l.mu.Unlock()
	}
	return len(p), nil
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
