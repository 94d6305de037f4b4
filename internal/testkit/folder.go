package testkit

import (
	"os"
	"testing"
)

// Folder makes a folder that other users may enter, removed with the test. Its
// path is short: the address of a socket in it has 107 bytes (unix(7)), and
// t.TempDir uses half of them for the test's name.
func Folder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "rpcd")
	if err == nil {
		t.Cleanup(func() { os.RemoveAll(folder) })
		err = os.Chmod(folder, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}
