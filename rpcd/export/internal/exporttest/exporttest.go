// Package exporttest makes exports directories for tests of export and lint.
package exporttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rpcd/internal/names"
)

// Tree makes an exports directory, named exports, in a folder of its own. A key
// is a file's name, and its end says what it becomes: with ":x" a file with its
// run bit, with "/" a directory. A text that begins with ">" makes a symlink to
// the rest of the text. Modes don't depend on the umask.
func Tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "exports")
	Must(t, os.Mkdir(dir, 0o755))
	Must(t, os.Chmod(dir, 0o755))
	for name, text := range files {
		Put(t, dir, name, text)
	}
	return dir
}

// Put adds one file to a directory that Tree made. An executable file without a
// text is a script.
func Put(t *testing.T, dir, name, text string) {
	t.Helper()
	mode := os.FileMode(0o644)
	if n, ok := strings.CutSuffix(name, ":x"); ok {
		name, mode = n, 0o755
	}
	path := filepath.Join(dir, name)
	for d := filepath.Dir(path); len(d) > len(dir); d = filepath.Dir(d) {
		Must(t, os.MkdirAll(d, 0o755))
		Must(t, os.Chmod(d, 0o755))
	}
	if strings.HasSuffix(name, "/") {
		Must(t, os.MkdirAll(path, 0o755))
		Must(t, os.Chmod(path, 0o755))
		return
	}
	if target, ok := strings.CutPrefix(text, ">"); ok {
		Must(t, os.Symlink(target, path))
		return
	}
	if mode == 0o755 && text == "" {
		text = "#!/bin/sh\n"
	}
	Must(t, os.WriteFile(path, []byte(text), 0o600))
	Must(t, os.Chmod(path, mode))
}

// Chmod gives a step of a test that changes the mode of a file.
func Chmod(file string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, dir string) { Must(t, os.Chmod(filepath.Join(dir, file), mode)) }
}

// Must ends the test with an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Clean checks that a message is one short line without control bytes, and that
// it says all of the words.
func Clean(t *testing.T, msg string, words ...string) {
	t.Helper()
	if names.HasControl(msg) || len(msg) > 2000 {
		t.Errorf("no short, clean line: %q", msg)
	}
	for _, word := range words {
		if !strings.Contains(msg, word) {
			t.Errorf("%q doesn't say %q", msg, word)
		}
	}
}
