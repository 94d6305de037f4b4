package replica

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rpcd/internal/names"
)

// FuzzSockets checks that a worker's name is refused as a usage error, or leads to
// sockets in the right place. The error is one short printable line.
func FuzzSockets(f *testing.F) {
	for _, s := range []string{
		"", "plain", "grün 日本語", "a\nb", "\x1b[2J", "\u009b31m", "\x9b31m", "\xff\xfe", "\x00", "\x7f", "\ufffd", "a\u202eb",
		".", "..", "/", "./", "../x", "hugin", "a/b", "/run/rpc/hugin/x.sock", strings.Repeat("x", 201), strings.Repeat("/x", 3000),
	} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Setenv("RPC_DIR", dir)
	f.Fuzz(func(t *testing.T, worker string) {
		if strings.Contains(worker, "/") && checkName(worker) == nil {
			return // a path may lead anywhere
		}
		sockets, err := Sockets(worker)
		if err == nil {
			t.Fatalf("%q has the sockets %q in an empty folder", worker, sockets)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: %#v", worker, err)
		}
		odd := worker == "" || worker == "." || worker == ".." || len(worker) > names.MaxWorker ||
			strings.ContainsFunc(worker, unicode.IsControl)
		if (e.Reason == Usage) != odd || !odd && (e.Reason != Unreachable || !e.MayPass()) {
			t.Fatalf("%q: %s: %v", worker, e.Reason, err)
		}
		if msg := err.Error(); strings.ContainsFunc(msg, unicode.IsControl) || !utf8.ValidString(msg) || len(msg) > 2000+len(dir) {
			t.Fatalf("%q: no short, printable line: %q", worker, msg)
		}
	})
}

// Sockets takes a worker's name first as the path of a socket, then as a folder of
// sockets. Then it looks for a folder and for a socket of that name.
func TestSockets(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("RPC_DIR", dir)
	for _, folder := range []string{"pool", "both", "empty"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"w.sock", "both.sock", "both/x.sock", "pool/b.sock", "pool/a.sock", "pool/.hidden.sock", "pool/a.txt"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for worker, want := range map[string]string{
		"w": "w.sock", "pool": "pool/a.sock pool/b.sock", "both": "both/x.sock", dir + "/pool": "pool/a.sock pool/b.sock", dir + "/w.sock": "w.sock",
		"empty": "", "nobody": "", dir + "/nobody/x": "",
	} {
		sockets, err := Sockets(worker)
		if got := strings.ReplaceAll(strings.Join(sockets, " "), dir+"/", ""); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", worker, got, err, want)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Reason != Unreachable || !e.NotUp() || !strings.HasPrefix(e.Text, "cannot reach "+worker+": ")) {
			t.Errorf("%s: %v", worker, err)
		}
	}
}

// Workers lists the folders and sockets that can be called.
func TestWorkers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("RPC_DIR", dir)
	if found, err := Workers(); err != nil || len(found) != 0 {
		t.Errorf("%q, %v", found, err)
	}
	for _, name := range []string{"pool", "both", "a\nb", "\x1b[2J", ".hidden"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "file.sock", ".hidden.sock"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"one.sock", "both.sock"} {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if found, err := Workers(); err != nil || !slices.Equal(found, []string{"both", "one", "pool"}) {
		t.Errorf("%q, %v", found, err)
	}
	t.Setenv("RPC_DIR", filepath.Join(dir, "gone"))
	if _, err := Workers(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A folder with very many entries is refused, before anybody is asked.
// fault: 122
func TestManySockets(t *testing.T) {
	dir := t.TempDir()
	for i := range maxEntries {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.sock", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if sockets, err := Sockets(dir); len(sockets) != maxEntries || !slices.IsSorted(sockets) || err != nil {
		t.Errorf("%d sockets, %v", len(sockets), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "more"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := Sockets(dir); !errors.As(err, &e) || e.Reason != Unreachable || !strings.Contains(e.Text, "more than 1000 entries") {
		t.Errorf("%v", err)
	}
}
