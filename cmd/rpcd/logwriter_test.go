package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"

	"rpcd/internal/testkit"
)

// slow is a writer whose Write waits until the test lets it go on.
type slow struct {
	pass chan struct{}
	mu   sync.Mutex
	got  bytes.Buffer
}

func (s *slow) Write(p []byte) (int, error) {
	<-s.pass
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(p)
}

func (s *slow) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

// fault: 89
func TestLogWriterNeverBlocks(t *testing.T) {
	s := &slow{pass: make(chan struct{})}
	l := newLogWriter(s, 10)
	testkit.Within(t, "writing a log that nobody takes", func() {
		for i := range 1000 {
			line := fmt.Appendf(nil, "line %d\n", i)
			if n, err := l.Write(line); n != len(line) || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
			copy(line, "XXXXXXXXX") // after Write the logger may use its buffer again
		}
	})
	testkit.Within(t, "flushing it", func() { l.Flush(10 * time.Millisecond) })
	close(s.pass)
	testkit.Within(t, "its end", func() { <-l.done })
	lines := strings.Split(strings.TrimSpace(s.String()), "\n")
	if lines[0] != "line 0" || strings.Contains(s.String(), "X") {
		t.Errorf("it begins with %q", lines[0])
	}
	kept, dropped := 0, 0
	for _, line := range lines {
		if _, err := fmt.Sscanf(line, "rpcd: %d log lines dropped", &dropped); err != nil {
			kept++
		}
	}
	if kept < 10 || kept > 12 || kept+dropped != 1000 {
		t.Errorf("%d lines kept, %d told as dropped", kept, dropped)
	}
}

func TestLogWriterKeepsOrder(t *testing.T) {
	s := &slow{pass: make(chan struct{})}
	close(s.pass)
	l := newLogWriter(s, 1000)
	want := ""
	for i := range 500 {
		line := fmt.Sprintf("line %d\n", i)
		want += line
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	l.Flush(testkit.Limit)
	if s.String() != want {
		t.Errorf("%d bytes of %d, or out of order", len(s.String()), len(want))
	}
}

// Connections may log after Flush. These lines are lost, and writing them doesn't
// fail or block.
func TestLogWriterAfterFlush(t *testing.T) {
	s := &slow{pass: make(chan struct{})}
	close(s.pass)
	l := newLogWriter(s, 2)
	l.Flush(testkit.Limit)
	testkit.Within(t, "writing after Flush", func() {
		for range 10 {
			if n, err := l.Write([]byte("late\n")); n != 5 || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
		}
	})
}

// A log that nobody reads costs no more than maxHeldBytes, and says later what it
// dropped. One line is bounded, too.
// fault: 121
func TestLogWriterIsBounded(t *testing.T) {
	s := &slow{pass: make(chan struct{})}
	l := newLogWriter(s, 1000)
	line := append(bytes.Repeat([]byte("x"), 4*maxLine), '\n')
	for range 1000 {
		if n, err := l.Write(line); n != len(line) || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
	}
	if held := l.held.Load(); held > maxHeldBytes {
		t.Errorf("%d bytes are held", held)
	}
	close(s.pass)
	l.Flush(testkit.Limit)
	lines := strings.Split(strings.TrimSpace(s.String()), "\n")
	kept, dropped := 0, 0
	for _, line := range lines {
		switch {
		case len(line) > maxLine+100:
			t.Errorf("a line of %d bytes", len(line))
		case strings.HasSuffix(line, fmt.Sprintf("... (%d bytes cut)", 3*maxLine+1)):
			kept++
		default:
			if _, err := fmt.Sscanf(line, "rpcd: %d log lines dropped", &dropped); err != nil {
				t.Errorf("%.50q", line)
			}
		}
	}
	if kept < 10 || kept+dropped != 1000 {
		t.Errorf("%d lines kept, %d told as dropped", kept, dropped)
	}
}

// What a terminal would obey doesn't reach the log, in neither format, whatever
// names and errors hold it.
// fault: 115
func TestLogOfHostileTexts(t *testing.T) {
	const text = "\u009b31m \x7f \u202e \u2066 \x1b[2J end"
	for _, asJSON := range []bool{false, true} {
		var b bytes.Buffer
		l := newLogWriter(&b, 10)
		newLogger(l, hclog.Info, asJSON).Info("start", "error", errors.New(text), "procedure", text)
		l.Flush(testkit.Limit)
		if bytes.ContainsFunc(b.Bytes(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || !strings.Contains(b.String(), "31m") {
			t.Errorf("json %v: %q", asJSON, &b)
		}
	}
}
