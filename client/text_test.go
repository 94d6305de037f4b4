package client

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What a hostile worker or file name may hold.
var dirty = []string{
	"", "plain", "grün 日本語", "a\nb", "\x1b[2J\x1b]0;title\a", "\u009b31m", "\x9b31m", "\xff\xfe", "\x00", "tab\tcr\r", "\x7f",
	"\ufffd", "\xed\xa0\x80", "a\u202eb", "\u2028", strings.Repeat("é\x1b", 1000),
}

// turns are what a terminal obeys though they aren't control characters: the
// ends of lines, and what turns the direction of a text (UAX #9).
const turns = "\u2028\u2029\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

func obeyed(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(turns, r) }

// FuzzClean: nothing that a terminal would obey, nothing lost, and clean text
// as it is.
// fault: 56
func FuzzClean(f *testing.F) {
	for _, s := range append(dirty, turns) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, obeyed) {
			t.Fatalf("%q becomes %q", s, got)
		}
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(s) || len(got) > len(s) {
			t.Fatalf("%q becomes %q: another length", s, got)
		}
		if again := Clean(got); again != got {
			t.Fatalf("%q becomes %q, then %q", s, got, again)
		}
		if utf8.ValidString(s) && !strings.ContainsFunc(s, obeyed) && !strings.ContainsRune(s, utf8.RuneError) && got != s {
			t.Fatalf("%q was clean, and becomes %q", s, got)
		}
	})
}

// FuzzResolve: a worker's name is refused as a usage error, or its sockets
// lie where it says; the message is one clean line, and never long.
func FuzzResolve(f *testing.F) {
	for _, s := range append(dirty, ".", "..", "/", "./", "../x", "hugin", "a/b", "/run/rpc/hugin/x.sock", strings.Repeat("x", 201), strings.Repeat("/x", 3000)) {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Setenv("RPC_DIR", dir)
	f.Fuzz(func(t *testing.T, worker string) {
		if strings.Contains(worker, "/") && checkName(worker) == nil {
			return // any path is the caller's own
		}
		sockets, err := resolve(worker)
		if err == nil {
			t.Fatalf("%q has the sockets %q in an empty folder", worker, sockets)
		}
		var e *Error
		if !errors.As(err, &e) || e.Started {
			t.Fatalf("%q: %#v", worker, err)
		}
		odd := worker == "" || worker == "." || worker == ".." || len(worker) > maxName ||
			strings.ContainsFunc(worker, unicode.IsControl)
		if (e.Outcome == ErrUsage) != odd || !odd && e.Outcome != ErrUnreachable {
			t.Fatalf("%q: %s: %v", worker, e.Outcome, err)
		}
		if msg := err.Error(); strings.ContainsFunc(msg, unicode.IsControl) || !utf8.ValidString(msg) || len(msg) > 2000+len(dir) {
			t.Fatalf("%q: no short, clean line: %q", worker, msg)
		}
	})
}

// A worker that nobody could call isn't listed.
func TestWorkersHaveProperNames(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"good", "a\nb", "\x1b[2J", ".hidden"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := Workers(); err != nil || !slices.Equal(names, []string{"good"}) {
		t.Errorf("workers %q, %v", names, err)
	}
}
