package testkit

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/stubborn"
)

// A file system of tests answers, hangs and answers again.
func TestFileSystem(t *testing.T) {
	fs := NewFileSystem(t)
	f, err := os.Open(fs.Dir + "/file")
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(fs.Dir + "/dir"); err != nil || !st.IsDir() {
		t.Errorf("%v, %v", st, err)
	}
	fs.Hang(stubborn.RequestFlush)
	over := make(chan struct{})
	go func() { defer close(over); f.Close() }()
	fs.Hung(t, 1)
	select {
	case <-over:
		t.Error("the close didn't wait")
	default:
	}
	fs.Answer()
	Within(t, "the close", func() { <-over })
	fd, err := unix.Open(fs.Dir+"/dir", unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}
