package rpcd

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// slow is a writer that waits to be let through.
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

// hang is the bound of waits that should not be.
const hang = 30 * time.Second

func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(hang):
		t.Fatalf("%s hangs", what)
	}
}

// fault: 89
func TestLogWriterNeverBlocks(t *testing.T) {
	s := &slow{pass: make(chan struct{})}
	l := NewLogWriter(s, 10)
	within(t, "writing a log that nobody takes", func() {
		for i := range 1000 {
			line := fmt.Appendf(nil, "line %d\n", i)
			if n, err := l.Write(line); n != len(line) || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
			copy(line, "XXXXXXXXX") // the line is the logger's own again
		}
	})
	within(t, "flushing it", func() { l.Flush(10 * time.Millisecond) })
	close(s.pass)
	within(t, "its end", func() { <-l.done })
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
	l := NewLogWriter(s, 1000)
	want := ""
	for i := range 500 {
		line := fmt.Sprintf("line %d\n", i)
		want += line
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	l.Flush(hang)
	if s.String() != want {
		t.Errorf("%d bytes of %d, or out of order", len(s.String()), len(want))
	}
}

// Connections outlive the server's last words: what they log then is lost, and
// harms nobody.
func TestLogWriterAfterFlush(t *testing.T) {
	s := &slow{pass: make(chan struct{})}
	close(s.pass)
	l := NewLogWriter(s, 2)
	l.Flush(hang)
	within(t, "writing after Flush", func() {
		for range 10 {
			if n, err := l.Write([]byte("late\n")); n != 5 || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
		}
	})
}

// FuzzPrintable: one line of text, of bounded length, that says what it was
// made from.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "plain ü", "a\nb\x1b[2J\xff", "\u009b", "\"\\", "\u2028\u202e", strings.Repeat("\x00", 3000), strings.Repeat("ü", 600)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || len(got) > 10*maxLogged {
			t.Fatalf("%q becomes %q", s, got)
		}
		again, err := strconv.Unquote("\"" + got + "\"")
		if len(s) > maxLogged {
			s = s[:maxLogged] + "..."
		}
		if err != nil || again != s {
			t.Fatalf("%q becomes %q, which says %q, %v", s, got, again, err)
		}
	})
}

// fault: 56 89
func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain ü":                 "plain ü",
		"a\nb\x1b[2J\xff":         `a\nb\x1b[2J\xff`,
		strings.Repeat("x", 3000): strings.Repeat("x", maxLogged) + "...",
	} {
		if got := printable(s); got != want {
			t.Errorf("%.50q: %.50q", s, got)
		}
	}
}
