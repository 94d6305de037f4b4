package export

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// me is rpcd in these tests: whoever runs them.
var me = Owner{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}

// myself is a caller that no rule concerns.
var myself = Caller{UID: 4242, GID: 4242}

// tree makes an exports directory. A name's end says what it becomes: "x" after
// a colon an executable file (a script, if there is no text), "/" a directory, ">" a symlink to the text, else a
// plain file with the text. Modes don't depend on the umask.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "exports")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Chmod(dir, 0o755))
	for name, text := range files {
		put(t, dir, name, text)
	}
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	mode := os.FileMode(0o644)
	if n, ok := strings.CutSuffix(name, ":x"); ok {
		name, mode = n, 0o755
	}
	path := filepath.Join(dir, name)
	for d := filepath.Dir(path); len(d) > len(dir); d = filepath.Dir(d) {
		must(t, os.MkdirAll(d, 0o755))
		must(t, os.Chmod(d, 0o755))
	}
	if strings.HasSuffix(name, "/") {
		must(t, os.MkdirAll(path, 0o755))
		must(t, os.Chmod(path, 0o755))
		return
	}
	if target, ok := strings.CutPrefix(text, ">"); ok {
		must(t, os.Symlink(target, path))
		return
	}
	if mode == 0o755 && text == "" {
		text = "#!/bin/sh\n"
	}
	must(t, os.WriteFile(path, []byte(text), 0o600))
	must(t, os.Chmod(path, mode))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that an error is of a kind, one clean line, and says all of
// the words.
func refused(t *testing.T, err error, kind Kind, words ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want an *Error", err)
		return
	}
	if e.Kind != kind {
		t.Errorf("%v: kind %v, want %v", e, e.Kind, kind)
	}
	clean(t, e.Error(), words...)
}

func clean(t *testing.T, msg string, words ...string) {
	t.Helper()
	if control(msg) || len(msg) > 2000 {
		t.Errorf("no short, clean line: %q", msg)
	}
	for _, word := range words {
		if !strings.Contains(msg, word) {
			t.Errorf("%q doesn't say %q", msg, word)
		}
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, needs root: gives files to other users")
	}
}

// as runs f while the thread looks at files as another user.
func as(t *testing.T, uid int, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, syscall.Setfsuid(uid))
	defer func() { must(t, syscall.Setfsuid(os.Geteuid())) }()
	f()
}
