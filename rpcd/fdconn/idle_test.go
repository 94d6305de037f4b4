package fdconn

import (
	"errors"
	"os"
	"testing"
	"time"

	"rpcd/internal/testkit"
)

// A Read that is about to begin doesn't put the time limit of SetIdle, which its
// caller has chosen, in the place of one that was set just now.
// fault: 97
func TestDeadlineAfterIdle(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	for range 2000 {
		a.SetIdle(time.Hour)
		began, stop, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() { // what Read does before it waits
			defer close(stopped)
			close(began)
			for {
				select {
				case <-stop:
					return
				default:
					_ = a.arm()
				}
			}
		}()
		<-began
		a.SetIdle(0)
		_ = a.SetDeadline(time.Unix(1, 0))
		close(stop)
		<-stopped
		testkit.Within(t, "a read that is too late", func() {
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		})
		_ = a.SetDeadline(time.Time{})
	}
}

// WriteIfRead writes to a reader that has read all before, and never waits.
// fault: 126
func TestWriteIfRead(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	got := make([]byte, 16)
	for range 3 {
		a.WriteIfRead([]byte("sign"))
		a.WriteIfRead([]byte("more")) // the first one is unread
		if n, err := b.Read(got); err != nil || string(got[:n]) != "sign" {
			t.Fatalf("%q, %v", got[:n], err)
		}
	}
	a.write.Lock() // something is being written, and is read meanwhile
	testkit.Within(t, "a sign beside a write", func() { a.WriteIfRead([]byte("late")) })
	a.endWrite()
	if n, err := b.Read(got); err != nil || string(got[:n]) != "late" {
		t.Fatalf("%q, %v", got[:n], err)
	}
	stuck := make(chan error, 1)
	go func() { stuck <- a.WriteFrame(make([]byte, 16<<20)) }() // more than the socket holds
	if _, err := b.Read(got); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, "a sign beside a frame that is stuck", func() { a.WriteIfRead([]byte("sign")) })
	b.Close()
	if err := <-stuck; err == nil {
		t.Error("nobody read it")
	}
	a.WriteIfRead([]byte("sign")) // to nobody
}
