package child

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child/leader"
)

// What a leader has said before its end counts, however late it is read.
// fault: 205
func TestLastWordIsReadLate(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	j := &job{door: os.NewFile(uintptr(fds[0]), "door")}
	for _, kind := range []leader.Kind{leader.Stopped, leader.Ended} {
		word := make([]byte, leader.Size)
		word[0] = byte(kind)
		if _, err := unix.Write(fds[1], word); err != nil {
			t.Fatal(err)
		}
	}
	_ = j.door.SetReadDeadline(time.Now().Add(-time.Second))
	for _, kind := range []leader.Kind{leader.Stopped, leader.Ended} {
		if m, err := j.read(); err != nil || m.Kind != kind {
			t.Errorf("%+v, %v, want %q: the leader's own status would stand for the procedure's", m, err, kind)
		}
	}
	if _, err := j.read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("behind its last word: %v", err)
	}
}
