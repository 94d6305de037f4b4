package testkit

import (
	"fmt"
	"testing"

	"rpcd/internal/stubborn"
)

// FileSystem is a stubborn.FileSystem of a test.
type FileSystem struct{ *stubborn.FileSystem }

// NewFileSystem mounts a file system until the test ends.
func NewFileSystem(t testing.TB) *FileSystem {
	t.Helper()
	fs, err := stubborn.Mount(Folder(t))
	if err != nil {
		Lack(t, "%v", err)
	}
	t.Cleanup(fs.Unmount)
	return &FileSystem{fs}
}

// Hung waits until n requests hang.
func (fs *FileSystem) Hung(t testing.TB, n int) {
	t.Helper()
	Eventually(t, fmt.Sprintf("%d requests hang", n), func() bool { return fs.Waiting() >= n })
}
